package gcpkms

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"golang.org/x/oauth2/google"

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
