package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys/decode"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// composeHeader gathers the free members of the header; alg, kid and the
// certificate's are the signer's.
func composeHeader(f *signFlags, p *provider.Profile) (explained, error) {
	var h explained
	if p != nil {
		h.reasonElse = reasonProfile
	}
	for _, text := range f.header {
		name, value, err := nameAndValue("header", text)
		if err != nil {
			return h, err
		}
		if err := h.addMember(name, jsonString(value), "--header"); err != nil {
			return h, err
		}
	}
	for _, text := range f.headerJSON {
		name, value, err := nameAndValue("header-json", text)
		if err != nil {
			return h, err
		}
		raw, err := jsonobj.Compact([]byte(value), jsonobj.Limits{})
		if err != nil {
			return h, usage("for example --header-json 'v=1'", "--header-json: %s", err)
		}
		if err := h.addMember(name, normal(raw), "--header-json"); err != nil {
			return h, err
		}
	}
	return h, h.addType(f, p)
}

// addMember adds a free member, once.
func (e *explained) addMember(name string, raw json.RawMessage, from string) error {
	if err := checkHeaderName(name); err != nil {
		return err
	}
	if e.object.Has(name) {
		return usage("keep one of them", "%s: %s is given twice", from, quoteName(name))
	}
	return e.once(name, raw, from)
}

// addType adds typ. An empty one, or one of another type, is no media type
// (RFC 7515 §4.1.9).
func (e *explained) addType(f *signFlags, p *provider.Profile) error {
	if f.typ != "" {
		if err := e.once("typ", jsonString(f.typ), "--typ"); err != nil {
			return err
		}
	}
	if !e.object.Has("typ") {
		if p == nil || p.Type == "" {
			e.object.String("typ", "JWT")
			e.note("typ", "default")
		}
		return nil
	}
	if typ, _ := e.object.Text("typ"); strings.TrimSpace(typ) == "" {
		return usage("give a type such as JWT or at+jwt, or leave it out", "typ is empty, or not a string")
	}
	return nil
}

func jsonString(text string) json.RawMessage {
	var one jsonobj.Object
	one.String("", text)
	raw, _ := one.Get("")
	return raw
}

func checkHeaderName(name string) error {
	if !signer.Reserved(name) {
		return nil
	}
	hint := "it cannot be set"
	switch name {
	case "alg":
		hint = "use --alg"
	case "kid":
		hint = "use --kid, or --no-kid"
	case signer.HeaderX5C, signer.HeaderX5CInsecure:
		hint = "use --x5c-cert"
	case signer.HeaderX5T:
		hint = "use --x5t-cert"
	case signer.HeaderX5TS256:
		hint = "use --x5t-s256-cert"
	}
	return usage(hint, "%s says how the token is signed and is not a free header member", name)
}

// keyID is the kid of the header: none with --no-kid, else the one that was
// asked for, else the key's own, else the thumbprint of a key that is not a
// JWK and so cannot have one (RFC 7638). A secret has no thumbprint: it would
// help whoever guesses (RFC 7638 §7).
func keyID(f *signFlags, key signingKey, header *explained) string {
	id, why := f.keys.kid, "--kid"
	switch {
	case f.noKeyID:
		return ""
	case id != "":
	case key.key.ID() != "":
		id, why = key.key.ID(), "the key's own"
	case key.thumbprint != "":
		id, why = key.thumbprint, "default: the key's thumbprint (RFC 7638); --no-kid leaves it out"
	}
	header.note("kid", why)
	header.note("alg", key.algorithmWhy)
	return id
}

// maxCertificates is the size in bytes of the largest certificate file, that
// of [decode.Chain].
const maxCertificates = 64 << 10

// addCertificates puts the certificates into the request. step demands that a
// certificate for x5c or x5t says digitalSignature; x5t#S256 is not step's,
// and there the rule is RFC 5280's: what says nothing forbids nothing.
func addCertificates(f *signFlags, r *signer.Request, now time.Time) error {
	x5c := signer.HeaderX5C
	if f.x5cInsecure {
		x5c = signer.HeaderX5CInsecure
	}
	for _, m := range []struct {
		file, header string
		whole, says  bool
	}{{f.x5c, x5c, true, true}, {f.x5t, signer.HeaderX5T, false, true}, {f.x5t2, signer.HeaderX5TS256, false, false}} {
		if m.file == "" {
			continue
		}
		chain, err := readChain(m.file)
		if err != nil {
			return err
		}
		if !m.whole {
			chain = chain[:1]
		}
		if err := checkChain(m.file, chain, m.says, now); err != nil {
			return err
		}
		if len(r.Chain) > 0 && !bytes.Equal(r.Chain[0].Raw, chain[0].Raw) {
			return usage("name one certificate of the key in all of them", "%s begins with another certificate than the flag before it", printable.Name(m.file))
		}
		if len(r.Chain) == 0 {
			r.Chain = chain
		}
		r.ChainHeaders = append(r.ChainHeaders, m.header)
	}
	return nil
}

func checkChain(name string, chain []*x509.Certificate, says bool, now time.Time) error {
	err := signer.CheckChain(chain, now)
	if err == nil && says {
		err = signer.CheckKeyUsage(chain[0])
	}
	if err != nil {
		return signerError(printable.Name(name), err)
	}
	return nil
}

func readChain(name string) ([]*x509.Certificate, error) {
	raw, err := readFile(name, maxCertificates)
	if err != nil {
		return nil, err
	}
	chain, err := decode.Chain(string(raw))
	if err != nil {
		return nil, keyError(name, err)
	}
	return chain, nil
}
