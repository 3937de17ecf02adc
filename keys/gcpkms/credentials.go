package gcpkms

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// credentials are a file of Google's, of any of the three types that are
// served.
type credentials struct {
	Type     string `json:"type"`
	TokenURI string `json:"token_uri"`

	Email string `json:"client_email"` // service_account; the library reads the rest from text

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

// fetch gets a token by Google's default credentials (AIP-4110): a file that
// is named, the one of the gcloud command, or the machine's own.
func (c *client) fetch(ctx context.Context) (token, error) {
	path := c.o.CredentialsFile
	if path == "" {
		path, _ = c.o.Getenv("GOOGLE_APPLICATION_CREDENTIALS")
	}
	if path == "" {
		home, _ := c.o.Getenv("HOME")
		if usual := filepath.Join(home, ".config", "gcloud", "application_default_credentials.json"); home != "" && isFile(usual) {
			path = usual
		}
	}
	if path == "" {
		return c.fromMachine(ctx)
	}
	f, err := readCredentials(ctx, path)
	if err != nil {
		return token{}, err
	}
	switch google.CredentialsType(f.Type) {
	case google.ServiceAccount:
		if f.Email == "" {
			return token{}, keys.Refused("a service account without client_email", "download its key again")
		}
		return c.library(ctx, f.fromServiceAccount)
	case google.AuthorizedUser:
		return c.library(ctx, f.fromUser)
	case google.ExternalAccount:
		subject, err := f.subject(ctx)
		if err != nil {
			return token{}, err
		}
		return c.library(ctx, f.fromElsewhere(subject))
	}
	return token{}, keys.Refused("google credentials of a type that is not served", "use a service_account, an authorized_user, or an external_account")
}

func isFile(path string) bool {
	info, err := readfile.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

const maxText = 64 << 10

// readCredentials reads the file anew each time: it may be a mounted secret.
func readCredentials(ctx context.Context, path string) (credentials, error) {
	raw, err := readfile.Regular(ctx, path, maxText)
	var f credentials
	if errors.Is(err, readfile.ErrTimeout) {
		return f, keys.Unavailable("a file of google credentials that cannot be read in time", "look at its disk")
	}
	if err != nil || len(raw) > maxText || json.Unmarshal(raw, &f) != nil {
		return f, keys.Refused("a file of google credentials that cannot be read, or holds something else", "check google.credentials_file, or GOOGLE_APPLICATION_CREDENTIALS")
	}
	f.text = secret.New(string(raw))
	return f, nil
}

const (
	scope         = "https://www.googleapis.com/auth/cloudkms"
	scopeAll      = "https://www.googleapis.com/auth/cloud-platform"
	metadataHost  = "metadata.google.internal"
	metadataToken = "/computeMetadata/v1/instance/service-accounts/default/token"
)

// fromMachine asks the metadata server of Compute Engine, GKE or Cloud Run.
// [google.ComputeTokenSource] reads the process's environment, probes for the
// server and keeps the result for the whole process.
func (c *client) fromMachine(ctx context.Context) (token, error) {
	host, _ := c.o.Getenv("GCE_METADATA_HOST")
	var granted struct {
		Token   secret.Text `json:"access_token"`
		Seconds int64       `json:"expires_in"`
	}
	err := c.machine.Do(ctx, keyrest.Request{
		Method: http.MethodGet, URL: "http://" + cmp.Or(host, metadataHost) + metadataToken, Header: http.Header{"Metadata-Flavor": {"Google"}},
	}, &granted)
	return token{granted.Token, c.o.Now().Add(time.Duration(granted.Seconds) * time.Second)}, err
}

// library gets a token from a source of x/oauth2. Its errors hold server
// bodies and the types of ours are lost in them, so none of them is kept.
func (c *client) library(ctx context.Context, open func(context.Context) (oauth2.TokenSource, error)) (token, error) {
	transport := &keyrest.Transport{Client: c.rest}
	source, err := open(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport}))
	var t *oauth2.Token
	if err == nil {
		t, err = source.Token()
	}
	switch {
	case transport.Err != nil:
		return token{}, transport.Err
	case err != nil:
		return token{}, keys.Refused("google credentials that give no token", "download them again, and check what their account may do")
	}
	return token{secret.New(t.AccessToken), t.Expiry}, nil
}

// fromServiceAccount signs a token itself, which Google's APIs take as it is
// (AIP-4111).
func (f credentials) fromServiceAccount(context.Context) (oauth2.TokenSource, error) {
	return google.JWTAccessTokenSourceFromJSON([]byte(f.text.Reveal()), googleEndpoint+"/")
}

// fromUser exchanges the refresh token that `gcloud auth application-default
// login` left (RFC 6749 §6).
func (f credentials) fromUser(ctx context.Context) (oauth2.TokenSource, error) {
	config := oauth2.Config{
		ClientID: f.ClientID, ClientSecret: f.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: cmp.Or(f.TokenURI, google.Endpoint.TokenURL), AuthStyle: oauth2.AuthStyleInParams},
	}
	return config.TokenSource(ctx, &oauth2.Token{RefreshToken: f.RefreshToken.Reveal()}), nil
}

// fromElsewhere exchanges subject, the token of another issuer, such as a
// cluster's (RFC 8693 §2.1), and that for one of a service account where the
// credentials name one.
func (f credentials) fromElsewhere(subject secret.Text) func(context.Context) (oauth2.TokenSource, error) {
	scopes := []string{scopeAll}
	if f.Impersonate != "" {
		scopes = []string{scope}
	}
	return func(ctx context.Context) (oauth2.TokenSource, error) {
		return externalaccount.NewTokenSource(ctx, externalaccount.Config{
			Audience: f.Audience, SubjectTokenType: f.SubjectTokenType, TokenURL: f.TokenURL,
			ServiceAccountImpersonationURL: f.Impersonate, Scopes: scopes, SubjectTokenSupplier: supplier(subject),
		})
	}
}

// supplier gives a subject token that was read already: the library reads
// files without a limit of time.
type supplier secret.Text

// SubjectToken implements [externalaccount.SubjectTokenSupplier].
func (s supplier) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return secret.Text(s).Reveal(), nil
}

// subject reads the token to exchange from its file, which whoever issues it
// replaces.
func (f credentials) subject(ctx context.Context) (secret.Text, error) {
	raw, err := readfile.Regular(ctx, f.Source.File, maxText)
	if errors.Is(err, readfile.ErrTimeout) {
		return secret.Text{}, keys.Unavailable("the file of an external_account cannot be read in time", "look at its disk")
	}
	text := strings.TrimSpace(string(raw))
	if f.Source.Format.Type == "json" {
		var members map[string]secret.JSON
		var held secret.Text
		if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members[f.Source.Format.Field].Reveal(), &held) != nil {
			text = ""
		} else {
			text = held.Reveal()
		}
	}
	if f.Source.File == "" || err != nil || text == "" || len(raw) > maxText {
		return secret.Text{}, keys.Refused("an external_account without a file that holds its token", "use a credential_source with file")
	}
	return secret.New(text), nil
}
