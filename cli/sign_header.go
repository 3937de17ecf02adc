package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys/decode"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// composeHeader returns the header parameters of flags, and typ. alg, kid and
// those of certificates are added by package signer.
func composeHeader(f *signFlags, p *provider.Profile) (explained, error) {
	var h explained
	if p != nil {
		h.otherReason = reasonProfile
	}
	if err := eachMember("header", f.header, f.headerJSON, h.add); err != nil {
		return h, err
	}
	return h, h.addType(f, p)
}

// add adds a header parameter of a flag, once.
func (e *explained) add(name string, raw json.RawMessage, from string) error {
	if err := checkHeaderName(name); err != nil {
		return err
	}
	if e.object.Has(name) {
		return usage("keep one of them", "%s: %s is given twice", from, quoteName(name))
	}
	return e.once(name, raw, from)
}

// addType adds typ, which must be a media type (RFC 7515 §4.1.9).
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
		return usage("give a type such as JWT or at+jwt, or leave it out", "typ: the value is empty, or not a string")
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
	hint := "leave it out"
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
	return usage(hint, "%s: the program sets this header parameter", name)
}

// keyID returns the kid of the header: none with --no-kid, otherwise that of
// --kid, the key's own, or the thumbprint (RFC 7638) of a key in a form that has
// no kid. The thumbprint of a secret is never used: it helps to guess the secret
// (RFC 7638 §7).
func keyID(f *signFlags, key signingKey, header *explained) string {
	header.note("alg", key.algorithmReason)
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
	return id
}

// maxCertificates is the size in bytes of the largest certificate file, that
// of [decode.Chain].
const maxCertificates = 64 << 10

// addCertificates adds the certificates of flags to the request. As step does, it
// requires the key usage digitalSignature of those for x5c and x5t. step has no
// x5t#S256; there a certificate without a key usage is allowed (RFC 5280).
func addCertificates(f *signFlags, r *signer.Request, header *explained, now time.Time) error {
	for _, m := range f.certificateFiles() {
		chain, err := readChain(m.file)
		if err != nil {
			return err
		}
		if !m.whole {
			chain = chain[:1]
		}
		if err := checkChain(m.file, chain, m.needsUsage, now); err != nil {
			return err
		}
		if len(r.Chain) > 0 && !bytes.Equal(r.Chain[0].Raw, chain[0].Raw) {
			return usage("use the same certificate in all flags", "%s: its first certificate is not that of the previous flag", printable.Name(m.file))
		}
		if len(r.Chain) == 0 {
			r.Chain = chain
		}
		r.ChainHeaders = append(r.ChainHeaders, m.parameter)
		header.note(m.parameter, "the certificate")
	}
	return nil
}

// certificateFile is a flag that names a file of certificates.
type certificateFile struct {
	file, parameter   string
	whole, needsUsage bool
}

// certificateFiles returns the flags that name such a file.
func (f *signFlags) certificateFiles() []certificateFile {
	x5c := signer.HeaderX5C
	if f.x5cInsecure {
		x5c = signer.HeaderX5CInsecure
	}
	all := []certificateFile{{f.x5c, x5c, true, true}, {f.x5t, signer.HeaderX5T, false, true}, {f.x5t2, signer.HeaderX5TS256, false, false}}
	return slices.DeleteFunc(all, func(m certificateFile) bool { return m.file == "" })
}

func checkChain(name string, chain []*x509.Certificate, needsUsage bool, now time.Time) error {
	err := signer.CheckChain(chain, now)
	if err == nil && needsUsage {
		err = signer.CheckKeyUsage(chain[0])
	}
	if err != nil {
		return faultError(name, err)
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
		return nil, faultError(name, err)
	}
	return chain, nil
}
