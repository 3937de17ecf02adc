package keys

import (
	"bytes"
	"context"
	"crypto/mldsa"
	"crypto/rsa"
	"encoding/base64"
)

// publicSpans finds in the bytes of a key what everybody may know: its public
// half, which a JWK or a certificate shows in the same digits, and the names
// of its type in front, which all keys of the type share. It finds none in a
// key that is encrypted, but for OpenSSH's, which begins with its public half.
func publicSpans(raw []byte, kind labelKind) []span {
	var spans []span
	var private any
	var err error
	switch f, sshErr := splitOpenSSH(raw); {
	case sshErr == nil:
		spans = append(spansOf(raw, f.Public), span{0, len(raw) - len(f.Rest) - len(f.Private)})
		private, err = readOpenSSH(context.Background(), raw, Ref{})
	case kind == labelCosign:
		return nil
	default:
		if k, err := splitPKCS8(raw); err == nil {
			spans = append(spans, span{0, bytes.Index(raw, k.key)})
		}
		private, _, err = readBinary(context.Background(), raw, Ref{})
	}
	if err != nil {
		return spans
	}
	for _, half := range publicHalves(private) {
		spans = append(spans, spansOf(raw, half)...)
	}
	return spans
}

// spansOf finds every place of half, with the tags and lengths around it and
// the RSA exponent behind it, which are public too.
func spansOf(raw, half []byte) []span {
	const before, behind = 5, 9
	var spans []span
	for at := 0; len(half) > 0; at += len(half) {
		i := bytes.Index(raw[at:], half)
		if i < 0 {
			break
		}
		at += i
		spans = append(spans, span{at - before, at + len(half) + behind})
	}
	return spans
}

// publicHalves are the bytes of the public half in the forms in which private
// keys hold it.
func publicHalves(private any) [][]byte {
	switch p := private.(type) {
	case rsaPSS:
		return [][]byte{p.key.N.Bytes()}
	case *rsa.PrivateKey:
		return [][]byte{p.N.Bytes()}
	}
	k, err := newLocal(private, meta{})
	if err != nil {
		return nil
	}
	if p, ok := k.Public().(*mldsa.PublicKey); ok {
		const rho = 32 // FIPS 204 §4, algorithm 22: an expanded key has it in common
		return [][]byte{p.Bytes(), p.Bytes()[:rho]}
	}
	fields, err := publicFields(k)
	if err != nil {
		return nil
	}
	var point, x []byte
	for _, f := range fields {
		if f.name == "x" || f.name == "y" {
			b, _ := decodeStrict(f.value, base64.URLEncoding) // written just now
			point = append(point, b...)
		}
		if f.name == "x" {
			x = point
		}
	}
	return [][]byte{point, x}
}
