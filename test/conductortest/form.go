package conductortest

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"
)

// form is an encoding of a secret. Any width characters of text identify it.
type form struct {
	name  string
	text  string
	width int
}

const (
	windowWidth = 16
	listWidth   = 48 // in "0x43, 0x41, …" 16 characters are three bytes only
)

// forms returns the encodings of secret bytes. DER and PEM need no form: DER holds
// the raw bytes, and a PEM body is base64 at one of three alignments, whose lines
// are longer than a window.
func forms(p part) []form {
	b := p.bytes
	out := []form{
		{"raw bytes", string(b), windowWidth},
		{"JSON-escaped text", jsonEscaped(b), windowWidth},
		{"Go-quoted text", strconv.Quote(string(b)), windowWidth},
		{"ASCII-quoted text", strconv.QuoteToASCII(string(b)), windowWidth},
		{"URL-encoded text", url.QueryEscape(string(b)), windowWidth},
		{"URL path text", url.PathEscape(string(b)), windowWidth},
	}
	for _, f := range base64Forms(b) {
		out = append(out, f)
		out = append(out, formsOfText(f.text)...)
	}
	out = append(out, hexForms(b)...)
	out = append(out, listForms(b)...)
	return append(out, numberForms(p)...)
}

// formsOfText returns the encodings of a PEM or JWK that is handled as bytes:
// encoding/json writes a []byte in base64, fmt as a list.
func formsOfText(text string) []form {
	var out []form
	for shift := range 3 {
		encoded := aligned(base64.RawStdEncoding, []byte(text), shift)
		out = append(
			out,
			form{"base64 of base64", encoded, windowWidth},
			form{"base64url of base64", urlAlphabet(encoded), windowWidth},
		)
	}
	lower := hex.EncodeToString([]byte(text))
	out = append(out, form{"hex of base64", lower, windowWidth}, form{"hex of base64", strings.ToUpper(lower), windowWidth})
	return append(out, listForms([]byte(text))...)
}

func urlAlphabet(text string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(text) }

// aligned returns the base64 of b after shift other bytes, without the characters
// that hold bits of bytes before or after b.
func aligned(encoding *base64.Encoding, b []byte, shift int) string {
	shifted := append(make([]byte, shift), b...)
	return encoding.EncodeToString(shifted)[(shift*8+5)/6 : len(shifted)*8/6]
}

func jsonEscaped(b []byte) string {
	raw, err := json.Marshal(string(b))
	if err != nil {
		return ""
	}
	return strings.Trim(string(raw), `"`)
}

// base64Forms returns base64 at its three alignments, and base32 at its five.
// Padding does not matter, because windows end before it.
func base64Forms(b []byte) []form {
	var out []form
	for shift := range 3 {
		std := aligned(base64.RawStdEncoding, b, shift)
		urlSafe := urlAlphabet(std)
		out = append(
			out,
			form{"base64", std, windowWidth},
			form{"base64url", urlSafe, windowWidth},
			form{"URL-encoded base64", url.QueryEscape(std), windowWidth},
			form{"JSON-escaped base64", strings.ReplaceAll(std, "/", `\/`), windowWidth},
		)
	}
	for shift := range 5 {
		shifted := append(make([]byte, shift), b...)
		skip := (shift*8 + 4) / 5
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(shifted)
		out = append(out, form{"base32", text[skip : len(shifted)*8/5], windowWidth})
	}
	return out
}

func hexForms(b []byte) []form {
	lower := hex.EncodeToString(b)
	var out []form
	for _, text := range []string{lower, strings.ToUpper(lower)} {
		out = append(out, form{"hex", text, windowWidth})
		for _, between := range []string{":", " ", "%", `\x`} {
			out = append(out, form{"hex with " + between, join(text, between), listWidth / 2})
		}
	}
	return out
}

// join inserts a text after each byte of a hex text.
func join(text, between string) string {
	var out strings.Builder
	for i := 0; i+2 <= len(text); i += 2 {
		out.WriteString(text[i:i+2] + between)
	}
	return out.String()
}

// listForms returns a slice of bytes as fmt and encoding/json print it.
func listForms(b []byte) []form {
	var decimals, hexes, uppers []string
	for _, v := range b {
		decimals = append(decimals, strconv.Itoa(int(v)))
		hexes = append(hexes, fmt.Sprintf("0x%x", v))
		uppers = append(uppers, fmt.Sprintf("0x%02X", v))
	}
	return []form{
		{"list of bytes", strings.Join(decimals, " "), listWidth},
		{"list of bytes", strings.Join(decimals, ", "), listWidth},
		{"list of bytes", strings.Join(decimals, ","), listWidth},
		{"list of hex bytes", strings.Join(hexes, ", "), listWidth},
		{"list of hex bytes", strings.Join(uppers, ", "), listWidth},
	}
}

// numberForms returns a secret as one number, and as the words of a big.Int.
func numberForms(p part) []form {
	n := p.number()
	var decimals, hexes []string
	mask := new(big.Int).SetUint64(1<<64 - 1)
	for rest := new(big.Int).Set(n); rest.Sign() > 0; rest.Rsh(rest, 64) {
		word := new(big.Int).And(rest, mask)
		decimals = append(decimals, word.String())
		hexes = append(hexes, "0x"+word.Text(16))
	}
	return []form{
		{"decimal number", n.String(), windowWidth},
		{"hex number", n.Text(16), windowWidth},
		{"octal number", n.Text(8), windowWidth},
		{"words of a number", strings.Join(decimals, " "), listWidth / 2},
		{"words of a number", strings.Join(hexes, ", "), listWidth / 2},
	}
}
