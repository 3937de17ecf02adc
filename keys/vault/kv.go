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
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// maxVersions is how many versions of a secret are read, newest first: an
// engine may keep more than any token outlives.
const maxVersions = 10

// kv is one field of a secret of the key-value engine. Each version of the
// secret is a version of the key.
type kv struct {
	c                  *client
	mount, path, field string
	cache              keyrest.Cache[int] // by number
}

// Timed implements [keys.Source]: each version has a created_time.
func (*kv) Timed() bool { return true }

// Remote implements [keys.Source].
func (*kv) Remote() bool { return false }

// kvVersion is the metadata of a version.
type kvVersion struct {
	number    int
	Created   time.Time `json:"created_time"`
	Deleted   string    `json:"deletion_time"` // in the future if deletion is scheduled
	Destroyed bool      `json:"destroyed"`
}

func (v kvVersion) isDeleted(now time.Time) bool {
	at, err := time.Parse(time.RFC3339Nano, v.Deleted)
	return v.Destroyed || v.Deleted != "" && (err != nil || !now.Before(at))
}

// Versions implements [keys.Source]. Only the newest version must hold a key:
// earlier ones may hold something else.
func (s *kv) Versions(ctx context.Context) ([]keys.Key, error) {
	versions, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	var list []keys.Key
	for i, v := range versions {
		key, err := s.cache.Get(v.number, v.Created, func() (keys.Key, error) { return s.read(ctx, v) })
		switch {
		case err == nil && !repeats(list, key):
			list = append(list, key)
		case err == nil:
		case i == len(versions)-1 || errors.Is(err, keys.ErrUnavailable):
			return nil, err
		}
	}
	return list, nil
}

// versions returns the versions that are not deleted, oldest first.
func (s *kv) versions(ctx context.Context) ([]kvVersion, error) {
	var answer struct {
		Data struct {
			Versions map[string]kvVersion `json:"versions"`
		} `json:"data"`
	}
	err := s.c.do(ctx, http.MethodGet, s.mount+"/metadata/"+s.path, nil, &answer)
	if err != nil {
		return nil, store.NotFound(err, "has no such secret, or its engine is not kv version 2", missingHint)
	}
	var list []kvVersion
	for text, v := range answer.Data.Versions {
		if v.number, err = strconv.Atoi(text); err != nil || v.Created.IsZero() {
			return nil, store.Unexpected()
		}
		if !v.isDeleted(s.c.o.Now()) {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b kvVersion) int { return cmp.Compare(a.number, b.number) })
	if len(list) == 0 {
		return nil, store.Missing("has deleted all versions of the secret", "write the key there")
	}
	return list[max(0, len(list)-maxVersions):], nil
}

// read reads the key of a version.
func (s *kv) read(ctx context.Context, v kvVersion) (keys.Key, error) {
	text, err := s.readText(ctx, v.number)
	if err != nil {
		return nil, err
	}
	key, err := s.c.o.Parser.Resolve(ctx, keys.Ref{Text: text})
	if err != nil {
		return nil, err
	}
	return keys.Dated(key, v.Created), nil
}

func (s *kv) readText(ctx context.Context, version int) (secret.Text, error) {
	var answer struct {
		Data struct {
			Data map[string]secret.JSON `json:"data"`
		} `json:"data"`
	}
	err := s.c.do(ctx, http.MethodGet, fmt.Sprintf("%s/data/%s?version=%d", s.mount, s.path, version), nil, &answer)
	if err != nil {
		return secret.Text{}, store.NotFound(err, "has deleted a version of the secret", missingHint)
	}
	raw, ok := answer.Data.Data[s.field]
	var text secret.Text
	if !ok || json.Unmarshal(raw.Reveal(), &text) != nil || text.IsZero() {
		return secret.Text{}, store.Missing("has a secret whose field is absent or not text", "correct the field after #, or write the key there")
	}
	return text, nil
}

// repeats reports whether key is the last of list: writing any field of a secret
// begins a version.
func repeats(list []keys.Key, key keys.Key) bool {
	if len(list) == 0 {
		return false
	}
	before := list[len(list)-1]
	if before.Public() == nil || key.Public() == nil {
		return false // HMAC secrets cannot be compared
	}
	a, errA := keys.SPKI(before.Public())
	b, errB := keys.SPKI(key.Public())
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
