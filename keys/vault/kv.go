package vault

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// mostVersions of a secret are read, the newest: an engine may keep more than
// any token outlives.
const mostVersions = 10

// kv is one field of a secret of the key-value engine. Each version of the
// secret is one of the key.
type kv struct {
	c                  *client
	mount, path, field string

	mu   sync.Mutex
	read map[int]keys.Key // what a version held; it never changes
}

// Timed implements [keys.Source]: each version has a created_time.
func (*kv) Timed() bool { return true }

// Remote implements [keys.Source].
func (*kv) Remote() bool { return false }

// dated is a version of a secret, as its metadata has it.
type dated struct {
	number    int
	Created   time.Time `json:"created_time"`
	Deleted   string    `json:"deletion_time"` // of the future, where it is to be deleted
	Destroyed bool      `json:"destroyed"`
}

func (d dated) gone(now time.Time) bool {
	at, err := time.Parse(time.RFC3339Nano, d.Deleted)
	return d.Destroyed || d.Deleted != "" && (err != nil || !now.Before(at))
}

// Versions implements [keys.Source]. Only the newest has to hold a key: what
// was there before may have been of another kind.
func (s *kv) Versions(ctx context.Context) ([]keys.Key, error) {
	listed, err := s.listed(ctx)
	if err != nil {
		return nil, err
	}
	var list []keys.Key
	for i, d := range listed {
		key, err := s.version(ctx, d)
		switch {
		case err == nil && !repeats(list, key):
			list = append(list, key)
		case err == nil:
		case i == len(listed)-1 || errors.Is(err, keys.ErrUnavailable):
			return nil, err
		}
	}
	return list, nil
}

// listed gives the versions that are there, the oldest first.
func (s *kv) listed(ctx context.Context) ([]dated, error) {
	var answer struct {
		Data struct {
			Versions map[string]dated `json:"versions"`
		} `json:"data"`
	}
	err := s.c.do(ctx, http.MethodGet, s.mount+"/metadata/"+s.path, nil, &answer)
	if err != nil {
		return nil, missing(err, "vault has no such secret, or its engine is not kv version 2")
	}
	var list []dated
	for text, d := range answer.Data.Versions {
		if d.number, err = strconv.Atoi(text); err != nil || d.Created.IsZero() {
			return nil, odd()
		}
		if !d.gone(s.c.o.Now()) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b dated) int { return cmp.Compare(a.number, b.number) })
	if len(list) == 0 {
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a secret of vault whose versions are all deleted", Hint: "write the key there"}
	}
	return list[max(0, len(list)-mostVersions):], nil
}

// version reads a version once.
func (s *kv) version(ctx context.Context, d dated) (keys.Key, error) {
	s.mu.Lock()
	key := s.read[d.number]
	s.mu.Unlock()
	if key != nil && key.Created().Equal(d.Created) { // a secret that was made anew counts from 1 again
		return key, nil
	}
	text, err := s.text(ctx, d.number)
	if err != nil {
		return nil, err
	}
	if key, err = s.c.o.Parser.Resolve(ctx, keys.Ref{Text: text}); err != nil {
		return nil, err
	}
	key = keys.Dated(key, d.Created)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[d.number] = key
	return key, nil
}

func (s *kv) text(ctx context.Context, version int) (secret.Text, error) {
	var answer struct {
		Data struct {
			Data map[string]secret.JSON `json:"data"`
		} `json:"data"`
	}
	err := s.c.do(ctx, http.MethodGet, fmt.Sprintf("%s/data/%s?version=%d", s.mount, s.path, version), nil, &answer)
	if err != nil {
		return secret.Text{}, missing(err, "a version of a secret of vault that was deleted")
	}
	raw, ok := answer.Data.Data[s.field]
	var text secret.Text
	if !ok || json.Unmarshal(raw.Reveal(), &text) != nil || text.IsZero() {
		return secret.Text{}, &fault.Error{Reason: keys.ErrMissing, Found: "a secret of vault whose field is not there, or is no text", Hint: "correct the field behind #, or write the key there"}
	}
	return text, nil
}

// repeats reports whether the key is the one before it: a version of a secret
// begins whenever any field of it is written.
func repeats(list []keys.Key, key keys.Key) bool {
	if len(list) == 0 {
		return false
	}
	before := list[len(list)-1]
	if before.Public() == nil || key.Public() == nil {
		return false // two secrets show nothing of themselves
	}
	a, errA := keys.SPKI(before.Public())
	b, errB := keys.SPKI(key.Public())
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
