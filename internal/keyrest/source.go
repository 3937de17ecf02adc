package keyrest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"conductor-jwt/internal/readfile"
	"conductor-jwt/keys"
)

// Cache holds the keys of a source by version, so that each public key is read
// once. The zero Cache is empty. It is safe for concurrent use.
type Cache[V comparable] struct {
	mu   sync.Mutex
	keys map[V]keys.Key
}

// Get returns the key of version v. It calls read if the key is not cached, or
// was created at another time: an alias may point to a version again, and a
// secret that is made anew counts its versions from 1.
func (c *Cache[V]) Get(v V, created time.Time, read func() (keys.Key, error)) (keys.Key, error) {
	c.mu.Lock()
	key := c.keys[v]
	c.mu.Unlock()
	if key != nil && key.Created().Equal(created) {
		return key, nil
	}
	key, err := read()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[V]keys.Key{}
	}
	c.keys[v] = key
	return key, nil
}

// All returns the cached keys.
func (c *Cache[V]) All() map[V]keys.Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.keys)
}

// ReadFile returns the contents of a file with credentials, which may be a
// mounted secret and so is read each time. The file must not be empty or larger
// than maxBytes. what names the file in errors, and hint says where it is
// configured. The error is [keys.ErrUnavailable], and [keys.ErrRefused] unless
// reading took too long.
func ReadFile(ctx context.Context, path string, maxBytes int, what, hint string) ([]byte, error) {
	raw, err := readfile.Regular(ctx, path, maxBytes)
	switch {
	case errors.Is(err, readfile.ErrTimeout):
		return nil, keys.Unavailable(what+" was not read in time", "check its disk")
	case err != nil:
		return nil, keys.Refused(what+": "+readfile.Reason(err), hint)
	case len(bytes.TrimSpace(raw)) == 0 || len(raw) > maxBytes:
		return nil, keys.Refused(fmt.Sprintf("%s is empty, or larger than %d bytes", what, maxBytes), hint)
	}
	return raw, nil
}
