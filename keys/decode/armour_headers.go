package decode

import (
	"encoding/hex"
	"strings"

	"conductor-jwt/internal/fault"
)

// dekInfo is the encryption that an RFC 1423 header names; the zero one says
// that there is none.
type dekInfo struct {
	cipher string
	iv     []byte
}

// scanHeaders reads the headers in front of the base64 of a block (RFC 1421
// §4.6). It does not need their line ends: each value that matters has a form
// that ends by itself.
func scanHeaders(inner string) (dekInfo, string, error) {
	rest := strings.TrimLeftFunc(inner, isBlank)
	if !strings.Contains(rest, ":") {
		return dekInfo{}, rest, nil
	}
	encrypted := false
	var dek dekInfo
	for strings.Contains(rest, ":") {
		var err error
		if value, ok := cutHeader(rest, "Proc-Type"); ok {
			encrypted = true
			rest, err = scanProcType(value)
		} else if value, ok := cutHeader(rest, "DEK-Info"); ok {
			dek, rest, err = scanDEKInfo(value)
		} else {
			rest, err = skipHeader(rest)
		}
		if err != nil {
			return dekInfo{}, "", err
		}
		rest = strings.TrimLeftFunc(rest, isBlank)
	}
	if encrypted != (dek.cipher != "") {
		return dekInfo{}, "", badHeader()
	}
	return dek, rest, nil
}

func cutHeader(text, name string) (string, bool) {
	rest, ok := strings.CutPrefix(text, name)
	if !ok {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, isBlank), ":")
	return strings.TrimLeftFunc(rest, isBlank), ok
}

// scanProcType reads "4,ENCRYPTED" (RFC 1421 §4.6.1.1).
func scanProcType(text string) (string, error) {
	version, rest, ok := cutComma(text)
	if !ok || version != "4" {
		return "", badHeader()
	}
	rest, ok = strings.CutPrefix(rest, "ENCRYPTED")
	if !ok {
		return "", badHeader()
	}
	return rest, nil
}

// scanDEKInfo reads a cipher's name and its initialisation vector (RFC 1423
// §1.1), whose length the cipher says: in text without line ends the base64
// begins right behind it.
func scanDEKInfo(text string) (dekInfo, string, error) {
	cipher, rest, ok := cutComma(text)
	if !ok || cipher == "" {
		return dekInfo{}, "", badHeader()
	}
	digits := 2 * legacyIVLen(cipher)
	if digits == 0 {
		return dekInfo{}, "", &fault.Error{
			Reason: ErrUnsupported, Found: "a key encrypted with a cipher that is not read here",
			Hint: convertLegacy,
		}
	}
	if len(rest) < digits {
		return dekInfo{}, "", badHeader()
	}
	iv, err := hex.DecodeString(rest[:digits])
	if err != nil {
		return dekInfo{}, "", badHeader()
	}
	return dekInfo{cipher: cipher, iv: iv}, rest[digits:], nil
}

func cutComma(text string) (before, after string, ok bool) {
	before, _, ok = strings.Cut(text[:min(len(text), maxLabel)], ",")
	if !ok {
		return "", "", false
	}
	after = text[len(before)+1:]
	return strings.TrimRightFunc(before, isBlank), strings.TrimLeftFunc(after, isBlank), true
}

// skipHeader drops a header that does not matter here, with its line: where
// the line ends are lost, nobody can tell its value from the base64.
func skipHeader(text string) (string, error) {
	line, rest, ok := strings.Cut(text, "\n")
	if !ok || !strings.Contains(line, ":") {
		return "", badHeader()
	}
	return rest, nil
}

func badHeader() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "pem text with a damaged header", Hint: "copy the whole key again, with its line ends"}
}
