// Package azurekms signs with keys of Azure Key Vault or a Managed HSM:
// azurekms://vault/key. A private key never leaves the vault.
package azurekms

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"

	"conductor-jwt/keys"
)

// Options are the connection to Key Vault. An empty field takes what the SDK
// finds.
type Options struct {
	TenantID, ClientID string
	TokenFile          string                 // of a workload identity
	Credential         azcore.TokenCredential // nil: made of the fields above
	Transport          policy.Transporter     // nil: the SDK's
}

// New returns the Scheme. It makes no call.
func New(o Options) keys.Scheme { return &scheme{o: o, clients: map[string]*azkeys.Client{}} }

type scheme struct {
	o Options

	mu      sync.Mutex
	clients map[string]*azkeys.Client // by vault
}

// Open implements [keys.Scheme].
func (s *scheme) Open(uri string) (keys.Source, error) {
	p, err := readURI(uri)
	if err != nil {
		return nil, err
	}
	return &source{scheme: s, place: p}, nil
}

// place is a key, as a URI names it.
type place struct {
	vault   string // https://name.vault.azure.net
	key     string
	version string // empty: all
}

// readURI accepts the name of a vault, or a host, for a Managed HSM and for
// national clouds.
func readURI(uri string) (place, error) {
	path, ok := strings.CutPrefix(uri, "azurekms://")
	const shape = `^([A-Za-z0-9][A-Za-z0-9.-]*)/([A-Za-z0-9-]{1,127})(?:/([0-9a-fA-F]{32}))?$`
	parts := regexp.MustCompile(shape).FindStringSubmatch(path)
	if !ok || parts == nil {
		return place{}, store.Unsupported("this is not the URI of a key", "write azurekms://vault/key")
	}
	host := parts[1]
	if !strings.Contains(host, ".") {
		host += ".vault.azure.net"
	}
	return place{"https://" + host, parts[2], parts[3]}, nil
}

// client returns the client of a vault.
func (s *scheme) client(vault string) (*azkeys.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[vault]; c != nil {
		return c, nil
	}
	if s.o.Credential == nil {
		var err error
		if s.o.Credential, err = s.o.credential(); err != nil {
			return nil, store.Refused("has no credentials of the worker", "set azure in the policy, or give the worker an identity")
		}
	}
	c, err := azkeys.NewClient(vault, s.o.Credential, &azkeys.ClientOptions{
		Transport: s.o.Transport,
		Retry:     policy.RetryOptions{MaxRetries: 1, RetryDelay: 50 * time.Millisecond, MaxRetryDelay: 200 * time.Millisecond},
	})
	if err != nil {
		return nil, store.Refused("does not accept the vault's address", "check the source")
	}
	s.clients[vault] = c
	return c, nil
}

// credential returns a workload identity, a managed identity, or what the SDK
// finds.
func (o Options) credential() (azcore.TokenCredential, error) {
	switch {
	case o.TokenFile != "":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{TenantID: o.TenantID, ClientID: o.ClientID, TokenFilePath: o.TokenFile})
	case o.ClientID != "":
		return azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ID: azidentity.ClientID(o.ClientID)})
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{TenantID: o.TenantID})
}
