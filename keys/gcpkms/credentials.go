package gcpkms

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/google/externalaccount"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

const (
	scopeKMS      = "https://www.googleapis.com/auth/cloudkms"
	scopeAll      = "https://www.googleapis.com/auth/cloud-platform"
	metadataHost  = "metadata.google.internal"
	metadataToken = "/computeMetadata/v1/instance/service-accounts/default/token"
	maxFile       = 64 << 10 // bytes
)

// fetch gets a token by Google's default credentials (AIP-4110): a configured
// file, the file of the gcloud command, or the machine's service account.
func (c *client) fetch(ctx context.Context) (token, error) {
	path := c.credentialsFile()
	if path == "" {
		return c.fromMetadata(ctx)
	}
	f, err := readCredentials(ctx, path)
	if err != nil {
		return token{}, err
	}
	switch google.CredentialsType(f.Type) {
	case google.ServiceAccount:
		if f.Email == "" {
			return token{}, keys.Refused("the service account has no client_email", "download its key again")
		}
		return c.fromLibrary(ctx, f.serviceAccount)
	case google.AuthorizedUser:
		return c.fromLibrary(ctx, f.user)
	case google.ExternalAccount:
		subject, err := f.readSubject(ctx)
		if err != nil {
			return token{}, err
		}
		return c.fromLibrary(ctx, f.externalAccount(subject))
	}
	return token{}, keys.Refused("the Google credentials are of a type that is not supported", "use a service_account, an authorized_user, or an external_account")
}

// credentialsFile returns the path of the credentials; empty: there is no file.
func (c *client) credentialsFile() string {
	if c.o.CredentialsFile != "" {
		return c.o.CredentialsFile
	}
	if path, _ := c.o.Getenv("GOOGLE_APPLICATION_CREDENTIALS"); path != "" {
		return path
	}
	home, _ := c.o.Getenv("HOME")
	if home == "" {
		return ""
	}
	path := filepath.Join(home, ".config", "gcloud", "application_default_credentials.json")
	if info, err := readfile.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// fromMetadata calls the metadata server of Compute Engine, GKE or Cloud Run.
// [google.ComputeTokenSource] would read the process's environment, probe for
// the server and cache the result for the whole process.
func (c *client) fromMetadata(ctx context.Context) (token, error) {
	host, _ := c.o.Getenv("GCE_METADATA_HOST")
	var granted struct {
		Token   secret.Text `json:"access_token"`
		Seconds int64       `json:"expires_in"`
	}
	err := c.metadata.Do(ctx, keyrest.Request{
		Method: http.MethodGet, URL: "http://" + cmp.Or(host, metadataHost) + metadataToken, Header: http.Header{"Metadata-Flavor": {"Google"}},
	}, &granted)
	return token{granted.Token, c.o.Now().Add(time.Duration(granted.Seconds) * time.Second)}, err
}

// fromLibrary gets a token from a source of x/oauth2. It drops the library's
// errors: they hold server bodies, and lose the types of ours.
func (c *client) fromLibrary(ctx context.Context, open func(context.Context) (oauth2.TokenSource, error)) (token, error) {
	transport := &keyrest.Transport{Client: c.kms}
	source, err := open(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport}))
	var t *oauth2.Token
	if err == nil {
		t, err = source.Token()
	}
	switch {
	case transport.Err != nil:
		return token{}, transport.Err
	case err != nil:
		return token{}, keys.Refused("the Google credentials return no token", "download them again, and check the permissions of their account")
	}
	return token{secret.New(t.AccessToken), t.Expiry}, nil
}

// credentials are a credentials file of one of the three supported types.
type credentials struct {
	Type     string `json:"type"`
	TokenURI string `json:"token_uri"`

	Email string `json:"client_email"` // service_account; the library reads the other members from text

	ClientID     string      `json:"client_id"` // authorized_user
	ClientSecret secret.Text `json:"client_secret"`
	RefreshToken secret.Text `json:"refresh_token"`

	Audience         string `json:"audience"` // external_account
	SubjectTokenType string `json:"subject_token_type"`
	TokenURL         string `json:"token_url"`
	Impersonate      string `json:"service_account_impersonation_url"`
	Source           struct {
		File   string `json:"file"`
		Format struct {
			Type  string `json:"type"`
			Field string `json:"subject_token_field_name"`
		} `json:"format"`
	} `json:"credential_source"`

	text secret.Text
}

func readCredentials(ctx context.Context, path string) (credentials, error) {
	const what, hint = "the file of Google credentials", "check google.credentials_file, or GOOGLE_APPLICATION_CREDENTIALS"
	raw, err := keyrest.ReadFile(ctx, path, maxFile, what, hint)
	var f credentials
	if err == nil && json.Unmarshal(raw, &f) != nil {
		err = keys.Refused(what+" is not JSON", hint)
	}
	f.text = secret.New(string(raw))
	return f, err
}

// serviceAccount signs a token itself, which Google's APIs accept as it is
// (AIP-4111).
func (f credentials) serviceAccount(context.Context) (oauth2.TokenSource, error) {
	return google.JWTAccessTokenSourceFromJSON([]byte(f.text.Reveal()), googleEndpoint+"/")
}

// user exchanges the refresh token of `gcloud auth application-default login`
// (RFC 6749 §6).
func (f credentials) user(ctx context.Context) (oauth2.TokenSource, error) {
	config := oauth2.Config{
		ClientID: f.ClientID, ClientSecret: f.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: cmp.Or(f.TokenURI, google.Endpoint.TokenURL), AuthStyle: oauth2.AuthStyleInParams},
	}
	return config.TokenSource(ctx, &oauth2.Token{RefreshToken: f.RefreshToken.Reveal()}), nil
}

// externalAccount exchanges subject, the token of another issuer such as a
// cluster (RFC 8693 §2.1), and, if the credentials name a service account to
// impersonate, the result for a token of that account.
func (f credentials) externalAccount(subject secret.Text) func(context.Context) (oauth2.TokenSource, error) {
	scope := scopeAll
	if f.Impersonate != "" {
		scope = scopeKMS
	}
	return func(ctx context.Context) (oauth2.TokenSource, error) {
		return externalaccount.NewTokenSource(ctx, externalaccount.Config{
			Audience: f.Audience, SubjectTokenType: f.SubjectTokenType, TokenURL: f.TokenURL,
			ServiceAccountImpersonationURL: f.Impersonate, Scopes: []string{scope}, SubjectTokenSupplier: subjectToken(subject),
		})
	}
}

// subjectToken is a subject token that was read already: the library would read
// its file without a timeout.
type subjectToken secret.Text

// SubjectToken implements [externalaccount.SubjectTokenSupplier].
func (s subjectToken) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return secret.Text(s).Reveal(), nil
}

// readSubject reads the subject token from its file, which its issuer replaces.
func (f credentials) readSubject(ctx context.Context) (secret.Text, error) {
	const what, hint = "the file of an external_account's token", "give credential_source a file, and its format"
	raw, err := keyrest.ReadFile(ctx, f.Source.File, maxFile, what, hint)
	if err != nil {
		return secret.Text{}, err
	}
	text := secret.New(strings.TrimSpace(string(raw)))
	if f.Source.Format.Type == "json" {
		var members map[string]secret.JSON
		if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members[f.Source.Format.Field].Reveal(), &text) != nil || text.IsZero() {
			return secret.Text{}, keys.Refused(what+" is not a JSON object with the token as text", hint)
		}
	}
	return text, nil
}
