package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"encoding/json/jsontext"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// readPayload reads the claims that do not come by flag: from the file that
// was named, from standard input where - was, and otherwise from a standard
// input that is offered and not needed for the password.
func readPayload(ctx context.Context, env Env, f *signFlags, args []string) (jsonobj.Object, error) {
	if len(args) == 1 && args[0] != dash {
		raw, err := readFile(args[0], jsonobj.DefaultBytes)
		if err != nil {
			return jsonobj.Object{}, err
		}
		return parsePayload(printable.Name(args[0]), raw)
	}
	if f.keys.passwordFile == dash || f.keys.key == dash {
		if len(args) == 1 {
			return jsonobj.Object{}, usage("put one of them into a file", "standard input cannot be both the payload and the key or its password")
		}
		return jsonobj.Object{}, nil
	}
	if len(args) == 1 {
		raw, err := readInput(env, dash, jsonobj.DefaultBytes)
		if err != nil {
			return jsonobj.Object{}, err
		}
		return parsePayload("standard input", raw)
	}
	raw, err := readOffered(ctx, env.Stdin, jsonobj.DefaultBytes)
	if err != nil {
		return jsonobj.Object{}, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return jsonobj.Object{}, nil
	}
	return parsePayload("standard input", raw)
}

// parsePayload reads a JSON object, or null, which step takes for none.
func parsePayload(name string, raw []byte) (jsonobj.Object, error) {
	if string(bytes.TrimSpace(raw)) == "null" {
		return jsonobj.Object{}, nil
	}
	parsed, err := jsonobj.Parse(raw, jsonobj.Limits{})
	if err != nil {
		return jsonobj.Object{}, signerError("payload from "+name, err)
	}
	payload := jsonobj.New(parsed.Len())
	for m := range parsed.Members() {
		payload.Set(m.Name, normal(m.Value))
	}
	return payload, nil
}

// explained is a JSON object that remembers why each member is there.
type explained struct {
	object     jsonobj.Object
	why        []note
	reasonElse string // of a member without a note
}

type note struct{ name, why string }

func (e *explained) note(name, why string) {
	for i := range e.why {
		if e.why[i].name == name {
			e.why[i].why = why
			return
		}
	}
	e.why = append(e.why, note{name, why})
}

func (e *explained) reason(name string) string {
	for _, n := range e.why {
		if n.name == name {
			return n.why
		}
	}
	return e.reasonElse
}

// once sets a member that no other flag may have set to something else.
func (e *explained) once(name string, raw json.RawMessage, from string) error {
	if there, ok := e.object.Get(name); ok && string(there) != string(raw) {
		return usage("keep one of them", "%s sets %s, which %s sets to another value", from, quoteName(name), e.reason(name))
	}
	e.object.Set(name, raw)
	e.note(name, from)
	return nil
}

// claimsOf gathers the claims: those of flags first, which nothing may
// contradict, then the payload's, then the defaults for what is not there.
type claimsOf struct {
	explained
	flags   *signFlags
	profile *provider.Profile // nil: none
	now     time.Time
}

func composeClaims(f *signFlags, p *provider.Profile, key keys.Key, payload jsonobj.Object, now time.Time) (explained, error) {
	c := claimsOf{flags: f, profile: p, now: now}
	if p != nil {
		c.reasonElse = reasonProfile
	}
	for _, step := range []func() error{c.names, c.issued, c.free} {
		if err := step(); err != nil {
			return explained{}, err
		}
	}
	if err := c.payload(payload); err != nil {
		return explained{}, err
	}
	if err := c.addProfile(key); err != nil {
		return explained{}, err
	}
	if err := c.expiry(); err != nil {
		return explained{}, err
	}
	if err := c.required(); err != nil {
		return explained{}, err
	}
	c.defaults()
	if err := checkTypes(&c.object); err != nil {
		return explained{}, err
	}
	if err := c.everValid(); err != nil && !f.subtle {
		return explained{}, err
	}
	c.object.Sort()
	return c.explained, nil
}

// names writes the claims that flags give as text.
func (c *claimsOf) names() error {
	f := c.flags
	for _, m := range []struct{ name, value string }{{"iss", f.iss}, {"sub", f.sub}, {"jti", f.jti}} {
		if m.value != "" {
			c.object.String(m.name, m.value)
			c.note(m.name, "--"+m.name)
		}
	}
	if slices.Contains(f.aud, "") {
		return usage("name whom the token is for", "--aud: an empty audience")
	}
	switch len(f.aud) {
	case 0:
		return nil
	case 1:
		c.object.String("aud", f.aud[0]) // RFC 7519 §4.1.3 permits the string, and step writes it
	default:
		c.object.Strings("aud", f.aud)
	}
	c.note("aud", "--aud")
	return nil
}

// issued writes the times that do not depend on others. Zero means unset, as
// to step.
func (c *claimsOf) issued() error {
	for _, m := range []struct{ name, value string }{{"iat", c.flags.iat}, {"nbf", c.flags.nbf}} {
		if m.value == "" {
			continue
		}
		at, err := parseMoment(m.value, c.now)
		if err != nil {
			return badFlag(m.name, err, "for example 1700000000, 2026-01-02T15:04:05Z or +5m")
		}
		if at != 0 {
			c.object.Int(m.name, at)
			c.note(m.name, "--"+m.name)
		}
	}
	return nil
}

// free writes --claim and --claim-json.
func (c *claimsOf) free() error {
	for _, text := range c.flags.claim {
		name, value, err := nameAndValue("claim", text)
		if err != nil {
			return err
		}
		if err := c.once(name, jsonString(value), "--claim"); err != nil {
			return err
		}
	}
	for _, text := range c.flags.claimJSON {
		name, value, err := nameAndValue("claim-json", text)
		if err != nil {
			return err
		}
		raw, err := jsonobj.Compact([]byte(value), jsonobj.Limits{})
		if err != nil {
			return usage("for example --claim-json 'roles=[\"a\",\"b\"]'", "--claim-json: %s", err)
		}
		if err := c.once(name, normal(raw), "--claim-json"); err != nil {
			return err
		}
	}
	return nil
}

// payload adds the payload's members. One that a flag sets too must say the
// same: a payload comes from elsewhere than the flags, and must not undo them.
func (c *claimsOf) payload(payload jsonobj.Object) error {
	for m := range payload.Members() {
		if (m.Name == "nbf" && c.flags.noNBF) || (m.Name == "iat" && c.flags.noIAT) {
			return contradiction(m.Name, "--no-"+m.Name)
		}
		there, ok := c.object.Get(m.Name)
		switch {
		case !ok:
			c.object.Set(m.Name, m.Value)
			c.note(m.Name, "the payload")
		case !sameClaim(m.Name, there, m.Value):
			return contradiction(m.Name, c.reason(m.Name))
		}
	}
	return nil
}

func contradiction(name, flag string) error {
	return withHint(fmt.Errorf("the payload's %s contradicts %s", quoteName(name), flag),
		"remove it from the payload, or leave the flag out (with --subtle where it is required)")
}

// expiry writes exp from --exp, or from --ttl and the iat that is there.
func (c *claimsOf) expiry() error {
	at, flag, err := c.expiryFlag()
	if err != nil || flag == "" {
		return err
	}
	if !c.flags.subtle && at <= c.now.Unix() {
		return usage("give a later one, or --subtle", "--%s: the token would have expired already", flag)
	}
	if at == 0 {
		return nil
	}
	var one jsonobj.Object
	one.Int("exp", at)
	raw, _ := one.Get("exp")
	if there, ok := c.object.Get("exp"); ok && !sameClaim("exp", there, raw) {
		return contradiction("exp", "--"+flag)
	}
	c.object.Set("exp", raw)
	c.note("exp", "--"+flag)
	return nil
}

// everValid refuses times between which no moment is left: such a token is
// refused by every verifier, whenever it comes (RFC 7519 §4.1.4, §4.1.5).
func (c *claimsOf) everValid() error {
	exp, ok := c.time("exp")
	if !ok {
		return nil
	}
	const hint = "give a later exp, or --subtle"
	if nbf, ok := c.time("nbf"); ok && !nbf.Before(exp) {
		return usage(hint, "the token can never be valid: nbf is not before exp")
	}
	if iat, ok := c.time("iat"); ok && iat.After(exp) {
		return usage(hint, "the token can never be valid: iat is after exp")
	}
	if !exp.After(c.now) {
		return usage(hint, "exp: the token would have expired already")
	}
	return nil
}

// time is a claim that checkTypes has found to be a time.
func (c *claimsOf) time(name string) (time.Time, bool) {
	raw, ok := c.object.Get(name)
	if !ok {
		return time.Time{}, false
	}
	at, err := signer.NumericDate(raw)
	return at, err == nil
}

func (c *claimsOf) expiryFlag() (at int64, flag string, err error) {
	switch {
	case c.flags.exp != "":
		at, err = parseMoment(c.flags.exp, c.now)
		if err != nil {
			return 0, "", badFlag("exp", err, "for example 4102444800, 2099-12-31T23:59:59Z or +5m")
		}
		return at, "exp", nil
	case c.flags.ttl != "":
		ttl, err := parseTTL(c.flags.ttl)
		if err != nil {
			return 0, "", badFlag("ttl", err, "for example --ttl 5m")
		}
		at, err = inRange(c.issuedAt() + ttl)
		if err != nil {
			return 0, "", badFlag("ttl", err, "for example --ttl 5m")
		}
		return at, "ttl", nil
	}
	return 0, "", nil
}

func (c *claimsOf) issuedAt() int64 {
	if raw, ok := c.object.Get("iat"); ok {
		if at, err := signer.NumericDate(raw); err == nil {
			return at.Unix()
		}
	}
	return c.now.Unix()
}

// required is step's rule: these come by flag, a payload does not count.
func (c *claimsOf) required() error {
	if c.flags.subtle || c.profile != nil {
		return nil
	}
	var missing []string
	for _, m := range []struct {
		flag  string
		there bool
	}{
		{"--iss", c.flags.iss != ""},
		{"--aud", len(c.flags.aud) > 0},
		{"--sub", c.flags.sub != ""},
		{"--exp (or --ttl)", c.flags.exp != "" || c.flags.ttl != ""},
	} {
		if !m.there {
			missing = append(missing, m.flag)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return usage("add what is missing; --subtle does without, and then takes it from the payload",
		"%s must be given", strings.Join(missing, ", "))
}

func (c *claimsOf) defaults() {
	if !c.object.Has("iat") && !c.flags.noIAT {
		c.object.Int("iat", c.now.Unix())
		c.note("iat", "default: now; --no-iat leaves it out")
	}
	if !c.object.Has("nbf") && !c.flags.noNBF && c.profile == nil {
		c.object.Int("nbf", c.now.Unix())
		c.note("nbf", "default: now; --no-nbf leaves it out")
	}
	if !c.object.Has("jti") {
		c.object.String("jti", randomID())
		c.note("jti", "default: random, 256 bits")
	}
}

// randomID has 256 bits, as step's.
func randomID() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return hex.EncodeToString(raw)
}

// nameAndValue splits at the first =, as step does.
func nameAndValue(flag, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok:
		return "", "", usage("write --"+flag+" name=value", "--%s: no = between name and value", flag)
	case strings.TrimSpace(name) == "":
		return "", "", usage("write --"+flag+" name=value", "--%s: no name before =", flag)
	}
	return name, value, nil
}

// normal writes a JSON value as step's encoder would, members in the order of
// their names and strings without needless escapes, but for numbers, which
// keep their digits.
func normal(raw json.RawMessage) json.RawMessage {
	value := slices.Clone(raw)
	if err := value.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return raw // it was read before, so this cannot be
	}
	return value
}

// sameClaim compares by meaning: numbers by value, one audience with a list of
// it (RFC 7519 §4.1.3).
func sameClaim(name string, a, b json.RawMessage) bool {
	if string(a) == string(b) {
		return true
	}
	if name == "aud" {
		return sameAudience(a, b)
	}
	if jsonobj.TypeName(a) != "number" || jsonobj.TypeName(b) != "number" {
		return false
	}
	// An exponent that a float cannot hold would make the exact comparison
	// as long as its value is.
	for _, n := range []json.RawMessage{a, b} {
		if _, err := strconv.ParseFloat(string(n), 64); err != nil {
			return false
		}
	}
	x, okX := new(big.Rat).SetString(string(a))
	y, okY := new(big.Rat).SetString(string(b))
	return okX && okY && x.Cmp(y) == 0
}

func sameAudience(a, b json.RawMessage) bool {
	var x, y jsonobj.Object
	x.Set("aud", a)
	y.Set("aud", b)
	listX, okX := signer.Audiences(&x)
	listY, okY := signer.Audiences(&y)
	return okX && okY && slices.Equal(listX, listY)
}

// checkTypes holds the registered claims to the types of RFC 7519 §4.1,
// wherever they came from: no verifier takes a token that does not.
func checkTypes(claims *jsonobj.Object) error {
	for _, name := range []string{"iss", "sub", "jti"} {
		if raw, ok := claims.Get(name); ok && jsonobj.TypeName(raw) != "string" {
			return wrongType(name, raw, "a string")
		}
	}
	if raw, ok := claims.Get("aud"); ok {
		if _, good := signer.Audiences(claims); !good {
			return wrongType("aud", raw, "a string or an array of strings")
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		raw, ok := claims.Get(name)
		if !ok {
			continue
		}
		if jsonobj.TypeName(raw) != "number" {
			return wrongType(name, raw, "a number of seconds since 1970")
		}
		at, err := signer.NumericDate(raw)
		if err == nil {
			_, err = inRange(at.Unix())
		}
		if err != nil {
			return withHint(fmt.Errorf("%s: past the year 9999, or in milliseconds", name), "a token's times are in seconds since 1970")
		}
	}
	return nil
}

func wrongType(name string, raw json.RawMessage, want string) error {
	return withHint(fmt.Errorf("%s: a json %s", name, jsonobj.TypeName(raw)), name+" is "+want+" (rfc 7519 section 4.1)")
}
