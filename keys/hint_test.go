package keys_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// password opens every encrypted test key.
const password = "password"

// hinted is a text that is refused with a command to run.
type hinted struct {
	what, text string
	verify     bool // it is given to a verifier
	file       string
	answers    []string // what the command would ask at the terminal
	want       string   // in what it writes
}

// TestEveryPrintedCommandWorks runs the commands of the hints as they stand on
// the text that was refused.
func TestEveryPrintedCommandWorks(t *testing.T) {
	pass := []string{"-passin", "pass:" + password, "-passout", "pass:x"}
	report := func(name string) string {
		return string(must(os.ReadFile(filepath.Join("..", "cli", "testdata", "reports", name))))
	}
	for _, c := range []hinted{
		{"pbes1", pemFile(t, "p256.pbes1.pem"), false, "key.pem", pass, "ENCRYPTED PRIVATE KEY"},
		{"pbes1 with des", report("pbes1-PBE-MD5-DES.pem"), false, "key.pem", []string{"-passin", "pass:pw", "-passout", "pass:x"}, "ENCRYPTED PRIVATE KEY"},
		{"another cipher", pemFile(t, "p256.pbes2-camellia.pem"), false, "key.pem", pass, "ENCRYPTED PRIVATE KEY"},
		{"another cipher in a header", pemFile(t, "p256.legacy-camellia.pem"), false, "key.pem", pass, "ENCRYPTED PRIVATE KEY"},
		{"numbers for a curve", pemFile(t, "p256.sec1-explicit.pem"), false, "key.pem", nil, "BEGIN PRIVATE KEY"},
		{"numbers for a public key's curve", string(must(os.ReadFile("testdata/refused/explicit.public.pem"))), true, "key.pem", nil, "BEGIN PUBLIC KEY"},
		{"a short rsa key", pemFile(t, "rsa-1024.pkcs8.pem"), false, "", nil, "BEGIN PRIVATE KEY"},
		{"a curve without an algorithm", pemFile(t, "brainpool.pkcs8.pem"), false, "", nil, "BEGIN PRIVATE KEY"},
		{"two keys in pkcs#12", report("two-keys.p12"), false, "key.p12", []string{"-passin", "pass:changeit"}, "BEGIN PRIVATE KEY"},
		{"pkcs#12 without its password", pemFile(t, "p256.p12"), true, "key.p12", []string{"-passin", "pass:" + password}, "BEGIN PRIVATE KEY"},
		{"old pkcs#12 without its password", pemFile(t, "p256.legacy.p12"), true, "key.p12", []string{"-passin", "pass:" + password}, "BEGIN PRIVATE KEY"},
		{"openssh with another cipher", pemFile(t, "ssh-ed25519-256.chacha20-poly1305.pem"), false, "key", []string{"-P", password, "-N", "x1234"}, "saved"},
		{"openssh with a short key", pemFile(t, "ssh-ed25519-256.aes128-cbc.pem"), false, "key", []string{"-P", password, "-N", "x1234"}, "saved"},
		{"openssh with gcm", pemFile(t, "ssh-ed25519-256.aes256-gcm.pem"), false, "key", []string{"-P", password, "-N", "x1234"}, "saved"},
		{"openssh with too many rounds", pemFile(t, "ssh-ed25519-256.rounds.pem"), false, "key", []string{"-P", password, "-N", "x1234"}, "saved"},
		{"encrypted OpenSSH", pemFile(t, "ssh-ed25519-256.encrypted.pem"), true, "key", []string{"-P", password, "-N", ""}, "saved"},
		{"a Java key store", report("keystore.jks"), false, "key.jks", []string{"-srcstorepass", "changeit", "-deststorepass", "changeit", "-noprompt"}, "imported"},
	} {
		t.Run(c.what, func(t *testing.T) { c.run(t) })
	}
}

func (c hinted) run(t *testing.T) {
	t.Helper()
	words := c.command(t)
	if _, err := exec.LookPath(words[0]); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no %s here, so its command is not tested", words[0])
		}
		t.Logf("no %s here; its command is not run", words[0])
		return
	}
	dir := t.TempDir()
	if c.file != "" && !slices.Contains(words, c.file) {
		t.Fatalf("%q names no %s", words, c.file)
	}
	if c.file != "" {
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), words[0], append(words[1:], c.answers...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), c.want) {
		t.Errorf("%q: %v\n%s", words, err, out)
	}
}

// command gives the words of the first command in the hint.
func (c hinted) command(t *testing.T) []string {
	t.Helper()
	ref := keys.Ref{Text: secret.New(c.text), Password: secret.New(password)}
	if strings.Contains(c.file, "p12") && !c.verify {
		ref.Password = secret.New("changeit")
	}
	var err error
	if c.verify {
		ref.Password = secret.Text{}
		_, err = keys.ReadVerifier(t.Context(), ref)
	} else {
		_, err = keys.NewParser(keys.ParserOptions{Containers: true}).Resolve(t.Context(), ref)
	}
	for part := range strings.SplitSeq(refusalOf(t, err).Hint, ": ") {
		part, _, _ = strings.Cut(part, ";")
		for _, program := range []string{"openssl ", "ssh-keygen ", "keytool "} {
			if strings.HasPrefix(part, program) {
				return slices.DeleteFunc(strings.Fields(part), func(word string) bool { return word == "''" || word == "-N" })
			}
		}
	}
	t.Fatalf("no command in %v", err)
	return nil
}
