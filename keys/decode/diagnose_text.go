package decode

import (
	"strings"
	"unicode/utf8"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
)

// diagnose says what text is that is no key in any form. It looks at the first
// bytes and at the marks of formats, and quotes nothing.
func diagnose(text string) error { return diagnoseWithin(text, maxNames) }

// maxNames is how many names and data URLs in front of a key are skipped. The
// author of the text chooses their number, and each is another pass over the
// text.
const maxNames = 2

func diagnoseWithin(text string, names int) error {
	trimmed := trimQuotes(text)
	switch {
	case trimmed == "" && text != "":
		return noKey("this is white space alone")
	case text == "":
		return &fault.Error{Reason: ErrMissing, Found: "this is an empty key", Hint: "give a private key in PEM or JWK form", Cause: givePublic}
	case isPuTTY(trimmed):
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is a PuTTY key file",
			Hint: "convert it with: puttygen key.ppk -O private-openssh-new -o key.pem",
		}
	case isSSHPublic(trimmed):
		return foundPublic()
	case strings.HasPrefix(trimmed, "---- BEGIN SSH2"):
		return foundSSH2()
	case strings.HasPrefix(trimmed, "<"):
		return foundXML(trimmed)
	case isUTF16(text):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is text in UTF-16", Hint: "save it as UTF-8, or write it with a tool that does"}
	case isKeyStore([]byte(text)):
		return foundJKS()
	case isURLEncoded(trimmed):
		return urlEncoded()
	case isArmoured(trimmed):
		return &fault.Error{
			Reason: ErrUnreadable, Found: "this is PEM text whose begin and end lines are damaged",
			Hint: "each is in upper case and begins and ends with five dashes; copy the key again from a plain text editor",
		}
	case isCompact(trimmed):
		return diagnoseCompact(trimmed)
	case isJSON(trimmed), strings.Contains(strings.ReplaceAll(trimmed, `\`, ""), `"kty"`):
		return wrappedJSON(text)
	}
	if err := diagnoseEncoded(trimmed); err != nil {
		return err
	}
	if value, ok := valueOf(trimmed); ok && names > 0 {
		return diagnoseWithin(value, names-1)
	}
	return diagnoseWord(trimmed)
}

// valueOf returns the value of an assignment, as in an environment file, or the
// data of a data URL (RFC 2397).
func valueOf(text string) (string, bool) {
	if _, data, ok := strings.Cut(text, ";base64,"); ok && strings.HasPrefix(text, "data:") {
		return data, true
	}
	name, value, ok := strings.Cut(strings.TrimPrefix(text, "export "), "=")
	ok = ok && name != "" && len(name) <= 64 && isName(name, "_") && strings.ToUpper(name) == name
	return value, ok && strings.Trim(value, "=") != ""
}

// isMemberPEM reports PEM text that is a member of a JSON object within other
// text, or of a service account in any notation. Reading the PEM alone would
// lose the id beside it. text is no plain object.
func isMemberPEM(text string) bool {
	before, _, ok := strings.Cut(text, armourBegin)
	if !ok {
		return false
	}
	member := strings.TrimRight(before, `\"'`)
	value := strings.HasSuffix(strings.TrimRightFunc(member, printable.IsBlank), ":")
	return strings.Contains(text, "private_key_id") || member != before && value && strings.Contains(before, "{")
}

// wrappedJSON says what is around a JSON key.
func wrappedJSON(text string) error {
	trimmed := strings.TrimFunc(text, printable.IsBlank)
	switch {
	case isURLEncoded(trimmed):
		return urlEncoded()
	case strings.HasPrefix(trimmed, "["):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON array", Hint: "give the one object in it; several JWKs go into a JWKS: an object whose member keys is the array"}
	case isJSON(trimQuotes(text)), strings.HasPrefix(trimmed, `"`):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key inside of quotes", Hint: "give the object itself, without quotes around it and backslashes in it"}
	}
	return &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key with other text around it", Hint: "give the JSON object alone, as the provider wrote it: from its { to its }"}
}

// isUTF16 reports ASCII text in UTF-16: every other byte is zero.
func isUTF16(text string) bool {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "\xff\xfe"), "\xfe\xff")
	text = text[:min(len(text), 64)]
	if len(text) < 8 {
		return false
	}
	for i := range len(text) - 1 {
		if (text[i] == 0) == (text[i+1] == 0) {
			return false
		}
	}
	return true
}

// isURLEncoded reports percent-encoded PEM or JSON.
func isURLEncoded(text string) bool {
	upper := strings.ToUpper(text)
	return strings.HasPrefix(upper, "%2D%2D") || strings.HasPrefix(upper, "%7B")
}

// diagnoseEncoded says which key is in base64 once more; nil for other text.
func diagnoseEncoded(text string) error {
	inner, ok := anyBase64(text)
	if !ok {
		return nil
	}
	switch {
	case isBERPKCS12(inner):
		return foundPKCS12()
	case isKeyStore(inner):
		return foundJKS()
	case isJSON(string(inner)) && beginsWithJSON(string(inner)), isMemberPEM(string(inner)): // there may be pem in it
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a JSON key that is base64-encoded", Hint: "decode it first: base64 -d"}
	case isArmoured(string(inner)):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is PEM text that is base64-encoded again", Hint: "decode it first: base64 -d"}
	}
	return nil
}

// diagnoseWord says what text without the mark of a format is.
func diagnoseWord(text string) error {
	switch {
	case isTemplate(text):
		return unresolved()
	case isMask(text):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a mask in place of a key", Hint: "give the key itself, not what a log or a page shows of it"}
	case isNothing(text):
		return &fault.Error{Reason: ErrUnreadable, Found: "this is a word for no value, such as null", Hint: "check the expression that should give the key: it gave none"}
	case strings.HasPrefix(text, "$ANSIBLE_VAULT;"), strings.HasPrefix(text, "ENC["):
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is a text that ansible-vault or sops encrypted",
			Hint: "decrypt it where it is deployed: ansible-vault decrypt, or sops decrypt",
		}
	case strings.Contains(text, "rivate-Key: ("):
		return &fault.Error{
			Reason: ErrUnreadable, Found: "these are the numbers of a key as openssl prints them",
			Hint:  "give the key itself: openssl pkey -in key.pem",
			Cause: VerifierHint("give the key itself: openssl pkey -pubin -pubout -in key.pem"),
		}
	case isStoreURI(text):
		return &fault.Error{
			Reason: ErrUnreadable, Found: "this looks like the address of a key in a store",
			Hint: "give the key itself; stores are for the operator to configure",
		}
	case strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://"):
		return &fault.Error{Reason: ErrUnreadable, Found: "this looks like a web address", Hint: "give the key itself"}
	case isPath(text):
		return &fault.Error{Reason: ErrUnreadable, Found: "this looks like the path of a file", Hint: "give the content of the file, not its name"}
	}
	return &fault.Error{
		Reason: ErrUnreadable, Found: "this is text that is no key in any known form",
		Hint:  "give a private key in PEM or JWK form" + secretHint,
		Cause: givePublic + secretHint,
	}
}

const secretHint = "; an HMAC secret needs " + fault.Encoding

// trimQuotes removes white space, a byte order mark and quotes around a text,
// and the backslashes of quotes within quotes.
func trimQuotes(text string) string {
	trimmed := strings.TrimFunc(text, printable.IsBlank)
	trimmed = strings.TrimFunc(strings.Trim(trimmed, `"'`), printable.IsBlank)
	if strings.HasPrefix(trimmed, `{\`) || strings.HasPrefix(trimmed, `[\`) || strings.HasPrefix(trimmed, `{"`) {
		trimmed = strings.ReplaceAll(trimmed, `\"`, `"`)
	}
	return trimmed
}

// anyBase64 decodes text that is base64 only, in either alphabet, on one line
// or several.
func anyBase64(text string) ([]byte, bool) {
	text = strings.Trim(printable.Squeeze(unescape(text)), `"'`)
	return decodeBase64(strings.NewReplacer("-", "+", "_", "/").Replace(text))
}

func isPuTTY(text string) bool { return strings.HasPrefix(text, "PuTTY-User-Key-File-") }

func isSSHPublic(text string) bool {
	for _, prefix := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "---- BEGIN SSH2 PUBLIC"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// isKeyStore reports Java's JKS and JCEKS by their magic numbers.
func isKeyStore(data []byte) bool {
	return strings.HasPrefix(string(data), "\xfe\xed\xfe\xed") || strings.HasPrefix(string(data), "\xce\xce\xce\xce")
}

func foundXML(text string) error {
	if strings.Contains(text, "<RSAKeyValue>") {
		return &fault.Error{
			Reason: ErrUnsupported, Found: "this is an RSA key in XML",
			Hint: "write it as PEM: .NET does so with ExportPkcs8PrivateKeyPem",
		}
	}
	return noKey("this is an XML or HTML text")
}

// isCompact reports a JOSE compact serialisation: its header begins with {".
func isCompact(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Contains(text, ".")
}

func diagnoseCompact(text string) error {
	if strings.Count(text, ".") == 4 {
		return foundJWE()
	}
	return noKey("this is a token instead of a key")
}

// isTemplate reports text that is one expression of a template language:
// ${a.b}, {{ .a }}, $(a), <% a %>, #{a}, $A.
func isTemplate(text string) bool {
	const maxTemplate = 256
	text = strings.TrimSpace(text)
	if len(text) > maxTemplate {
		return false
	}
	for _, mark := range [][2]string{{"${", "}"}, {"{{", "}}"}, {"$(", ")"}, {"<%", "%>"}, {"#{", "}"}} {
		inner, begins := strings.CutPrefix(text, mark[0])
		inner, ends := strings.CutSuffix(inner, mark[1])
		if begins && ends {
			return isName(inner, "_.-:/|=[]'\" ")
		}
	}
	name, ok := strings.CutPrefix(text, "$")
	return ok && name != "" && isName(name, "_")
}

func unresolved() error {
	return &fault.Error{
		Reason: ErrUnreadable, Found: "this is an expression that was not resolved",
		Hint: "check the name in it; a workflow writes a secret as ${workflow.secrets.NAME}",
	}
}

// isName reports whether text has only letters, digits and the characters of
// also.
func isName(text, also string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(also, r)
	})
}

// isMask reports what logs and pages show in place of a secret.
func isMask(text string) bool {
	inner := strings.Trim(text, "[]<>()*•")
	if inner == text {
		return false
	}
	switch strings.ToLower(inner) {
	case "", "redacted", "masked", "hidden", "secret", "sensitive", "filtered":
		return true
	}
	return false
}

func isNothing(text string) bool {
	switch text {
	case "null", "undefined", "None", "nil", "NaN", "false":
		return true
	}
	return false
}

// isStoreURI reports the URI of a key store.
func isStoreURI(text string) bool {
	scheme, _, ok := strings.Cut(text, ":")
	if !ok {
		return false
	}
	switch scheme {
	case "env", "dir", "conductor", "vault-kv", "vault-transit", "hashivault", "openbao", "gcpkms", "cloudkms", "awskms", "azurekms", "pkcs11":
		return true
	}
	return false
}

// isPath guesses whether text is the name of a file: it has a known extension,
// or begins like a path.
func isPath(text string) bool {
	const maxPath = 512
	if len(text) > maxPath || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\t") {
		return false
	}
	if _, ok := anyBase64(text); ok && len(text) >= 64 {
		return false
	}
	lower := strings.ToLower(text)
	for _, end := range []string{".pem", ".key", ".json", ".jwk", ".jwks", ".p8", ".p12", ".pfx", ".der", ".ppk", ".jks", ".crt", ".cer", ".txt"} {
		if strings.HasSuffix(lower, end) {
			return true
		}
	}
	for _, begin := range []string{"/", "./", "../", "~/", `.\`, `\\`, "file:"} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return len(text) > 2 && text[1] == ':' && (text[2] == '\\' || text[2] == '/')
}
