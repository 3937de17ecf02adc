package cli

import (
	"bytes"
	"cmp"
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

// readPayload reads the claims that are not in flags: from the file of the
// argument, from standard input if that is -, and otherwise from a standard input
// that holds something and is not needed for the key or its password.
func readPayload(ctx context.Context, env Env, f *signFlags, args []string) (jsonobj.Object, error) {
	name := "standard input"
	var raw []byte
	var err error
	switch {
	case len(args) == 1 && args[0] != dash:
		name = printable.Name(args[0])
		raw, err = readFile(args[0], jsonobj.DefaultBytes)
	case f.keys.passwordFile == dash || f.keys.key == dash:
		if len(args) == 1 {
			err = usage("put one of them into a file", "standard input cannot be both the payload and the key or its password")
		}
		return jsonobj.Object{}, err
	case len(args) == 1:
		raw, err = readInput(env, dash, jsonobj.DefaultBytes)
	default:
		raw, err = readOffered(ctx, env.Stdin, jsonobj.DefaultBytes)
		if len(bytes.TrimSpace(raw)) == 0 {
			return jsonobj.Object{}, err
		}
	}
	if err != nil {
		return jsonobj.Object{}, err
	}
	return parsePayload(name, raw)
}

// parsePayload reads a JSON object, or null, which as in step is no payload.
func parsePayload(name string, raw []byte) (jsonobj.Object, error) {
	if string(bytes.TrimSpace(raw)) == "null" {
		return jsonobj.Object{}, nil
	}
	parsed, err := jsonobj.Parse(raw, jsonobj.Limits{})
	if err != nil {
		return jsonobj.Object{}, faultError("payload from "+name, err)
	}
	payload := jsonobj.New(parsed.Len())
	for m := range parsed.Members() {
		payload.Set(m.Name, normal(m.Value))
	}
	return payload, nil
}

// explained is a JSON object with the reason for each of its members.
type explained struct {
	object      jsonobj.Object
	reasons     map[string]string
	otherReason string // of a member that is not in reasons
}

func (e *explained) note(name, reason string) {
	if e.reasons == nil {
		e.reasons = map[string]string{}
	}
	e.reasons[name] = reason
}

func (e *explained) reason(name string) string { return cmp.Or(e.reasons[name], e.otherReason) }

// once sets a member, which no other flag may have set to another value.
func (e *explained) once(name string, raw json.RawMessage, from string) error {
	if there, ok := e.object.Get(name); ok && string(there) != string(raw) {
		return usage("keep one of them", "%s sets %s, which %s sets to another value", from, quoteName(name), e.reason(name))
	}
	e.object.Set(name, raw)
	e.note(name, from)
	return nil
}

// claimSet collects the claims: first those of flags, which nothing may
// contradict, then those of the payload, then the defaults.
type claimSet struct {
	explained
	flags   *signFlags
	profile *provider.Profile // nil: none
	now     time.Time
}

func composeClaims(f *signFlags, p *provider.Profile, key keys.Key, payload jsonobj.Object, now time.Time) (explained, error) {
	c := claimSet{flags: f, profile: p, now: now}
	if p != nil {
		c.otherReason = reasonProfile
	}
	for _, step := range []func() error{
		c.names, c.issued, c.free,
		func() error { return c.payload(payload) },
		func() error { return c.addProfile(key) },
		c.expiry, c.required,
		func() error { c.defaults(); return c.checkTypes() },
		c.checkTimes,
	} {
		if err := step(); err != nil {
			return explained{}, err
		}
	}
	c.object.Sort()
	return c.explained, nil
}

// names sets the claims that flags give as text.
func (c *claimSet) names() error {
	f := c.flags
	for _, m := range []struct{ name, value string }{{"iss", f.iss}, {"sub", f.sub}, {"jti", f.jti}} {
		if m.value != "" {
			c.object.String(m.name, m.value)
			c.note(m.name, "--"+m.name)
		}
	}
	if slices.Contains(f.aud, "") {
		return usage("give the audience of the token", "--aud: the value is empty")
	}
	switch len(f.aud) {
	case 0:
		return nil
	case 1:
		c.object.String("aud", f.aud[0]) // RFC 7519 §4.1.3 allows a string, and step writes one
	default:
		c.object.Strings("aud", f.aud)
	}
	c.note("aud", "--aud")
	return nil
}

// issued sets the times that do not depend on others. As in step, 0 is unset.
func (c *claimSet) issued() error {
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

// free sets the claims of --claim and --claim-json.
func (c *claimSet) free() error {
	return eachMember("claim", c.flags.claim, c.flags.claimJSON, c.once)
}

// payload adds the members of the payload. One that a flag sets too must have the
// same value: the payload may come from somebody else, who must not override the
// flags.
func (c *claimSet) payload(payload jsonobj.Object) error {
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

// expiry sets exp from --exp, or from --ttl and iat.
func (c *claimSet) expiry() error {
	at, flag, err := c.expiryFlag()
	if err != nil || flag == "" {
		return err
	}
	if !c.flags.subtle && at <= c.now.Unix() {
		return usage("give a later time, or add --subtle", "--%s: the time is in the past", flag)
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

// checkTimes refuses a token that is valid at no time from now on, because
// verifiers would always refuse it (RFC 7519 §4.1.4, §4.1.5); not with --subtle.
func (c *claimSet) checkTimes() error {
	exp, ok := c.time("exp")
	if !ok || c.flags.subtle {
		return nil
	}
	const hint = "give a later exp, or add --subtle"
	if nbf, ok := c.time("nbf"); ok && !nbf.Before(exp) {
		return usage(hint, "the token can never be valid: nbf is not before exp")
	}
	if iat, ok := c.time("iat"); ok && iat.After(exp) {
		return usage(hint, "the token can never be valid: iat is after exp")
	}
	if !exp.After(c.now) {
		return usage(hint, "exp: the time is in the past")
	}
	return nil
}

// time returns a claim that checkTypes has found to be a time.
func (c *claimSet) time(name string) (time.Time, bool) {
	raw, ok := c.object.Get(name)
	if !ok {
		return time.Time{}, false
	}
	at, err := signer.NumericDate(raw)
	return at, err == nil
}

func (c *claimSet) expiryFlag() (at int64, flag string, err error) {
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
			return 0, "", badFlag("ttl", err, "for example --ttl 5m or --ttl 24h")
		}
		at, err = inRange(c.issuedAt() + ttl)
		if err != nil {
			return 0, "", badFlag("ttl", err, "for example --ttl 5m or --ttl 24h")
		}
		return at, "ttl", nil
	}
	return 0, "", nil
}

func (c *claimSet) issuedAt() int64 {
	if raw, ok := c.object.Get("iat"); ok {
		if at, err := signer.NumericDate(raw); err == nil {
			return at.Unix()
		}
	}
	return c.now.Unix()
}

// required refuses a missing flag. As in step, a claim of the payload does not
// replace it.
func (c *claimSet) required() error {
	if c.flags.subtle || c.profile != nil {
		return nil
	}
	return requireFlags("add what is missing, or --subtle, with which they may come from the payload",
		requiredFlag{"--iss", c.flags.iss != ""},
		requiredFlag{"--aud", len(c.flags.aud) > 0},
		requiredFlag{"--sub", c.flags.sub != ""},
		requiredFlag{"--exp (or --ttl)", c.flags.exp != "" || c.flags.ttl != ""},
	)
}

func (c *claimSet) defaults() {
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

// eachMember calls set for each value of a flag, name=value, and of its form with
// the suffix -json, name=json.
func eachMember(flag string, texts, jsons []string, set func(name string, value json.RawMessage, from string) error) error {
	for _, text := range texts {
		name, value, err := nameAndValue(flag, text)
		if err != nil {
			return err
		}
		if err := set(name, jsonString(value), "--"+flag); err != nil {
			return err
		}
	}
	flag += "-json"
	for _, text := range jsons {
		name, value, err := nameAndValue(flag, text)
		if err != nil {
			return err
		}
		raw, err := jsonobj.Compact([]byte(value), jsonobj.Limits{})
		if err != nil {
			return usage("for example --"+flag+" 'list=[\"a\",\"b\"]'", "--%s: %s", flag, err)
		}
		if err := set(name, normal(raw), "--"+flag); err != nil {
			return err
		}
	}
	return nil
}

// nameAndValue splits a flag's value at the first =, as step does.
func nameAndValue(flag, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok:
		return "", "", usage("write --"+flag+" name=value", "--%s: the value has no =", flag)
	case strings.TrimSpace(name) == "":
		return "", "", usage("write --"+flag+" name=value", "--%s: there is no name before =", flag)
	}
	return name, value, nil
}

// normal returns a JSON value as step encodes it: members sorted by name, strings
// without needless escapes. Numbers keep their digits, unlike in step.
func normal(raw json.RawMessage) json.RawMessage {
	value := slices.Clone(raw)
	if err := value.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return raw // it was parsed before, so this does not happen
	}
	return value
}

// sameClaim reports whether two values mean the same: numbers of one value, an
// audience and a list of only this one (RFC 7519 §4.1.3).
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
	// The exact comparison of numbers with a huge exponent takes too much
	// memory; those that a float64 cannot hold are taken for different.
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

// checkTypes refuses registered claims of other types than those of RFC 7519
// §4.1: every verifier would refuse the token.
func (c *claimSet) checkTypes() error {
	claims := &c.object
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
	return withHint(fmt.Errorf("%s: the value is a JSON %s", name, jsonobj.TypeName(raw)), name+" must be "+want+" (RFC 7519 section 4.1)")
}
