package decode

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
)

// gcm is an encrypted PKCS#8 key with AES-GCM (RFC 5084), which OpenSSL does
// not write and other libraries do.
type gcm struct {
	arc    int // the last of the cipher's OID
	keyLen int
	nonce  int
	tag    int
	params func(nonce []byte) []byte
}

func (g gcm) text(t *testing.T, plain []byte) []byte {
	t.Helper()
	salt, nonce := []byte("12345678"), bytes.Repeat([]byte{7}, g.nonce)
	key, err := pbkdf2.Key(sha1.New, testPassword, salt, 1000, g.keyLen)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	// An unsupported tag or nonce need not be right.
	sealed := make([]byte, len(plain)+g.tag)
	if aead, err := cipher.NewGCMWithTagSize(block, g.tag); err == nil && g.nonce == 12 {
		sealed = aead.Seal(nil, nonce, plain, nil)
	}
	kdf := tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 5, 12), tlv(0x30, tlv(4, salt), integer(t, 1000)))
	enc := tlv(0x30, oid(t, 2, 16, 840, 1, 101, 3, 4, 1, g.arc), g.params(nonce))
	return tlv(0x30, tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 5, 13), tlv(0x30, kdf, enc)), tlv(4, sealed))
}

func TestAESGCM(t *testing.T) {
	b, _ := pem.Decode([]byte(keyFile(t, "p256.pkcs8.pem")))
	plain := b.Bytes
	stated := func(n int) func([]byte) []byte {
		return func(nonce []byte) []byte { return tlv(0x30, tlv(4, nonce), integer(t, n)) }
	}
	absent := func(nonce []byte) []byte { return tlv(0x30, tlv(4, nonce)) }
	for name, row := range map[string]struct {
		gcm    gcm
		reason error
	}{
		"128 bits":                   {gcm{6, 16, 12, 16, stated(16)}, nil},
		"192 bits":                   {gcm{26, 24, 12, 16, stated(16)}, nil},
		"256 bits":                   {gcm{46, 32, 12, 16, stated(16)}, nil},
		"a tag of 12 octets, stated": {gcm{46, 32, 12, 12, stated(12)}, nil},
		"a tag of 12 octets, unsaid": {gcm{46, 32, 12, 12, absent}, nil},
		"a tag of 14 octets":         {gcm{46, 32, 12, 14, stated(14)}, nil},
		"a tag of 11 octets":         {gcm{46, 32, 12, 11, stated(11)}, ErrUnreadable},
		"a tag of 17 octets":         {gcm{46, 32, 12, 17, stated(17)}, ErrUnreadable},
		"a nonce of 11 octets":       {gcm{46, 32, 11, 16, stated(16)}, ErrUnreadable},
		"a nonce of 13 octets":       {gcm{46, 32, 13, 16, stated(16)}, ErrUnreadable},
		"no nonce":                   {gcm{46, 32, 12, 16, func([]byte) []byte { return tlv(0x30) }}, ErrUnreadable},
		"a nonce that is a number":   {gcm{46, 32, 12, 16, func([]byte) []byte { return tlv(0x30, integer(t, 7), integer(t, 16)) }}, ErrUnreadable},
		"a tag length that is text":  {gcm{46, 32, 12, 12, func(n []byte) []byte { return tlv(0x30, tlv(4, n), tlv(4, []byte{12})) }}, ErrUnreadable},
		"a third parameter":          {gcm{46, 32, 12, 16, func(n []byte) []byte { return tlv(0x30, tlv(4, n), integer(t, 16), integer(t, 1)) }}, ErrUnreadable},
		"parameters of cbc":          {gcm{46, 32, 12, 16, func(n []byte) []byte { return tlv(4, n) }}, ErrUnreadable},
		"parameters twice":           {gcm{46, 32, 12, 16, func(n []byte) []byte { return slices.Concat(stated(16)(n), stated(16)(n)) }}, ErrUnreadable},
		"cbc with parameters of gcm": {gcm{42, 32, 12, 16, stated(16)}, ErrUnreadable},
		"another mode of aes":        {gcm{41, 32, 12, 16, stated(16)}, ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			der := row.gcm.text(t, plain)
			got, err := readDER(t.Context(), der, "", secret.New(testPassword))
			if row.reason != nil {
				wantRefusal(t, err, row.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sameKey(t, got, publicFile(t, "p256.public.pem"))
			_, err = readDER(t.Context(), der, "", secret.New("Password"))
			wantRefusal(t, err, ErrPassword)
			damaged := bytes.Clone(der)
			damaged[len(damaged)-1] ^= 1
			_, err = readDER(t.Context(), damaged, "", secret.New(testPassword))
			wantRefusal(t, err, ErrPassword)
		})
	}
	empty := gcm{46, 32, 12, 16, stated(16)}.text(t, nil)
	_, err := readDER(t.Context(), empty, "", secret.New(testPassword))
	wantRefusal(t, err, ErrUnreadable)
}

// The ciphertext is cut inside a structure that is whole, so that nothing
// before the cipher refuses it.
func TestACiphertextThatIsCutOrDamagedIsRefused(t *testing.T) {
	tried := 0
	for file := range encryptedFiles() {
		if !strings.Contains(file, "pbes2") {
			continue
		}
		b, _ := pem.Decode([]byte(keyFile(t, file)))
		head, sealed := splitSealed(t, b.Bytes)
		for _, n := range []int{0, 1, 7, 8, 15, 16, 17, len(sealed) - 1} {
			_, err := readDER(t.Context(), tlv(0x30, head, tlv(4, sealed[:n])), "", secret.New(testPassword))
			if err == nil {
				t.Errorf("%s: the first %d bytes of its ciphertext are accepted", file, n)
				continue
			}
			if block := 16; n%block != 0 && !strings.Contains(file, "des3") || n == 0 {
				wantRefusal(t, err, ErrUnreadable)
			}
			tried++
		}
		for _, at := range []int{0, len(sealed) / 2, len(sealed) - 1} {
			damaged := bytes.Clone(sealed)
			damaged[at] ^= 1
			if _, err := readDER(t.Context(), tlv(0x30, head, tlv(4, damaged)), "", secret.New(testPassword)); err == nil {
				t.Errorf("%s: a ciphertext with byte %d changed is accepted", file, at)
			}
			tried++
		}
	}
	if tried < 100 {
		t.Errorf("tried %d ciphertexts, want at least 100", tried)
	}
}

// splitSealed returns the DER before the ciphertext, and the ciphertext.
func splitSealed(t *testing.T, der []byte) (head, sealed []byte) {
	t.Helper()
	s, ok := wholeSequence(der)
	whole := []byte(s)
	_, _, okAlgorithm := readAlgorithm(&s)
	head = whole[:len(whole)-len(s)]
	sealed, okSealed := readOctetString(&s)
	if !ok || !okAlgorithm || !okSealed || !s.Empty() {
		t.Fatal("no encrypted pkcs#8 key")
	}
	return head, sealed
}

func TestALegacyKeyOfAnyLengthIsNoPanic(t *testing.T) {
	for _, file := range []string{"rsa.legacy-des3.pem", "rsa.legacy-aes128.pem", "p256.legacy-aes256.pem"} {
		b, _ := pem.Decode([]byte(keyFile(t, file)))
		for _, n := range []int{0, 1, 7, 9, 15, 17, len(b.Bytes) - 1} {
			cut := *b
			cut.Bytes = b.Bytes[:n]
			_, _, err := readKey(t, string(pem.EncodeToMemory(&cut)), testPassword)
			wantRefusal(t, err, ErrUnreadable)
		}
		for _, n := range []int{16, len(b.Bytes) - 16} {
			cut := *b
			cut.Bytes = b.Bytes[:n]
			_, _, err := readKey(t, string(pem.EncodeToMemory(&cut)), testPassword)
			wantRefusal(t, err, ErrPassword)
		}
	}
}

func TestACosignKeyThatIsDamagedIsRefused(t *testing.T) {
	b, _ := pem.Decode([]byte(keyFile(t, "p256.cosign.pem")))
	if b == nil {
		t.Fatal("no pem")
	}
	for name, row := range map[string]struct {
		change func(m map[string]any, part func(name string) map[string]any)
		reason error
	}{
		"as it is":             {func(map[string]any, func(string) map[string]any) {}, nil},
		"another derivation":   {func(_ map[string]any, part func(string) map[string]any) { part("kdf")["name"] = "argon2" }, ErrUnreadable},
		"another cipher":       {func(_ map[string]any, part func(string) map[string]any) { part("cipher")["name"] = "aes" }, ErrUnreadable},
		"a short nonce":        {func(_ map[string]any, part func(string) map[string]any) { part("cipher")["nonce"] = "AAAA" }, ErrUnreadable},
		"no nonce":             {func(_ map[string]any, part func(string) map[string]any) { delete(part("cipher"), "nonce") }, ErrUnreadable},
		"no ciphertext":        {func(m map[string]any, _ func(string) map[string]any) { delete(m, "ciphertext") }, ErrPassword},
		"a ciphertext too few": {func(m map[string]any, _ func(string) map[string]any) { m["ciphertext"] = "AAAA" }, ErrPassword},
	} {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if err := json.Unmarshal(b.Bytes, &m); err != nil {
				t.Fatal(err)
			}
			row.change(m, func(name string) map[string]any {
				part, ok := m[name].(map[string]any)
				if !ok {
					t.Fatalf("no %s", name)
				}
				return part
			})
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			changed := pem.Block{Type: b.Type, Headers: maps.Clone(b.Headers), Bytes: raw}
			_, _, err = readKey(t, string(pem.EncodeToMemory(&changed)), testPassword)
			if row.reason == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, row.reason)
		})
	}
}
