package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// digest identifies a Ref in the cache: an HMAC under a key that lives as long
// as the process, so that a dump of the cache tells nothing about a key.
type digest [sha256.Size]byte

// cache keeps parsed keys, or errors, for ttl. The least recently used entry is
// evicted first.
type cache struct {
	pepper []byte
	ttl    time.Duration
	now    func() time.Time

	mu           sync.Mutex
	kept         *simplelru.LRU[digest, entry] // nil: nothing is kept
	hits, misses uint64
	sweeping     bool // a sweep is scheduled
}

type entry struct {
	key   Key
	err   error // in place of key
	until time.Time
}

func newCache(size int, ttl time.Duration, now func() time.Time) *cache {
	c := &cache{pepper: make([]byte, sha256.Size), ttl: ttl, now: now}
	_, _ = rand.Read(c.pepper) // never fails (crypto/rand)
	if size > 0 {
		// The only error is a size that is not positive.
		c.kept, _ = simplelru.NewLRU(size, func(_ digest, e entry) { closeNative(e.key) })
	}
	return c
}

// digest covers everything that the parsed key depends on. The length of each
// part is written in front of it.
func (c *cache) digest(ref Ref) digest {
	mac := hmac.New(sha256.New, c.pepper)
	for _, part := range []string{ref.Text.Reveal(), ref.KeyID, ref.Password.Reveal(), string(ref.Encoding), string(ref.Algorithm)} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		_, _ = mac.Write(length[:]) // a hash never fails
		_, _ = mac.Write([]byte(part))
	}
	return digest(mac.Sum(nil))
}

func (c *cache) get(id digest) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return entry{}, false
	}
	e, ok := c.kept.Get(id)
	if !ok {
		return entry{}, false
	}
	if !c.now().Before(e.until) {
		c.kept.Remove(id)
		return entry{}, false
	}
	c.hits++
	return e, true
}

// put adds an entry and removes the expired ones.
func (c *cache) put(id digest, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		return
	}
	c.sweep()
	c.kept.Remove(id) // Add would replace it without calling the eviction callback
	e.until = c.now().Add(c.ttl)
	c.kept.Add(id, e)
	c.sweepLater()
}

// sweep removes the expired entries.
func (c *cache) sweep() {
	now := c.now()
	for _, id := range c.kept.Keys() {
		if e, ok := c.kept.Peek(id); ok && !now.Before(e.until) {
			c.kept.Remove(id)
		}
	}
}

// sweepLater sweeps when the next entry expires, so that keys are removed in an
// idle process, too.
func (c *cache) sweepLater() {
	if c.sweeping {
		return
	}
	c.sweeping = true
	wait, now := c.ttl, c.now()
	for _, e := range c.kept.Values() {
		wait = min(wait, e.until.Sub(now))
	}
	time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sweeping = false
		c.sweep()
		if c.kept.Len() > 0 {
			c.sweepLater()
		}
	})
}

func (c *cache) missed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.misses++
}

func (c *cache) joined() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits++
}

func (c *cache) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{Hits: c.hits, Misses: c.misses}
	if c.kept != nil {
		s.Entries = c.kept.Len()
	}
	return s
}
