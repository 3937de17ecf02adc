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

// verifier verifies tokens with a JWK Set. It fetches the set from the replicas in
// turn, caches it as long as it may, and does not fetch it again for an unknown
// kid, as most caches would.
type verifier struct {
	urls   []string
	maxAge time.Duration // maximum time to cache a set

	mu      sync.Mutex
	set     jose.JSONWebKeySet
	until   time.Time
	fetched int
}

// verify verifies a token and returns its kid.
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
		return kid, fmt.Errorf("kid %s: the set has %d keys with it, want 1", kid, len(found))
	}
	_, err = jws.Verify(found[0])
	return kid, err
}

func (v *verifier) keys(ctx context.Context) (jose.JSONWebKeySet, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := time.Now(); now.After(v.until) {
		set, age, err := fetchSet(ctx, v.urls[v.fetched%len(v.urls)])
		if err != nil {
			return set, err
		}
		v.fetched++
		v.set, v.until = set, now.Add(min(age, v.maxAge))
	}
	return v.set, nil
}

// fetchSet returns a set and its max-age.
func fetchSet(ctx context.Context, url string) (set jose.JSONWebKeySet, age time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return set, 0, err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return set, 0, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return set, 0, err
	}
	if response.StatusCode != http.StatusOK {
		return set, 0, fmt.Errorf("%s: status %d", url, response.StatusCode)
	}
	seconds, ok := strings.CutPrefix(response.Header.Get("Cache-Control"), "public, max-age=")
	n, err := strconv.Atoi(seconds)
	if !ok || err != nil {
		return set, 0, fmt.Errorf("cache-control is %q, want public, max-age=N", response.Header.Get("Cache-Control"))
	}
	return set, time.Duration(n) * time.Second, json.Unmarshal(body, &set)
}
