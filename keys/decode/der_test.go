package decode

import (
	"bytes"
	"encoding/asn1"
	"testing"
)

// tlv writes an element of DER.
func tlv(tag byte, contents ...[]byte) []byte {
	content := bytes.Join(contents, nil)
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
}

func oid(t *testing.T, arcs ...int) []byte {
	t.Helper()
	der, err := asn1.Marshal(asn1.ObjectIdentifier(arcs))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func integer(t *testing.T, n int) []byte {
	t.Helper()
	der, err := asn1.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
