package azurekms

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// source is one key.
type source struct {
	scheme *scheme
	place  place

	mu   sync.Mutex
	read map[string]keys.Key // by version
}

// Timed implements [keys.Source]: each version has a creation time.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// listed is a version that is enabled.
type listed struct {
	version string
	since   time.Time
}

// Versions implements [keys.Source]. One that is past its expiry is still
// there, for its last tokens; the vault does not sign with it.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	c, err := s.scheme.client(s.place.vault)
	if err != nil {
		return nil, err
	}
	found, err := s.list(ctx, c)
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(found))
	for _, v := range found {
		key, err := s.version(ctx, c, v)
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	return list, nil
}

func (s *source) list(ctx context.Context, c *azkeys.Client) ([]listed, error) {
	var list []listed
	for pages := c.NewListKeyPropertiesVersionsPager(s.place.key, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, missing(err)
		}
		for _, p := range page.Value {
			if v, ok := s.place.usable(p); ok {
				list = append(list, v)
			}
		}
	}
	if len(list) == 0 {
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a key of azure key vault that is not there, or not enabled", Hint: "correct the source, or enable a version"}
	}
	slices.SortFunc(list, func(a, b listed) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.version, b.version)) })
	return list, nil
}

// usable gives a version whose turn begins with its creation, or with its nbf
// where that is later: the vault does not sign before.
func (p place) usable(about *azkeys.KeyProperties) (listed, bool) {
	if about == nil || about.KID == nil || about.Attributes == nil || about.Attributes.Created == nil || about.Attributes.Enabled == nil || !*about.Attributes.Enabled {
		return listed{}, false
	}
	v := listed{about.KID.Version(), *about.Attributes.Created}
	if at := about.Attributes.NotBefore; at != nil && at.After(v.since) {
		v.since = *at
	}
	return v, v.version != "" && (p.version == "" || p.version == v.version)
}

// version reads the public half of a version once.
func (s *source) version(ctx context.Context, c *azkeys.Client, v listed) (keys.Key, error) {
	s.mu.Lock()
	key := s.read[v.version]
	s.mu.Unlock()
	if key != nil && key.Created().Equal(v.since) {
		return key, nil
	}
	answer, err := c.GetKey(ctx, s.place.key, v.version, nil)
	if err != nil {
		return nil, missing(err)
	}
	public, err := publicOf(answer.Key)
	if err != nil {
		return nil, err
	}
	key, err = keys.FromStore(public, keys.StoreOptions{
		Created: v.since,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return sign(ctx, c, s.place.key, v.version, alg, input)
		},
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[v.version] = key
	return key, nil
}
