package decode

import (
	"encoding/hex"
	"strconv"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
)

// The parts of an armour line (RFC 7468 §2). A repair finds blocks by the
// dashes: everything else of the line structure may be lost.
const (
	armourBegin  = "-----BEGIN"
	armourEnd    = "-----END"
	armourDashes = "-----"

	maxLabel = 64 // bytes between the dashes, white space included
)

// block is the text from a BEGIN line to its END line.
type block struct {
	label string // "RSA PRIVATE KEY": words separated by one space
	dek   dekInfo
	body  string // base64 without white space
}

// hasArmour reports whether text is to be read as PEM. Text that lost its first
// line is PEM, too.
func hasArmour(text string) bool {
	return strings.Contains(text, armourBegin) || strings.Contains(text, armourEnd)
}

// scanArmour finds the blocks of text, whatever happened to its line ends, and
// ignores text around them. It reads each byte a fixed number of times. It
// fails where a block is cut or two are joined.
func scanArmour(text string) ([]block, error) {
	rest := unescape(text)
	var blocks []block
	for {
		start := strings.Index(rest, armourBegin)
		if start < 0 {
			start = len(rest)
		}
		if before, _, ok := strings.Cut(rest[:start], armourEnd); ok {
			return nil, withoutBegin(before)
		}
		if start == len(rest) {
			return blocks, nil
		}
		b, after, err := scanBlock(rest[start+len(armourBegin):])
		if err != nil {
			return nil, err
		}
		blocks, rest = append(blocks, b), after
	}
}

// withoutBegin is the error of an END line; before is the text in front of it.
func withoutBegin(before string) error {
	if strings.Contains(before, "BEGIN ") {
		return cutArmour("a begin line that does not begin with five dashes")
	}
	return cutArmour("an end line without its begin line")
}

// scanBlock reads from after "-----BEGIN" to after the dashes of the END line.
func scanBlock(text string) (block, string, error) {
	label, text, ok := scanLabel(text)
	if !ok {
		return block{}, "", cutArmour("a begin line without its closing dashes")
	}
	inner, text, ok := strings.Cut(text, armourDashes)
	switch {
	case strings.ContainsAny(label, "%+") || strings.Contains(inner, "%"):
		return block{}, "", urlEncoded()
	case strings.HasPrefix(text, armourBegin[len(armourDashes):]):
		return block{}, "", cutArmour("two begin lines and no end line between them")
	case !ok || !strings.HasPrefix(text, armourEnd[len(armourDashes):]):
		return block{}, "", cutArmour("a begin line without its end line")
	}
	end, text, ok := scanLabel(text[len(armourEnd)-len(armourDashes):])
	if !ok {
		return block{}, "", cutArmour("an end line without its closing dashes")
	}
	if withoutSpaces(end) != withoutSpaces(label) {
		return block{}, "", cutArmour("a begin line and an end line of different kinds")
	}
	b := block{label: label}
	if kind := kindOfLabel(label); kind == labelOther || kind == labelOtherPrivate {
		return b, text, nil // its content is not read
	}
	dek, body, err := scanHeaders(inner)
	if err != nil {
		return block{}, "", err
	}
	b.dek, b.body = dek, printable.Squeeze(body)
	return b, text, nil
}

// scanLabel reads a label and the dashes after it.
func scanLabel(text string) (label, rest string, ok bool) {
	window := text[:min(len(text), maxLabel+len(armourDashes))]
	label, _, ok = strings.Cut(window, armourDashes)
	if !ok {
		return "", "", false
	}
	return strings.Join(strings.FieldsFunc(label, printable.IsBlank), " "), text[len(label)+len(armourDashes):], true
}

// withoutSpaces makes labels equal that differ in white space only, which may
// be lost together with the line ends.
func withoutSpaces(label string) string { return strings.ReplaceAll(label, " ", "") }

func cutArmour(found string) error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is PEM text with " + found, Hint: "copy the whole key, from its begin line to its end line"}
}

func urlEncoded() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is a key that is encoded for a web address", Hint: "decode it, %0A and %2B included"}
}

// unescape undoes the escapes of string literals in PEM text: line ends as \n,
// \r or \t after any number of backslashes, and the base64 characters that some
// JSON writers escape (\/, \u003d). Neither base64 nor an armour line has a
// backslash, so that a good key stays unchanged.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for {
		plain, rest, found := strings.Cut(text, `\`)
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		r, n := unescapeOne(strings.TrimLeft(rest, `\`))
		b.WriteRune(r)
		text = strings.TrimLeft(rest, `\`)[n:]
	}
}

// unescapeOne returns the character of an escape and how much of s it takes; s
// is the text after the backslash. An unknown escape stays a backslash, which
// makes the base64 invalid.
func unescapeOne(s string) (rune, int) {
	if s == "" {
		return ' ', 0
	}
	switch s[0] {
	case 'n', 'r', 't':
		return '\n', 1
	case '/', '"', '\'':
		return rune(s[0]), 1
	case ' ', '\t', '\r', '\n': // a shell's continued line
		return '\n', 0
	case 'u':
		if len(s) >= 5 {
			if c, err := strconv.ParseUint(s[1:5], 16, 8); err == nil && c < 0x80 && c != '\\' {
				return rune(c), 5
			}
		}
	}
	return '\\', 0
}

// dekInfo is the encryption of an RFC 1423 header; the zero value is none.
type dekInfo struct {
	cipher string
	iv     []byte
}

// scanHeaders reads the headers in front of the base64 of a block (RFC 1421
// §4.6). It does not need their line ends: the end of each value that matters
// follows from its form.
func scanHeaders(inner string) (dekInfo, string, error) {
	rest := strings.TrimLeftFunc(inner, printable.IsBlank)
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
		rest = strings.TrimLeftFunc(rest, printable.IsBlank)
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
	rest, ok = strings.CutPrefix(strings.TrimLeftFunc(rest, printable.IsBlank), ":")
	return strings.TrimLeftFunc(rest, printable.IsBlank), ok
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

// scanDEKInfo reads the name of a cipher and its initialisation vector (RFC
// 1423 §1.1). The cipher sets the length of the vector: in text without line
// ends the base64 follows directly.
func scanDEKInfo(text string) (dekInfo, string, error) {
	cipher, rest, ok := cutComma(text)
	if !ok || cipher == "" {
		return dekInfo{}, "", badHeader()
	}
	digits := 2 * legacyIVLen(cipher)
	if digits == 0 {
		return dekInfo{}, "", &fault.Error{
			Reason: ErrUnsupported, Found: "this is a key encrypted with an unsupported cipher",
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
	return strings.TrimRightFunc(before, printable.IsBlank), strings.TrimLeftFunc(after, printable.IsBlank), true
}

// skipHeader drops the line of another header. Without line ends,
// the end of its value is unknown.
func skipHeader(text string) (string, error) {
	line, rest, ok := strings.Cut(text, "\n")
	if !ok || !strings.Contains(line, ":") {
		return "", badHeader()
	}
	return rest, nil
}

func badHeader() error {
	return &fault.Error{Reason: ErrUnreadable, Found: "this is PEM text with a damaged header", Hint: "copy the whole key again, with its line ends"}
}

// labelKind is the kind of an armour label.
type labelKind int

const (
	labelOther        labelKind = iota
	labelPrivate                // PKCS#8, PKCS#1, SEC1, DSA: the content decides
	labelOpenSSH                // OPENSSH PRIVATE KEY
	labelCosign                 // ENCRYPTED COSIGN or SIGSTORE PRIVATE KEY
	labelOtherPrivate           // a private key in an unsupported format
	labelParams                 // EC, DSA or DH parameters
	labelCertificate            // X.509
	labelPublic                 // a public key
	labelCSR                    // a certificate request
)

// kindOfLabel returns the kind of a label. Its words may be joined.
func kindOfLabel(label string) labelKind {
	joined := withoutSpaces(label)
	switch joined {
	case "PRIVATEKEY", "ENCRYPTEDPRIVATEKEY", "RSAPRIVATEKEY", "ECPRIVATEKEY", "DSAPRIVATEKEY", "ANYPRIVATEKEY":
		return labelPrivate
	case "OPENSSHPRIVATEKEY":
		return labelOpenSSH
	case "ENCRYPTEDCOSIGNPRIVATEKEY", "ENCRYPTEDSIGSTOREPRIVATEKEY":
		return labelCosign
	case "ECPARAMETERS", "DSAPARAMETERS", "DHPARAMETERS", "X9.42DHPARAMETERS":
		return labelParams
	case "CERTIFICATE", "X509CERTIFICATE", "TRUSTEDCERTIFICATE":
		return labelCertificate
	case "CERTIFICATEREQUEST", "NEWCERTIFICATEREQUEST":
		return labelCSR
	}
	switch {
	case strings.HasPrefix(joined, "PGP"):
		return labelOther
	case strings.Contains(joined, "PRIVATEKEY"):
		return labelOtherPrivate
	case strings.Contains(joined, "PUBLICKEY"):
		return labelPublic
	}
	return labelOther
}
