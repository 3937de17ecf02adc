package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys/decode"
)

// forgeable are the encodings of the eight points of small order, canonical or
// not, with either sign of x (RFC 8032 §5.1.2).
func forgeable(t *testing.T) []ed25519.PublicKey {
	t.Helper()
	var list []ed25519.PublicKey
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 0
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 1
	} {
		point, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		negative := bytes.Clone(point)
		negative[31] |= 0x80
		list = append(list, point, negative)
	}
	return list
}

// TestThePointsOfSmallOrderAreForgeable checks the list above: a signature
// without a secret verifies with each point for one of a few messages.
func TestThePointsOfSmallOrderAreForgeable(t *testing.T) {
	if n := len(forgeable(t)); n != 14 {
		t.Fatalf("%d encodings", n)
	}
	forgery := make([]byte, ed25519.SignatureSize)
	forgery[0] = 1 // R is the identity, S is 0
	for _, public := range forgeable(t) {
		found := false
		for n := range 200 {
			found = found || ed25519.Verify(public, fmt.Append(nil, n), forgery)
		}
		if !found {
			t.Errorf("%x is not forgeable", []byte(public))
		}
	}
}

// TestAForgeablePublicKeyIsRefusedWhereverItIsRead checks every reader.
func TestAForgeablePublicKeyIsRefusedWhereverItIsRead(t *testing.T) {
	list := forgeable(t)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for n := range int64(19) { // every other y that is not below p
		y := new(big.Int).Add(p, big.NewInt(n)).FillBytes(make([]byte, 32))
		slices.Reverse(y)
		list = append(list, y)
	}
	for _, public := range list {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		line := ssh.Marshal(struct{ Type, Public string }{ssh.KeyAlgoED25519, string(public)})
		certificate := certificateOf(t, public)
		texts := map[string]string{
			"jwk":         `{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`,
			"pem":         string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			"der":         base64.StdEncoding.EncodeToString(der),
			"openssh":     "ssh-ed25519 " + base64.StdEncoding.EncodeToString(line),
			"certificate": certificate,
		}
		for form, text := range texts {
			_, err := ReadVerifier(t.Context(), Ref{Text: secret.New(text)})
			if !errors.Is(err, ErrWeak) {
				t.Errorf("%s of %x: %v", form, []byte(public), err)
			}
		}
		if _, err := decode.Chain(certificate); !errors.Is(err, ErrCertificateInvalid) {
			t.Errorf("a chain with %x: %v", []byte(public), err)
		}
		if _, err := FromStore(public, StoreOptions{}); !errors.Is(err, ErrWeak) {
			t.Errorf("a store's %x: %v", []byte(public), err)
		}
		if _, err := AlgorithmsOf(public); !errors.Is(err, ErrWeak) {
			t.Errorf("a device's %x: %v", []byte(public), err)
		}
	}
	good, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := FromStore(good, StoreOptions{}); err != nil {
		t.Errorf("an ordinary key: %v", err)
	}
}

// certificateOf returns a certificate of public that another key issued.
func certificateOf(t *testing.T, public ed25519.PublicKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
