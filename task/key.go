package task

import (
	"cmp"
	"encoding/json/jsontext"
	"fmt"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/policy"
)

// keyReference returns the reference to the key that the task asks for: a key in the
// task, a configured one, or the one that its profile names.
func (v *inputValues) keyReference(t api.Task, profiled string) (keys.Ref, error) {
	var ref keys.Ref
	id, err := v.text(inPrivateKeyID)
	if err != nil {
		return ref, err
	}
	ref.KeyID = id
	switch {
	case profiled != "":
		return v.configuredKey(ref, t, inProfile, profiled)
	case v.has(inKeyRef):
		return v.configuredKey(ref, t, inKeyRef, v.values[inKeyRef].Text)
	}
	if !v.has(inPrivateKey) {
		return ref, v.missingKey()
	}
	return v.inlineKey(ref)
}

// configuredKey returns the reference to a configured key. No other input may then
// say which key to use.
func (v *inputValues) configuredKey(ref keys.Ref, t api.Task, field, key string) (keys.Ref, error) {
	for _, name := range []string{inPrivateKey, inPrivateKeyPassword, inSecretEncoding, inKeyRef} {
		if v.has(name) && name != field {
			return ref, refuse(errInputConflict, field, "it names the key, and so does "+name, "leave one of the two out")
		}
	}
	if v.has(inCertificate) {
		return ref, refuse(errInputConflict, inCertificate, "the certificates of a configured key come from its source alone",
			"leave it out, and have the operator put the certificates beside the key")
	}
	ref.Name, ref.Delivered = key, t.RuntimeMetadata
	return ref, nil
}

// inlineKey returns the reference to the key in the task. Its size is checked
// before anything in it is decoded.
func (v *inputValues) inlineKey(ref keys.Ref) (keys.Ref, error) {
	n := v.values[inPrivateKey]
	text := n.Text
	if n.Kind == jsontext.KindBeginObject {
		text = string(n.Raw)
	}
	if len(text) > maxKeyText {
		return ref, tooLarge(inPrivateKey, fmt.Sprintf("this has %d bytes", len(text)), fmt.Sprintf("a key has at most %d bytes; give the key alone", maxKeyText))
	}
	ref.Text = secret.New(text)
	password := v.values[inPrivateKeyPassword].Text
	if len(password) > maxText {
		return ref, tooLarge(inPrivateKeyPassword, fmt.Sprintf("this has %d bytes", len(password)), fmt.Sprintf("write at most %d bytes", maxText))
	}
	ref.Password = secret.New(password)
	encoding, err := v.choice(inSecretEncoding, "", string(keys.EncodingRaw), string(keys.EncodingBase64), string(keys.EncodingBase64URL), string(keys.EncodingHex))
	ref.Encoding = keys.Encoding(encoding)
	return ref, err
}

// missingKey returns the error of a task without a key: keyRef, the profile or a
// secret resolved to nothing, or the input was left empty.
func (v *inputValues) missingKey() error {
	if err := cmp.Or(v.checkResolved(inKeyRef), v.checkResolved(inProfile)); err != nil {
		return err
	}
	templates := v.templates.all(inPrivateKey)
	for _, t := range templates {
		switch {
		case strings.Contains(t.Text, secretMark):
			return refuse(errSecretMissing, inPrivateKey, quoted(t.Text)+" resolved to nothing", howToDefine(t.Text))
		case meansSecret(t.Text):
			return refuse(errSecretMissing, inPrivateKey, quoted(t.Text)+" resolved to nothing", "write "+secretMark+"NAME}, in the plural, in lower case and without spaces")
		}
	}
	found := "no key was given"
	if len(templates) > 0 && quotable(templates[0].Text) {
		found = templates[0].Text + " resolved to nothing"
	}
	return refuse(errInputMissing, inPrivateKey, found, "set it to a private key, best as "+secretMark+"NAME}")
}

// meansSecret reports whether a template has an expression that looks like a
// secret's, and that the server reads as a path in the workflow.
func meansSecret(template string) bool {
	for _, s := range segments(template) {
		path := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(s.text, "${"), " \t\r\n"))
		if s.expression && strings.HasPrefix(path, "workflow.secret") {
			return true
		}
	}
	return false
}

func quoted(template string) string {
	if quotable(template) {
		return template
	}
	return "an expression of a secret"
}

// howToDefine returns the hint that says how to define a secret. The server reads
// secrets from its environment by their exact names.
func howToDefine(template string) string {
	name, path, dotted := secretName(template)
	if name == "" {
		return "define the secret on the server"
	}
	variable := "CONDUCTOR_SECRET_" + name
	hint := "define it on the server as environment variable " + variable
	if strings.ContainsAny(name, "-") {
		hint += " (a shell cannot set a name with -: use env or a properties file, or the java option -D" + variable + "=…, or rename it with _)"
	}
	if dotted {
		hint += "; what follows the first dot (" + path + ") is a path into that secret's JSON, so a name cannot hold a dot"
	}
	return hint + "; an empty one counts as missing"
}

// secretName returns the secret that a template names: ${workflow.secrets.NAME}
// and nothing else, NAME of [A-Za-z0-9_.-], so that no expression can stand in
// it. The part after the first dot is a path into the secret's value.
func secretName(template string) (name, path string, dotted bool) {
	reference, begun := strings.CutPrefix(template, secretMark)
	reference, ended := strings.CutSuffix(reference, "}")
	if !quotable(template) || !begun || !ended || strings.Trim(reference, policy.SecretNameCharacters) != "" {
		return "", "", false
	}
	return strings.Cut(reference, ".")
}

// checkExposure refuses an input that would write key material into the token,
// which the server stores in clear.
func (v *inputValues) checkExposure(secrets exposure.Secrets) error {
	for _, in := range v.table {
		value, ok := v.values[in.Name]
		if in.Signed && ok && exposes(secrets, value) {
			return exposed(in.Name)
		}
	}
	return nil
}

func exposed(field string) error {
	found := "it holds the key, its password or another private key, which the token would show to everybody"
	if field == inParameters || field == inTokenURL {
		found = "it holds the key, its password, another private key or a secret parameter, which would be sent to the provider"
	}
	return refuse(errSecretInClaim, field, found,
		"find out who put it into the workflow's data, and replace that secret")
}

// exposes reports whether a value holds key material: in its JSON, because a
// claim can hold a private JWK, or in its texts joined together, because a list
// can hold a key in pieces.
func exposes(secrets exposure.Secrets, value jsonobj.Value) bool {
	var texts strings.Builder
	value.Walk(func(text string) {
		// White space in a key's text is ignored, and separates words.
		texts.WriteString(text)
		texts.WriteByte('\n')
	})
	if secrets.In(texts.String()) {
		return true
	}
	return len(value.Items) > 0 && secrets.In(string(value.Raw))
}

// secretsOfKey returns the secrets that the templates of privateKey name, each
// with the path into it; nil where a template is, or may be, anything other than
// exactly one secret.
func (v *inputValues) secretsOfKey() []string {
	if v.templates.unread {
		return nil
	}
	var names []string
	for _, t := range v.templates.all(inPrivateKey) {
		name, path, dotted := secretName(t.Text)
		if t.Kind != jsontext.KindString || name == "" {
			return nil
		}
		if dotted {
			name += "." + path
		}
		names = append(names, name)
	}
	return names
}
