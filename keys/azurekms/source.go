package azurekms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

// source is one key.
type source struct {
	scheme *scheme
	place  place
	cache  keyrest.Cache[string] // by version
}

// Timed implements [keys.Source]: each version has a creation time.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// version is an enabled version.
type version struct {
	id        string
	validFrom time.Time
}

// Versions implements [keys.Source]. An expired version stays, for its last
// tokens; the vault does not sign with it.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	c, err := s.scheme.client(s.place.vault)
	if err != nil {
		return nil, err
	}
	versions, err := s.enabled(ctx, c)
	if err != nil {
		return nil, err
	}
	list := make([]keys.Key, 0, len(versions))
	for _, v := range versions {
		key, err := s.cache.Get(v.id, v.validFrom, func() (keys.Key, error) { return s.place.read(ctx, c, v) })
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	return list, nil
}

// enabled returns the enabled versions, oldest first.
func (s *source) enabled(ctx context.Context, c *azkeys.Client) ([]version, error) {
	var list []version
	for pages := c.NewListKeyPropertiesVersionsPager(s.place.key, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, missingError(err)
		}
		for _, p := range page.Value {
			if v, ok := s.place.usable(p); ok {
				list = append(list, v)
			}
		}
	}
	if len(list) == 0 {
		return nil, store.Missing("has no enabled version of the key", "correct the source, or enable a version")
	}
	slices.SortFunc(list, func(a, b version) int { return cmp.Or(a.validFrom.Compare(b.validFrom), cmp.Compare(a.id, b.id)) })
	return list, nil
}

// usable returns a version that is enabled and named by p. It is valid from its
// creation, or from its nbf if that is later: the vault does not sign before.
func (p place) usable(about *azkeys.KeyProperties) (version, bool) {
	if about == nil || about.KID == nil || about.Attributes == nil || about.Attributes.Created == nil || about.Attributes.Enabled == nil || !*about.Attributes.Enabled {
		return version{}, false
	}
	v := version{about.KID.Version(), *about.Attributes.Created}
	if at := about.Attributes.NotBefore; at != nil && at.After(v.validFrom) {
		v.validFrom = *at
	}
	return v, v.id != "" && (p.version == "" || p.version == v.id)
}

// read reads the public half of a version.
func (p place) read(ctx context.Context, c *azkeys.Client, v version) (keys.Key, error) {
	answer, err := c.GetKey(ctx, p.key, v.id, nil)
	if err != nil {
		return nil, missingError(err)
	}
	public, err := publicKey(answer.Key)
	if err != nil {
		return nil, err
	}
	return keys.FromStore(public, keys.StoreOptions{
		Created: v.validFrom,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return sign(ctx, c, p.key, v.id, alg, input)
		},
	})
}
