package awskms

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// source is one key, or an alias.
type source struct {
	scheme     *scheme
	id, region string
	alias      bool

	mu   sync.Mutex
	read map[string]keys.Key // by ARN; those that an alias pointed to stay
}

// Timed implements [keys.Source]: a key has a CreationDate, and an alias the
// date at which it was last pointed to a key.
func (*source) Timed() bool { return true }

// Remote implements [keys.Source].
func (*source) Remote() bool { return true }

// Versions implements [keys.Source]. An asymmetric key of KMS has one; one
// behind an alias is followed by the next when the alias moves. What the alias
// pointed to before is kept while it is enabled, so that its last tokens
// verify; another process that begins later does not know of it.
func (s *source) Versions(ctx context.Context) ([]keys.Key, error) {
	c, err := s.scheme.client(ctx, s.region)
	if err != nil {
		return nil, err
	}
	about, err := s.describe(ctx, c, s.id)
	if err != nil {
		return nil, err
	}
	if _, err := s.version(ctx, c, about); err != nil {
		return nil, err
	}
	s.mu.Lock()
	held := maps.Clone(s.read)
	s.mu.Unlock()
	list := make([]keys.Key, 0, len(held))
	for arn, key := range held {
		if arn != *about.Arn {
			_, err := s.describe(ctx, c, arn)
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

func (s *source) describe(ctx context.Context, c *kms.Client, id string) (*types.KeyMetadata, error) {
	answer, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return nil, missing(err)
	}
	about := answer.KeyMetadata
	switch {
	case about == nil || about.Arn == nil || about.CreationDate == nil:
		return nil, odd()
	case about.KeyUsage != types.KeyUsageTypeSignVerify:
		return nil, &fault.Error{Reason: keys.ErrUnsupported, Found: "a key of aws kms that is not for signing", Hint: "create one with key usage SIGN_VERIFY"}
	case about.KeyState != types.KeyStateEnabled:
		return nil, &fault.Error{Reason: keys.ErrMissing, Found: "a key of aws kms that is not enabled", Hint: "enable it, or correct the source"}
	}
	return about, nil
}

// version reads the public half of a key once for each time that an alias was
// pointed to it.
func (s *source) version(ctx context.Context, c *kms.Client, about *types.KeyMetadata) (keys.Key, error) {
	created, err := s.since(ctx, c, about)
	if err != nil {
		return nil, err
	}
	arn := *about.Arn
	s.mu.Lock()
	key := s.read[arn]
	s.mu.Unlock()
	if key != nil && key.Created().Equal(created) {
		return key, nil
	}
	answer, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &arn})
	if err != nil {
		return nil, missing(err)
	}
	public, err := keys.ReadPublic(string(answer.PublicKey))
	if err != nil {
		return nil, err
	}
	algorithms, err := served(public, answer.SigningAlgorithms)
	if err != nil {
		return nil, err
	}
	key, err = keys.FromStore(public, keys.StoreOptions{
		Algorithms: algorithms, Created: created,
		Sign: func(ctx context.Context, alg keys.Algorithm, input []byte) ([]byte, error) {
			return sign(ctx, c, arn, alg, input) // by ARN: an alias may move while a task is at work
		},
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[arn] = key
	return key, nil
}

// since is when the key came to be the source's.
func (s *source) since(ctx context.Context, c *kms.Client, about *types.KeyMetadata) (time.Time, error) {
	if !s.alias {
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
