package provider

import (
	"cmp"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/signer"
)

// Token is what a provider has issued.
type Token struct {
	secret.Opaque // Response may hold refresh tokens

	AccessToken secret.Text
	TokenType   string // "Bearer", or what the provider says
	Scope       string // empty: the requested one (RFC 6749 §5.1)
	IssuedAt    time.Time
	Expires     time.Time      // zero: unknown
	Response    jsonobj.Object // what else callers need of the answer
}

// Refused is a provider's refusal (RFC 6749 §5.2). Code and Description are the
// provider's text, which may repeat what was sent: check them before printing.
type Refused struct {
	Code        string // empty where the provider names none
	Description string
	Status      int
}

// Error implements the error interface. It does not print the provider's text.
func (r *Refused) Error() string {
	return fmt.Sprintf("the provider refused the request with status %d", r.Status)
}

// ReadToken reads the answer of a token endpoint (RFC 6749 §5.1 and §5.2, or the
// provider's own form). Its error is a *[Refused] where a later attempt would meet the
// same answer. Any other error means that the provider is unavailable. The caller has
// limited the length of the body; now is when the request was made.
func (p *Profile) ReadToken(status int, body []byte, now time.Time) (Token, error) {
	if p.Exchange == nil {
		return Token{}, errNoExchange
	}
	if status >= 500 || slices.Contains([]int{408, 425, 429}, status) {
		return Token{}, fmt.Errorf("the provider answered with status %d", status)
	}
	value, err := jsonobj.ParseValue(body, jsonobj.Limits{Bytes: len(body)})
	if err != nil {
		return Token{}, fmt.Errorf("the provider answered with status %d and a body that is not JSON", status)
	}
	success := status >= 200 && status < 300
	if refused := refusal(value, status); refused != nil && (success || status >= 400) {
		if p.Exchange.isTemporary(refused) {
			return Token{}, fmt.Errorf("the provider answered with status %d and a temporary error", status)
		}
		return Token{}, refused
	}
	switch {
	case success:
		return p.issued(value, now)
	case status >= 400:
		return Token{}, &Refused{Status: status}
	}
	return Token{}, fmt.Errorf("the provider answered with status %d", status) // redirects are not followed
}

// issued reads a successful answer.
func (p *Profile) issued(answer jsonobj.Value, now time.Time) (Token, error) {
	x := p.Exchange
	t := Token{IssuedAt: now.Truncate(time.Second), Scope: textAt(answer, "scope")}
	for _, path := range x.tokenPaths() {
		if token := textAt(answer, path); token != "" && t.AccessToken.IsZero() {
			t.AccessToken = secret.New(token)
		}
	}
	if t.AccessToken.IsZero() || !isVisible(t.AccessToken.Reveal()) { // RFC 6749 appendix A.12
		return Token{}, errors.New("the provider's answer has no token that a header can hold")
	}
	t.TokenType = textAt(answer, "token_type")
	if t.TokenType == "" || !isWord(t.TokenType) {
		t.TokenType = cmp.Or(x.TokenType, "Bearer")
	}
	if strings.EqualFold(t.TokenType, "bearer") {
		t.TokenType = "Bearer"
	}
	t.Expires = expiry(answer, t, x.Lifetime)
	for _, path := range x.Response {
		if member, ok := at(answer, path); ok {
			t.Response.Set(path[strings.LastIndex(path, ".")+1:], compacted(member))
		}
	}
	return t, nil
}

func (e *Exchange) tokenPaths() []string {
	if len(e.Token) > 0 {
		return e.Token
	}
	return []string{"access_token"}
}

// maxLifetime bounds what is believed of an answer, so that times do not overflow.
const maxLifetime = 366 * 24 * time.Hour

// expiry returns when a token ends by the answer: after expires_in seconds, which some
// providers write as a string, at expires_at (RFC 3339), or at the exp of an ID token.
func expiry(answer jsonobj.Value, t Token, lifetime int64) time.Time {
	var life time.Duration
	seconds, ok := secondsAt(answer, "expires_in")
	if !ok {
		seconds, ok = secondsAt(answer, "expiresIn")
	}
	end, err := time.Parse(time.RFC3339, textAt(answer, "expires_at"))
	jwtEnd, isJWT := idTokenExpiry(answer, t)
	switch {
	case ok:
		life = time.Duration(min(seconds, int64(maxLifetime/time.Second))) * time.Second
	case err == nil:
		life = end.Sub(t.IssuedAt)
	case isJWT:
		life = jwtEnd.Sub(t.IssuedAt)
	case lifetime > 0:
		life = time.Duration(lifetime) * time.Second
	default:
		return time.Time{}
	}
	return t.IssuedAt.Add(min(max(life, 0), maxLifetime)).Truncate(time.Second)
}

// idTokenExpiry returns the exp of the token, where it is the answer's id_token
// (OpenID Connect Core 1.0 §2). Access tokens are opaque to clients.
func idTokenExpiry(answer jsonobj.Value, t Token) (time.Time, bool) {
	if textAt(answer, "id_token") != t.AccessToken.Reveal() {
		return time.Time{}, false
	}
	parts := strings.Split(t.AccessToken.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	claims, err := jsonobj.Parse(payload, jsonobj.Limits{})
	if err != nil {
		return time.Time{}, false
	}
	exp, ok := claims.Get("exp")
	if !ok {
		return time.Time{}, false
	}
	end, err := signer.NumericDate(exp)
	return end, err == nil
}

func secondsAt(answer jsonobj.Value, name string) (int64, bool) {
	value, ok := at(answer, name)
	if !ok || value.Kind != jsontext.KindNumber && value.Kind != jsontext.KindString {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(value.Text, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e15) {
		return 0, false
	}
	return int64(seconds), true
}

// refusal returns the error of an answer, in any of the forms that providers use, or
// nil where it has none.
func refusal(answer jsonobj.Value, status int) *Refused {
	r := &Refused{Status: status}
	switch e, _ := answer.Get("error"); {
	case e.Kind == jsontext.KindString && e.Text != "": // RFC 6749 §5.2
		r.Code, r.Description = e.Text, textAt(answer, "error_description")
	case e.Kind == jsontext.KindBeginObject: // Google and Tableau
		r.Code, r.Description = googleError(e)
	default: // GitHub, and others that follow no specification
		r.Description = textAt(answer, "message")
		if status < 400 {
			return nil
		}
	}
	if !isCode(r.Code) {
		r.Code = ""
	}
	return r
}

// googleError returns the code and the description of an error that is an object.
// Google's status and Tableau's code are codes. The message of Identity Toolkit begins
// with its code: "INVALID_CUSTOM_TOKEN : description".
func googleError(e jsonobj.Value) (code, description string) {
	message := textAt(e, "message")
	first, rest, _ := strings.Cut(message, " : ")
	if first != "" && strings.Trim(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
		return first, rest
	}
	code = textAt(e, "status")
	if code == "" {
		code = textAt(e, "code")
	}
	return code, cmp.Or(message, textAt(e, "detail"), textAt(e, "summary"))
}

const maxCode = 64

// isCode reports whether a text is an error code of RFC 6749 §5.2 that is not too long
// to be one.
func isCode(text string) bool {
	return len(text) <= maxCode && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// isTemporary reports whether a later attempt may succeed.
func (e *Exchange) isTemporary(r *Refused) bool {
	return r.Code == "temporarily_unavailable" || slices.Contains(e.Temporary, r.Code) ||
		r.Status == 403 && strings.Contains(strings.ToLower(r.Description), "rate limit")
}

// at returns the value at a path of names with dots between them.
func at(value jsonobj.Value, path string) (jsonobj.Value, bool) {
	for name := range strings.SplitSeq(path, ".") {
		inner, ok := value.Get(name)
		if !ok {
			return jsonobj.Value{}, false
		}
		value = inner
	}
	return value, true
}

func textAt(value jsonobj.Value, path string) string {
	found, ok := at(value, path)
	if !ok || found.Kind != jsontext.KindString {
		return ""
	}
	return found.Text
}

func compacted(value jsonobj.Value) jsontext.Value {
	raw := value.Raw.Clone()
	_ = raw.Compact() // it was read, so it is valid
	return raw
}

// isVisible reports whether a header can hold a text.
func isVisible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
