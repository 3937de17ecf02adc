package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// verifier is a service that verifies tokens by a JWK Set. It asks one replica
// after the other, keeps what it got as long as it may, and does not ask again
// for a kid that it does not know: most caches do, and then again only so
// often.
type verifier struct {
	urls []string
	most time.Duration // how long it keeps a set although it might longer

	mu    sync.Mutex
	set   jose.JSONWebKeySet
	until time.Time
	asked int
}

// verify verifies a token and gives the kid of its key.
func (v *verifier) verify(ctx context.Context, token string) (kid string, err error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", err
	}
	kid = jws.Signatures[0].Header.KeyID
	set, err := v.keys(ctx)
	if err != nil {
		return kid, err
	}
	found := set.Key(kid)
	if len(found) != 1 {
		return kid, fmt.Errorf("kid %s is unknown: the set has %d keys with it", kid, len(found))
	}
	_, err = jws.Verify(found[0])
	return kid, err
}

func (v *verifier) keys(ctx context.Context) (jose.JSONWebKeySet, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := time.Now(); now.After(v.until) {
		set, age, err := fetchSet(ctx, v.urls[v.asked%len(v.urls)])
		if err != nil {
			return set, err
		}
		v.asked++
		v.set, v.until = set, now.Add(min(age, v.most))
	}
	return v.set, nil
}

// fetchSet gives a set and how long it may be kept.
func fetchSet(ctx context.Context, url string) (set jose.JSONWebKeySet, age time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return set, 0, err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return set, 0, err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return set, 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return set, 0, fmt.Errorf("%s: status %d", url, answer.StatusCode)
	}
	seconds, ok := strings.CutPrefix(answer.Header.Get("Cache-Control"), "public, max-age=")
	n, err := strconv.Atoi(seconds)
	if !ok || err != nil {
		return set, 0, fmt.Errorf("cache-control is %q", answer.Header.Get("Cache-Control"))
	}
	return set, time.Duration(n) * time.Second, json.Unmarshal(body, &set)
}
