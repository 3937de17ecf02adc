// Package awskms signs with keys of AWS KMS: awskms:///alias/name, or
// awskms:///arn:aws:kms:… . A private key never leaves KMS.
package awskms

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"conductor-jwt/keys"
)

// Options are the connection to KMS. An empty field takes what the SDK finds.
type Options struct{ Region, Endpoint, Profile string }

// New returns the Scheme. It makes no call.
func New(o Options) keys.Scheme { return &scheme{o: o, clients: map[string]*kms.Client{}} }

type scheme struct {
	o Options

	mu      sync.Mutex
	clients map[string]*kms.Client // by region
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	id, region, isAlias, err := readURI(uri)
	if err != nil {
		return nil, err
	}
	return &source{scheme: s, id: id, region: cmp.Or(region, s.o.Region), isAlias: isAlias}, nil
}

// readURI returns the key id as KMS takes it, the region in it, if any, and
// whether it is an alias, which may be pointed to another key.
func readURI(uri string) (id, region string, isAlias bool, err error) {
	id, ok := strings.CutPrefix(uri, "awskms:///")
	const shape = `^(?:arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:)?(key/[\w-]+|alias/[\w/-]+)$|^[\w-]+$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(id)
	if !ok || parts == nil || parts[1] == "" && strings.HasPrefix(id, "key/") {
		return "", "", false, store.Unsupported("this is not the URI of a key", "write awskms:///alias/name or awskms:///arn:aws:kms:…")
	}
	return id, parts[1], strings.HasPrefix(parts[2], "alias/"), nil
}

// client returns the client of a region. It finds credentials by the SDK's own
// chain, once a region.
func (s *scheme) client(ctx context.Context, region string) (*kms.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[region]; c != nil {
		return c, nil
	}
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, 100*time.Millisecond })
		}),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	if s.o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(s.o.Profile))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, store.Refused("has a configuration that cannot be read", "check the files of the aws command, and aws.profile")
	}
	if c.Region == "" {
		return nil, store.Refused("has no region", "set aws.region, or write the key's ARN")
	}
	s.clients[region] = kms.NewFromConfig(c, func(o *kms.Options) {
		if s.o.Endpoint != "" {
			o.BaseEndpoint = &s.o.Endpoint
		}
	})
	return s.clients[region], nil
}
