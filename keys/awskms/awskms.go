// Package awskms is where keys come from AWS KMS: awskms:///alias/name, or
// awskms:///arn:aws:kms:… . A private key never leaves it.
package awskms

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

// Options say how KMS is reached; what is empty is found by the SDK.
type Options struct {
	Region, Endpoint, Profile string
	HTTP                      *http.Client // nil: the SDK's
}

// New makes the Scheme. It calls nobody.
func New(o Options) keys.Scheme { return &scheme{o: o, clients: map[string]*kms.Client{}} }

type scheme struct {
	o Options

	mu      sync.Mutex
	clients map[string]*kms.Client // by region
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	id, region, alias, err := readURI(uri)
	if err != nil {
		return nil, err
	}
	return &source{scheme: s, id: id, region: cmp.Or(region, s.o.Region), alias: alias, read: map[string]keys.Key{}}, nil
}

// client finds credentials by the SDK's own chain, once for a region.
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
	if s.o.HTTP != nil {
		options = append(options, config.WithHTTPClient(s.o.HTTP))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, keys.Refused("a configuration of aws that cannot be read", "check the files of the aws command, and aws.profile")
	}
	if c.Region == "" {
		return nil, keys.Refused("aws kms without a region", "set aws.region, or write the key's arn")
	}
	s.clients[region] = kms.NewFromConfig(c, func(o *kms.Options) {
		if s.o.Endpoint != "" {
			o.BaseEndpoint = &s.o.Endpoint
		}
	})
	return s.clients[region], nil
}

// readURI gives the key id as KMS takes it, the region that it names, and
// whether it is an alias, behind which the key may change.
func readURI(uri string) (id, region string, alias bool, err error) {
	id, ok := strings.CutPrefix(uri, "awskms:///")
	const shape = `^(?:arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:)?(key/[\w-]+|alias/[\w/-]+)$|^[\w-]+$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(id)
	if !ok || parts == nil || parts[1] == "" && strings.HasPrefix(id, "key/") {
		return "", "", false, &fault.Error{
			Reason: keys.ErrUnsupported, Found: "a uri that names no key of aws kms", Hint: "write awskms:///alias/name or awskms:///arn:aws:kms:…",
		}
	}
	return id, parts[1], strings.HasPrefix(parts[2], "alias/"), nil
}
