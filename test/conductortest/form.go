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

// form is a secret as it may be written, and how much of it is enough to know
// it by.
type form struct {
	name  string
	text  string
	width int
}

const (
	windowWidth = 16
	listWidth   = 48 // "0x43, 0x41, …": 16 characters of it are three bytes
)

// forms is every way to write some secret bytes. DER and PEM need none of
// their own: DER holds the bytes as they are, a PEM body is base64 at one of
// three alignments, and a window fits into any of its lines.
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

// formsOfText is what becomes of a PEM or a JWK that is handled as bytes:
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

// aligned is base64 of some bytes that shift others come before, without the
// characters that hold bits of those or of what comes after.
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

// base64Forms is base64 at the three alignments that bytes before the secret
// can give it. Padding is no matter, as windows lie before it.
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

// join puts a text between the bytes of a hex text.
func join(text, between string) string {
	var out strings.Builder
	for i := 0; i+2 <= len(text); i += 2 {
		out.WriteString(text[i:i+2] + between)
	}
	return out.String()
}

// listForms is a slice of bytes as fmt and encoding/json print it.
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

// numberForms is a secret as one number, or as the words that math/big keeps.
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
