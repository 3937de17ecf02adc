package awskms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/keys"
)

// source is one key, or an alias.
type source struct {
	scheme     *scheme
	id, region string
	isAlias    bool
	cache      keyrest.Cache[string] // by ARN; keeps the keys that an alias pointed to
}

// Timed implements [keys.Source]: a key has a CreationDate, and an alias the
// date at which it was last pointed to a key.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// Versions implements [keys.Source]. An asymmetric key of KMS has one version;
// an alias gets the next one when it is pointed to another key. The previous
// ones stay while they are enabled, so that their last tokens verify; a process
// that starts later does not know them.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	c, err := s.scheme.client(ctx, s.region)
	if err != nil {
		return nil, err
	}
	about, err := describe(ctx, c, s.id)
	if err != nil {
		return nil, err
	}
	created, err := s.created(ctx, c, about)
	if err != nil {
		return nil, err
	}
	current := *about.Arn
	if _, err := s.cache.Get(current, created, func() (keys.Key, error) { return readKey(ctx, c, current, created) }); err != nil {
		return nil, err
	}
	var list []keys.Key
	for arn, key := range s.cache.All() {
		if arn != current {
			_, err := describe(ctx, c, arn)
			if errors.Is(err, keys.ErrMissing) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		list = append(list, key)
	}
	slices.SortFunc(list, func(a, b keys.Key) int { return a.Created().Compare(b.Created()) })
	return list, nil
}

// describe returns the metadata of an enabled signing key.
func describe(ctx context.Context, c *kms.Client, id string) (*types.KeyMetadata, error) {
	answer, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return nil, missingError(err)
	}
	about := answer.KeyMetadata
	switch {
	case about == nil || about.Arn == nil || about.CreationDate == nil:
		return nil, store.Unexpected()
	case about.KeyUsage != types.KeyUsageTypeSignVerify:
		return nil, store.Unsupported("the key is not for signing", "create one with key usage SIGN_VERIFY")
	case about.KeyState != types.KeyStateEnabled:
		return nil, store.Missing("has disabled the key", "enable it, or correct the source")
	}
	return about, nil
}

// created returns when the key became the source's: at its creation, or when
// the alias was pointed to it.
func (s *source) created(ctx context.Context, c *kms.Client, about *types.KeyMetadata) (time.Time, error) {
	if !s.isAlias {
		return *about.CreationDate, nil
	}
	name := s.id[strings.Index(s.id, "alias/"):]
	pages := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{KeyId: about.Arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return time.Time{}, storeError(err)
		}
		for _, a := range page.Aliases {
			if a.AliasName == nil || *a.AliasName != name {
				continue
			}
			if at := cmp.Or(a.LastUpdatedDate, a.CreationDate); at != nil && at.After(*about.CreationDate) {
				return *at, nil
			}
		}
	}
	return *about.CreationDate, nil
}

// readKey reads the public half of a key. The key signs by its ARN: an alias may
// be pointed to another key between two calls.
func readKey(ctx context.Context, c *kms.Client, arn string, created time.Time) (keys.Key, error) {
	answer, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &arn})
	if err != nil {
		return nil, missingError(err)
	}
	public, err := keys.ReadPublic(string(answer.PublicKey))
	if err != nil {
		return nil, err
	}
	algorithms, err := keys.AlgorithmsOf(public)
	if err != nil {
		return nil, err
	}
	algorithms = slices.DeleteFunc(algorithms, func(a keys.Algorithm) bool { return !slices.Contains(answer.SigningAlgorithms, specOf(a)) })
	if len(algorithms) == 0 {
		return nil, store.Unsupported("the key's type makes no JWS signature", "use RSA, ECC_NIST, ECC_SECG_P256K1 or ECC_NIST_EDWARDS25519")
	}
	return keys.FromStore(public, keys.StoreOptions{
		Algorithms: algorithms, Created: created,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return sign(ctx, c, arn, alg, input)
		},
	})
}
