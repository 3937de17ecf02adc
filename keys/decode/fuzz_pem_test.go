package decode

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
)

// addKeyFiles seeds a fuzz target with every test key.
func addKeyFiles(f *testing.F, add func(text string)) {
	f.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "testdata", "keys"))
	if err != nil || len(entries) < 80 {
		f.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".sh" {
			add(keyFile(f, e.Name()))
		}
	}
}

// canonical writes blocks as the standard library does.
func canonical(tb testing.TB, blocks []block) string {
	tb.Helper()
	var out strings.Builder
	for _, b := range blocks {
		der, ok := decodeBase64(b.body)
		if !ok {
			return ""
		}
		p := &pem.Block{Type: b.label, Bytes: der}
		if b.dek.cipher != "" {
			p.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": b.dek.cipher + "," + strings.ToUpper(hexOf(b.dek.iv))}
		}
		out.Write(pem.EncodeToMemory(p))
	}
	return out.String()
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, v := range b {
		out = append(out, digits[v>>4], digits[v&15])
	}
	return string(out)
}

// Repairing a repaired text changes nothing, and the standard library reads the
// same bytes from it.
func FuzzPEMRepair(f *testing.F) {
	addKeyFiles(f, func(text string) { f.Add(text) })
	for _, damage := range repairs() {
		f.Add(damage(keyFile(f, "p256.params-sec1.pem")))
		f.Add(damage(keyFile(f, "p256.legacy-aes256.pem")))
	}
	f.Fuzz(func(t *testing.T, text string) {
		blocks, err := scanArmour(text)
		if err != nil {
			wantAnyRefusal(t, err)
			return
		}
		repaired := canonical(t, blocks)
		if repaired == "" {
			return
		}
		again, err := scanArmour(repaired)
		if err != nil {
			t.Fatalf("the repaired text is refused: %v", err)
		}
		if second := canonical(t, again); second != repaired {
			t.Errorf("a second repair changes the text:\n%q\n%q", repaired, second)
		}
		rest := []byte(repaired)
		for _, b := range blocks {
			var p *pem.Block
			p, rest = pem.Decode(rest)
			der, _ := decodeBase64(b.body)
			if p == nil || p.Type != b.label || !slices.Equal(p.Bytes, der) {
				t.Fatal("the standard library reads another block")
			}
		}
	})
}

// noise returns texts that do not change a key wherever they are put into its
// body.
func noise() []string {
	return []string{"\n", " ", "\t", "\r\n", `\n`, `\\n`, `\r\n`, "\ufeff", "\u00a0", "\\\n", "\u2028", "\n\n    "}
}

// White space in any form and at any place of the body leaves the key
// unchanged.
func FuzzGoodKeyStaysTheSame(f *testing.F) {
	f.Add([]byte{0, 0, 3, 4, 77, 200})
	f.Add([]byte{10, 4, 11, 4, 12, 5, 13, 5})
	good := keyFile(f, "p256.pkcs8.pem")
	body := printable.Squeeze(strings.Join(lines(good)[1:len(lines(good))-2], ""))
	want, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, places []byte) {
		text := body
		for len(places) >= 2 {
			at, what := int(places[0])%(len(text)+1), noise()[int(places[1])%len(noise())]
			// Not into the middle of other noise: half an escape is none.
			if at == 0 || at == len(text) || isBase64(text[at-1]) && isBase64(text[at]) && !strings.Contains(text[max(0, at-2):at], `\`) {
				text = text[:at] + what + text[at:]
			}
			places = places[2:]
		}
		blocks, err := scanArmour("-----BEGIN PRIVATE KEY-----" + text + "-----END PRIVATE KEY-----")
		if err != nil || len(blocks) != 1 {
			t.Fatalf("%d blocks, %v", len(blocks), err)
		}
		got, ok := decodeBase64(blocks[0].body)
		if !ok || !slices.Equal(got, want) {
			t.Error("another key")
		}
	})
}

// Any one damage to the text of a key leaves the same key or none, never
// another one.
func FuzzDamageMakesNoOtherKey(f *testing.F) {
	files := []string{
		"rsa.pkcs8.pem", "rsa.legacy-aes256.pem", "p256.sec1-nopublic.pem", "p384.params-sec1.pem", "ed25519.pkcs8.pem", "ssh-ed25519-256.pem",
	}
	want := make([]crypto.PublicKey, len(files))
	for i, file := range files {
		private, _, err := readKey(f, keyFile(f, file), testPassword)
		if err != nil {
			f.Fatal(err)
		}
		if want[i] = publicOf(private); want[i] == nil {
			f.Fatal(Check(private))
		}
		for at := uint16(0); int(at) < len(keyFile(f, file)); at += 37 {
			f.Add(uint8(i), at, uint8(at%64), "")
			f.Add(uint8(i), at, uint8(0), `\n`)
			f.Add(uint8(i), at, uint8(1), "AA")
		}
	}
	f.Fuzz(func(t *testing.T, file uint8, at uint16, lost uint8, added string) {
		i := int(file) % len(files)
		text := keyFile(t, files[i])
		from := int(at) % len(text)
		to := min(len(text), from+int(lost))
		damaged := text[:from] + added + text[to:]
		if was, is := printable.Squeeze(text), printable.Squeeze(unescape(damaged)); was != is && len(was) == len(is) {
			return // another digit in place of one: nothing tells where a key has no public half
		}
		private, _, err := readKey(t, damaged, testPassword)
		if err != nil {
			wantAnyRefusal(t, err)
			return
		}
		if public := publicOf(private); public != nil && !equalKeys(public, want[i]) {
			t.Error("another key")
		}
	})
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+/=", c) >= 0
}

// FuzzKeyText checks that any text is a key that can sign, or an error that
// quotes none of it. With a password nothing is derived, because ctx has ended.
func FuzzKeyText(f *testing.F) {
	addKeyFiles(f, func(text string) {
		f.Add(text, false)
		f.Add(text, true)
	})
	f.Add("hunter2", false)
	f.Add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKj7", false)
	f.Add("eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA", true)
	f.Fuzz(func(t *testing.T, text string, password bool) {
		ctx, word := t.Context(), secret.Text{}
		if password {
			word = secret.New(testPassword)
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			cancel()
		}
		k, err := readText(ctx, text, word)
		if isRawDER(text) {
			k, err = readBinary(ctx, []byte(text), word)
		}
		if err == nil {
			err = Check(k.Private)
		}
		if err != nil {
			wantAnyRefusal(t, err)
		}
		if _, err := readPublicPEM(text); err != nil {
			wantAnyRefusal(t, err)
		}
		if _, err := Chain(text); err != nil {
			wantAnyRefusal(t, err)
		}
		if _, err := OpenContainer(ctx, text, word); err != nil {
			wantAnyRefusal(t, err)
		}
	})
}

func wantAnyRefusal(tb testing.TB, err error) {
	tb.Helper()
	var refusal *fault.Error
	if !errors.As(err, &refusal) || refusal.Found == "" || refusal.Hint == "" || refusal.Reason == nil {
		tb.Errorf("%T is no refusal with a finding and a hint: %v", err, err)
	}
}
