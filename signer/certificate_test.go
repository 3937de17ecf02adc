package signer_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

var (
	from  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	until = from.AddDate(1, 0, 0)
)

// issue makes a certificate of key; issuer nil makes it self-signed.
func issue(t *testing.T, name string, key *testKey, usage x509.KeyUsage, issuer *x509.Certificate, issuerKey *testKey) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		KeyUsage: usage, BasicConstraintsValid: true, IsCA: usage&x509.KeyUsageCertSign != 0,
	}
	if issuer == nil {
		issuer, issuerKey = c, key
	}
	by, ok := issuerKey.private.(crypto.Signer)
	if !ok {
		t.Fatal("a secret cannot issue")
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestChainHeaders(t *testing.T) {
	key, ca := ecKey(t), ecKey(t)
	root := issue(t, "root", ca, x509.KeyUsageCertSign, nil, nil)
	leaf := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, root, ca)
	token, err := signer.Sign(t.Context(), key, signer.Request{
		Chain: []*x509.Certificate{leaf, root}, ChainHeaders: []string{"x5c", "x5t", "x5t#S256"}, Claims: claims(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := signer.Parse(token.Compact.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	s1, s256 := sha1.Sum(leaf.Raw), sha256.Sum256(leaf.Raw)
	std := base64.StdEncoding.EncodeToString
	want := `{"alg":"ES256","x5c":["` + std(leaf.Raw) + `","` + std(root.Raw) + `"],"x5t":"` +
		base64.RawURLEncoding.EncodeToString(s1[:]) + `","x5t#S256":"` + base64.RawURLEncoding.EncodeToString(s256[:]) + `"}`
	if got := string(p.Header.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, err = signer.Sign(t.Context(), key, signer.Request{Chain: []*x509.Certificate{root, leaf}, ChainHeaders: []string{"x5t"}})
	if !errors.Is(err, signer.ErrCertificateMismatch) {
		t.Errorf("another key's certificate: %v", err)
	}
	_, err = signer.Sign(t.Context(), hmacKey(make([]byte, 32), "HS256"), signer.Request{Chain: []*x509.Certificate{leaf}, ChainHeaders: []string{"x5t"}})
	if !errors.Is(err, signer.ErrCertificateMismatch) {
		t.Errorf("a certificate with a secret: %v", err)
	}
}

func TestCheckChain(t *testing.T) {
	key, ca := ecKey(t), ecKey(t)
	root := issue(t, "root", ca, x509.KeyUsageCertSign, nil, nil)
	other := issue(t, "root", ecKey(t), x509.KeyUsageCertSign, nil, nil)
	leaf := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, root, ca)
	silent := issue(t, "leaf", key, 0, root, ca)
	agreement := issue(t, "leaf", key, x509.KeyUsageKeyAgreement, root, ca)
	during := from.AddDate(0, 1, 0)
	type chain = []*x509.Certificate
	for name, c := range map[string]struct {
		chain chain
		at    time.Time
		good  bool
	}{
		"leaf and root":              {chain{leaf, root}, during, true},
		"leaf alone":                 {chain{leaf}, during, true},
		"a leaf without key usage":   {chain{silent}, during, true},
		"a leaf for key agreement":   {chain{agreement}, during, false},
		"reversed":                   {chain{root, leaf}, during, false},
		"a root of the same name":    {chain{leaf, other}, during, false},
		"a certificate in between":   {chain{leaf, leaf, root}, during, false},
		"a second before it begins":  {chain{leaf}, from.Add(-time.Second), false},
		"a second after it has gone": {chain{leaf}, until.Add(time.Second), false},
	} {
		if err := signer.CheckChain(c.chain, c.at); (err == nil) != c.good || (!c.good && !errors.Is(err, keys.ErrCertificateInvalid)) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if signer.CheckKeyUsage(leaf) != nil || signer.CheckKeyUsage(silent) == nil {
		t.Error("key usage must be said where step demands it")
	}
	for usage, found := range map[*x509.Certificate]string{silent: "the certificate has no key usage; ", agreement: "key usage does not have digitalSignature"} {
		if err := signer.CheckKeyUsage(usage); err == nil || !strings.Contains(err.Error(), found) {
			t.Errorf("want %q, got %v", found, err)
		}
	}
}

func TestCheckChainErrors(t *testing.T) {
	key, ca := ecKey(t), ecKey(t)
	root := issue(t, "root", ca, x509.KeyUsageCertSign, nil, nil)
	leaf := issue(t, "leaf", key, x509.KeyUsageDigitalSignature, root, ca)
	for want, c := range map[string]struct {
		chain []*x509.Certificate
		at    time.Time
	}{
		"certificate 1 of the chain is valid only from 2026-01-01T00:00:00Z": {[]*x509.Certificate{leaf, root}, from.Add(-time.Second)},
		"certificate 1 of the chain expired on 2027-01-01T00:00:00Z":         {[]*x509.Certificate{leaf, root}, until.Add(time.Second)},
		"certificate 2 of the chain did not issue the one before it":         {[]*x509.Certificate{leaf, leaf}, from},
		"certificate 3 of the chain did not issue the one before it":         {[]*x509.Certificate{leaf, root, leaf}, from},
	} {
		if err := signer.CheckChain(c.chain, c.at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	for _, at := range []time.Time{from, until} {
		if err := signer.CheckChain([]*x509.Certificate{leaf, root}, at); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
	}
	if err := signer.CheckChain(nil, from); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
}
