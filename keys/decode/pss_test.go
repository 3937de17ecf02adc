package decode

import (
	"bytes"
	"crypto"
	"slices"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"conductor-jwt/internal/secret"
)

// RSASSA-PSS-params (RFC 4055 §3.1) that some PS algorithm has, and those that
// none has.
func TestParametersOfPSS(t *testing.T) {
	hash := func(last int) []byte { return tlv(0x30, oid(t, 2, 16, 840, 1, 101, 3, 4, 2, last)) }
	sha1 := tlv(0x30, oid(t, 1, 3, 14, 3, 2, 26))
	mgf := func(of []byte) []byte { return tlv(0xa1, tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 1, 8), of)) }
	other := tlv(0xa1, tlv(0x30, oid(t, 1, 2, 840, 113549, 1, 1, 9), hash(1)))
	salt := func(n int) []byte { return tlv(0xa2, integer(t, n)) }
	trailer := func(n int) []byte { return tlv(0xa3, integer(t, n)) }
	for name, row := range map[string]struct {
		params []byte // nil: none at all
		hash   crypto.Hash
		reason error
	}{
		"none":                     {nil, 0, nil},
		"sha-256":                  {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(32)), crypto.SHA256, nil},
		"sha-384":                  {tlv(0x30, tlv(0xa0, hash(2)), mgf(hash(2)), salt(48)), crypto.SHA384, nil},
		"sha-512":                  {tlv(0x30, tlv(0xa0, hash(3)), mgf(hash(3)), salt(64)), crypto.SHA512, nil},
		"a shorter salt":           {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(20)), crypto.SHA256, nil},
		"the trailer, stated":      {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(32), trailer(1)), crypto.SHA256, nil},
		"a longer salt":            {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(33)), 0, ErrUnsupported},
		"another mask":             {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(2)), salt(32)), 0, ErrUnsupported},
		"another mask function":    {tlv(0x30, tlv(0xa0, hash(1)), other, salt(32)), 0, ErrUnsupported},
		"the mask of the default":  {tlv(0x30, tlv(0xa0, hash(1)), salt(32)), 0, ErrUnsupported},
		"an unknown hash":          {tlv(0x30, tlv(0xa0, hash(9)), mgf(hash(9)), salt(32)), 0, ErrUnsupported},
		"another trailer":          {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(32), trailer(2)), 0, ErrUnsupported},
		"a negative salt":          {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(-1)), 0, ErrUnreadable},
		"something behind":         {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), salt(32), trailer(1), integer(t, 1)), 0, ErrUnreadable},
		"no sequence":              {tlv(4, []byte{1}), 0, ErrUnreadable},
		"two sequences":            {slices.Concat(tlv(0x30), tlv(0x30)), 0, ErrUnreadable},
		"a hash that is a number":  {tlv(0x30, tlv(0xa0, integer(t, 1)), mgf(hash(1)), salt(32)), 0, ErrUnreadable},
		"a hash twice":             {tlv(0x30, tlv(0xa0, slices.Concat(hash(1), hash(1))), mgf(hash(1)), salt(32)), 0, ErrUnreadable},
		"a mask twice":             {tlv(0x30, tlv(0xa0, hash(1)), tlv(0xa1, slices.Concat(hash(1), hash(1))), salt(32)), 0, ErrUnreadable},
		"a salt twice":             {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), tlv(0xa2, integer(t, 32), integer(t, 32))), 0, ErrUnreadable},
		"a salt that is no number": {tlv(0x30, tlv(0xa0, hash(1)), mgf(hash(1)), tlv(0xa2, tlv(4, []byte{32}))), 0, ErrUnreadable},
	} {
		got, err := readPSSParams(cryptobyte.String(row.params))
		t.Run(name, func(t *testing.T) {
			if row.reason != nil {
				wantRefusal(t, err, row.reason)
				return
			}
			if err != nil || got != row.hash {
				t.Errorf("%v, %v; want %v", got, err, row.hash)
			}
		})
	}
	// The default of all is SHA-1, which no PS algorithm has.
	for name, params := range map[string][]byte{"sha-1, unsaid": tlv(0x30), "sha-1, stated": tlv(0x30, tlv(0xa0, sha1), mgf(sha1))} {
		if got, err := readPSSParams(cryptobyte.String(params)); err != nil || got != crypto.SHA1 {
			t.Errorf("%s: %v, %v", name, got, err)
		} else if checkPSSHash(got) == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// A key of ML-DSA is whole, or it is refused; nothing of it is looked at
// beyond its end.
func TestMLDSAKeysThatAreCut(t *testing.T) {
	tried := 0
	for set, last := range map[string]int{"44": 17, "65": 18, "87": 19} {
		for _, v := range mldsaVectors(t, set) {
			if v.PrivateKey == nil {
				continue
			}
			read := func(key []byte) error {
				_, err := readDER(t.Context(), inPKCS8(t, key, nil, 2, 16, 840, 1, 101, 3, 4, 3, last), "", secret.Text{})
				return err
			}
			both := func(seed, expanded []byte, more ...[]byte) []byte {
				return tlv(0x30, slices.Concat(tlv(4, seed), tlv(4, expanded), bytes.Join(more, nil)))
			}
			if err := read(both(v.PrivateSeed, v.PrivateKey)); err != nil {
				t.Fatalf("ML-DSA-%s: %v", set, err)
			}
			for name, key := range map[string][]byte{
				"an empty expanded part":     both(v.PrivateSeed, nil),
				"a short expanded part":      both(v.PrivateSeed, v.PrivateKey[:100]),
				"a byte too few":             both(v.PrivateSeed, v.PrivateKey[:len(v.PrivateKey)-1]),
				"a byte too many":            both(v.PrivateSeed, append(bytes.Clone(v.PrivateKey), 0)),
				"something behind the parts": both(v.PrivateSeed, v.PrivateKey, integer(t, 1)),
				"something behind the key":   slices.Concat(both(v.PrivateSeed, v.PrivateKey), integer(t, 1)),
				"something behind the seed":  slices.Concat(tlv(0x80, v.PrivateSeed), integer(t, 1)),
				"a seed of 31 octets":        tlv(0x80, v.PrivateSeed[:31]),
				"a seed of 33 octets":        tlv(0x80, append(bytes.Clone(v.PrivateSeed), 0)),
				"the seed alone in the pair": tlv(0x30, tlv(4, v.PrivateSeed)),
				"the parts in another order": both(v.PrivateKey, v.PrivateSeed),
				"a number":                   integer(t, 7),
				"nothing":                    nil,
			} {
				t.Run(set+"/"+name, func(t *testing.T) { wantRefusal(t, read(key), ErrUnreadable) })
				tried++
			}
			break
		}
	}
	if tried != 3*13 {
		t.Errorf("tried %d keys", tried)
	}
}
