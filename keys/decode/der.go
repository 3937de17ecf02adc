package decode

import (
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"conductor-jwt/internal/fault"
)

// shape is the structure of DER, as its outermost tags show it.
type shape int

const (
	shapeUnknown     shape = iota
	shapePKCS8             // RFC 5958 §2, OneAsymmetricKey
	shapeEncrypted         // RFC 5958 §3, EncryptedPrivateKeyInfo
	shapePKCS1             // RFC 8017 A.1.2
	shapePKCS1Public       // RFC 8017 A.1.1
	shapeSEC1              // RFC 5915 §3
	shapeDSA               // the six numbers that openssl writes
	shapeSPKI              // RFC 5280 §4.1
	shapeCertificate       // RFC 5280 §4.1
	shapeCSR               // RFC 2986 §4
	shapePKCS12            // RFC 7292 §4
	shapePKCS7             // RFC 5652 §3
)

// shapeOf returns the shape of DER by the tags of its first elements. It
// decodes no number.
func shapeOf(der []byte) shape {
	outer, ok := wholeSequence(der)
	if !ok {
		return shapeUnknown
	}
	tags := tagsOf(outer, 10)
	switch {
	case len(tags) < 2:
		return shapeUnknown
	case tags[0] == cbasn1.OBJECT_IDENTIFIER:
		return shapePKCS7
	case tags[0] == cbasn1.INTEGER:
		return shapeOfVersioned(outer, tags)
	case tags[0] == cbasn1.SEQUENCE:
		return shapeOfNested(outer, tags)
	}
	return shapeUnknown
}

func shapeOfVersioned(outer cryptobyte.String, tags []cbasn1.Tag) shape {
	var version int
	switch tags[1] {
	case cbasn1.SEQUENCE:
		if outer.ReadASN1Integer(&version) && version == 3 {
			return shapePKCS12
		}
		return shapePKCS8
	case cbasn1.OCTET_STRING:
		return shapeSEC1
	case cbasn1.INTEGER:
		switch len(tags) {
		case 2:
			return shapePKCS1Public
		case 6:
			return shapeDSA
		}
		return shapePKCS1
	}
	return shapeUnknown
}

func shapeOfNested(outer cryptobyte.String, tags []cbasn1.Tag) shape {
	var first cryptobyte.String
	if !outer.ReadASN1(&first, cbasn1.SEQUENCE) {
		return shapeUnknown
	}
	inner := tagsOf(first, 10)
	switch {
	case len(inner) == 0:
		return shapeUnknown
	case inner[0] == cbasn1.OBJECT_IDENTIFIER && tags[1] == cbasn1.BIT_STRING:
		return shapeSPKI
	case inner[0] == cbasn1.OBJECT_IDENTIFIER && tags[1] == cbasn1.OCTET_STRING:
		return shapeEncrypted
	case len(inner) <= 4 && inner[0] == cbasn1.INTEGER && tags[1] == cbasn1.SEQUENCE:
		return shapeCSR
	case len(inner) > 4 && tags[1] == cbasn1.SEQUENCE:
		return shapeCertificate
	}
	return shapeUnknown
}

// wholeSequence opens a SEQUENCE with nothing after it.
func wholeSequence(der []byte) (cryptobyte.String, bool) {
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, false
	}
	return outer, true
}

// tagsOf returns the tags of the first elements of s, limit at most; none where
// s is not DER to its end.
func tagsOf(s cryptobyte.String, limit int) []cbasn1.Tag {
	var tags []cbasn1.Tag
	for !s.Empty() && len(tags) < limit {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1Element(&element, &tag) {
			return nil
		}
		tags = append(tags, tag)
	}
	return tags
}

// readOID reads an object identifier in dotted form.
func readOID(s *cryptobyte.String) (string, bool) {
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return "", false
	}
	return oid.String(), true
}

// readAlgorithm reads an AlgorithmIdentifier (RFC 5280 §4.1.1.2): its
// identifier and the encoded parameters, which may be empty.
func readAlgorithm(s *cryptobyte.String) (oid string, params cryptobyte.String, ok bool) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return "", nil, false
	}
	oid, ok = readOID(&seq)
	return oid, seq, ok
}

// readBig reads an INTEGER.
func readBig(s *cryptobyte.String) (*big.Int, bool) {
	n := new(big.Int)
	return n, s.ReadASN1Integer(n)
}

// readOctetString reads an OCTET STRING.
func readOctetString(s *cryptobyte.String) ([]byte, bool) {
	var out cryptobyte.String
	ok := s.ReadASN1(&out, cbasn1.OCTET_STRING)
	return out, ok
}

// decodeBase64 decodes base64 without white space. The padding may be missing,
// because DER has its own length.
func decodeBase64(text string) ([]byte, bool) {
	text, padded := strings.CutSuffix(text, "==")
	if !padded {
		text = strings.TrimSuffix(text, "=")
	}
	out, err := base64.RawStdEncoding.DecodeString(text)
	return out, err == nil && len(out) > 0
}

// decodeStrict decodes with or without padding. It refuses line ends, which
// [base64.Encoding] ignores, and nonzero trailing bits (RFC 4648 §3.5).
func decodeStrict(text string, alphabet *base64.Encoding) ([]byte, bool) {
	if !strings.HasSuffix(text, "=") {
		alphabet = alphabet.WithPadding(base64.NoPadding)
	}
	out, err := alphabet.Strict().DecodeString(text)
	return out, err == nil && !strings.ContainsAny(text, "\r\n")
}

// notDER says why der is not one whole structure.
func notDER(what string, der []byte) error {
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	found := what + " whose content is not a key"
	switch {
	case len(der) == 0:
		found = what + " without content"
	case der[0] != byte(cbasn1.SEQUENCE):
	case input.ReadASN1(&outer, cbasn1.SEQUENCE):
		if !input.Empty() {
			found = what + " with more data after the key"
		}
	default:
		found = what + " that is cut short or damaged"
	}
	return &fault.Error{Reason: ErrUnreadable, Found: found, Hint: "copy the whole key again"}
}
