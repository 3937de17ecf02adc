package gcpkms

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"conductor-jwt/internal/keyrest"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

const (
	scope         = "https://www.googleapis.com/auth/cloudkms"
	tokenURI      = "https://oauth2.googleapis.com/token" //nolint:gosec // an address
	metadataHost  = "metadata.google.internal"
	metadataToken = "/computeMetadata/v1/instance/service-accounts/default/token"
	ownLife       = time.Hour // the most that Google takes
)

// granted is what every one of Google's token endpoints answers.
type granted struct {
	Token   secret.Text `json:"access_token"`
	Seconds int64       `json:"expires_in"`
}

func (c *client) took(g granted) token {
	return token{g.Token, c.o.Now().Add(time.Duration(g.Seconds) * time.Second)}
}

// fromMachine asks the metadata server of Compute Engine, GKE or Cloud Run.
func (c *client) fromMachine(ctx context.Context) (token, error) {
	host, _ := c.o.Getenv("GCE_METADATA_HOST")
	var g granted
	err := c.machine.Do(ctx, keyrest.Request{
		Method: http.MethodGet, URL: "http://" + cmp.Or(host, metadataHost) + metadataToken, Header: http.Header{"Metadata-Flavor": {"Google"}},
	}, &g)
	return c.took(g), err
}

// fromServiceAccount signs a token itself, which Google's APIs take as it is
// (AIP-4111).
func (c *client) fromServiceAccount(ctx context.Context, f credentials) (token, error) {
	key, err := c.o.Parser.Resolve(ctx, keys.Ref{Text: f.text})
	if err != nil {
		return token{}, err
	}
	now := c.o.Now()
	header, errHeader := json.Marshal(map[string]string{"alg": string(keys.RS256), "typ": "JWT", "kid": key.ID()})
	claims, errClaims := json.Marshal(map[string]any{
		"iss": f.Email, "sub": f.Email, "aud": googleEndpoint + "/", "iat": now.Unix(), "exp": now.Add(ownLife).Unix(),
	})
	if f.Email == "" || errHeader != nil || errClaims != nil {
		return token{}, keys.Refused("a service account without client_email", "download its key again")
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(header) + "." + encode(claims)
	signature, err := key.Sign(ctx, keys.RS256, []byte(input))
	if err != nil {
		return token{}, err
	}
	return token{secret.New(input + "." + encode(signature)), now.Add(ownLife)}, nil
}

// fromUser exchanges the refresh token that `gcloud auth application-default
// login` left (RFC 6749 §6).
func (c *client) fromUser(ctx context.Context, f credentials) (token, error) {
	form := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {f.ClientID},
		"client_secret": {f.ClientSecret.Reveal()}, "refresh_token": {f.RefreshToken.Reveal()},
	}
	var g granted
	err := c.rest.Do(ctx, keyrest.Request{Method: http.MethodPost, URL: cmp.Or(f.TokenURI, tokenURI), Form: form.Encode()}, &g)
	return c.took(g), err
}

// fromElsewhere exchanges the token of another issuer, such as a cluster's
// (RFC 8693 §2.1), and that for one of a service account where it says so.
func (c *client) fromElsewhere(ctx context.Context, f credentials) (token, error) {
	subject, err := f.subject(ctx)
	if err != nil {
		return token{}, err
	}
	form := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "audience": {f.Audience},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "subject_token_type": {f.SubjectTokenType},
		"subject_token": {subject.Reveal()}, "scope": {"https://www.googleapis.com/auth/cloud-platform"},
	}
	var g granted
	if err := c.rest.Do(ctx, keyrest.Request{Method: http.MethodPost, URL: f.TokenURL, Form: form.Encode()}, &g); err != nil || f.Impersonate == "" {
		return c.took(g), err
	}
	var as struct {
		Token secret.Text `json:"accessToken"`
		Ends  time.Time   `json:"expireTime"`
	}
	err = c.rest.Do(ctx, keyrest.Request{
		Method: http.MethodPost, URL: f.Impersonate, Header: http.Header{"Authorization": {"Bearer " + g.Token.Reveal()}},
		Body: map[string][]string{"scope": {scope}},
	}, &as)
	return token{as.Token, as.Ends}, err
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
