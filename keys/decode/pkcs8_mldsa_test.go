package decode

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"

	"conductor-jwt/internal/secret"
)

// mldsaVector is a key of Wycheproof's ML-DSA vectors.
type mldsaVector struct {
	PrivateSeed     hexBytes `json:"privateSeed"`
	PrivateKeyPkcs8 hexBytes `json:"privateKeyPkcs8"`
	PrivateKey      hexBytes `json:"privateKey"`
	PublicKey       hexBytes `json:"publicKey"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	out, err := hex.DecodeString(string(text))
	*h = out
	return err
}

// mldsaVectors gives the keys of a parameter set, those with a seed joined
// with their expanded form where another file has it.
func mldsaVectors(t *testing.T, set string) []mldsaVector {
	t.Helper()
	expanded := map[string][]byte{}
	for _, v := range mldsaFile(t, "mldsa_"+set+"_sign_noseed_test.json") {
		if len(v.PublicKey) > 0 {
			expanded[string(v.PublicKey)] = v.PrivateKey
		}
	}
	var joined []mldsaVector
	for _, v := range mldsaFile(t, "mldsa_"+set+"_sign_seed_test.json") {
		if len(v.PrivateSeed) != mldsa.PrivateKeySize || len(v.PublicKey) == 0 || len(v.PrivateKeyPkcs8) == 0 {
			continue
		}
		v.PrivateKey = expanded[string(v.PublicKey)]
		joined = append(joined, v)
	}
	if len(joined) == 0 {
		t.Fatalf("no vectors for ML-DSA-%s", set)
	}
	return joined
}

func mldsaFile(t *testing.T, name string) []mldsaVector {
	t.Helper()
	raw, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TestGroups []mldsaVector `json:"testGroups"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file.TestGroups
}

func TestMLDSAKeysInPKCS8(t *testing.T) {
	for set, last := range map[string]int{"44": 17, "65": 18, "87": 19} {
		both := 0
		for _, v := range mldsaVectors(t, set) {
			for _, text := range []string{
				string(v.PrivateKeyPkcs8),
				string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: v.PrivateKeyPkcs8})),
			} {
				wantMLDSA(t, text, v.PublicKey)
			}
			if v.PrivateKey == nil {
				continue
			}
			both++
			key := tlv(0x30, tlv(4, v.PrivateSeed), tlv(4, v.PrivateKey))
			wantMLDSA(t, string(inPKCS8(t, key, nil, 2, 16, 840, 1, 101, 3, 4, 3, last)), v.PublicKey)
			v.PrivateKey[70] ^= 1
			key = tlv(0x30, tlv(4, v.PrivateSeed), tlv(4, v.PrivateKey))
			_, err := readDER(t.Context(), inPKCS8(t, key, nil, 2, 16, 840, 1, 101, 3, 4, 3, last), "", secret.Text{})
			wantRefusal(t, err, ErrInconsistent)
		}
		if both == 0 {
			t.Errorf("ML-DSA-%s: no vector has both forms", set)
		}
	}
}

func wantMLDSA(t *testing.T, text string, public []byte) {
	t.Helper()
	var private any
	var err error
	if isRawDER(text) {
		private, err = readDER(t.Context(), []byte(text), "", secret.Text{})
	} else {
		private, _, err = readKey(t, text, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	key, ok := private.(*mldsa.PrivateKey)
	if !ok || !bytes.Equal(key.PublicKey().Bytes(), public) {
		t.Errorf("%T, or of another public key", private)
	}
}

// The public half of such a key is under an explicit tag, and is compared with
// the private one, too.
func TestAKeyThatRingWroteIsRead(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, 32)
	key := func(public []byte) []byte {
		bits := tlv(3, []byte{0}, public)
		return tlv(0x30, integer(t, 1), tlv(0x30, oid(t, 1, 3, 101, 112)), tlv(4, tlv(4, seed)), tlv(0xa1, bits))
	}
	own := ed25519.NewKeyFromSeed(seed)[32:]
	if _, err := readDER(t.Context(), key(own), "", secret.Text{}); err != nil {
		t.Errorf("its own public half: %v", err)
	}
	_, err := readDER(t.Context(), key(make([]byte, 32)), "", secret.Text{})
	wantRefusal(t, err, ErrInconsistent)
	for what, wrong := range map[string][]byte{"nothing": tlv(0xa1), "two": tlv(0xa1, tlv(3, []byte{0}, own), tlv(3, []byte{0}, own)), "unused bits": tlv(0xa1, tlv(3, []byte{1}, own))} {
		der := tlv(0x30, integer(t, 1), tlv(0x30, oid(t, 1, 3, 101, 112)), tlv(4, tlv(4, seed)), wrong)
		_, err := readDER(t.Context(), der, "", secret.Text{})
		t.Run(what, func(t *testing.T) { wantRefusal(t, err, ErrUnreadable) })
	}
}
