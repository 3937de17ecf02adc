package task

import (
	"fmt"
	"strings"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// source says which key the task asks for.
func (g *given) source(d Delivery) (keys.Ref, error) {
	var ref keys.Ref
	id, err := g.text(inPrivateKeyID)
	if err != nil {
		return ref, err
	}
	ref.KeyID = id
	if g.has(inKeyRef) {
		return g.configured(ref, d)
	}
	if !g.has(inPrivateKey) {
		return ref, g.missingKey()
	}
	return g.inline(ref)
}

// configured names a key of the operator's; nothing else may then say which
// key it is.
func (g *given) configured(ref keys.Ref, d Delivery) (keys.Ref, error) {
	for _, name := range []string{inPrivateKey, inPrivateKeyPassword, inSecretEncoding} {
		if g.has(name) {
			return ref, refuse(ErrInputConflict, inKeyRef, "it is given beside "+name, "leave one of the two out")
		}
	}
	ref.Name, ref.Delivered = g.values[inKeyRef].text, d.Delivered
	return ref, nil
}

// inline is the key that came along. Its size is looked at before anything in
// it is decoded.
func (g *given) inline(ref keys.Ref) (keys.Ref, error) {
	n := g.values[inPrivateKey]
	text := n.text
	if n.kind == kindObject {
		text = string(n.raw)
	}
	if len(text) > maxKeyText {
		return ref, tooLarge(inPrivateKey, fmt.Sprintf("%d bytes", len(text)), fmt.Sprintf("a key has at most %d bytes; give the key alone", maxKeyText))
	}
	ref.Text = secret.New(text)
	password := g.values[inPrivateKeyPassword].text
	if len(password) > maxText {
		return ref, tooLarge(inPrivateKeyPassword, fmt.Sprintf("%d bytes", len(password)), fmt.Sprintf("write at most %d bytes", maxText))
	}
	ref.Password = secret.New(password)
	encoding, err := g.choice(inSecretEncoding, "", string(keys.EncodingRaw), string(keys.EncodingBase64), string(keys.EncodingBase64URL), string(keys.EncodingHex))
	ref.Encoding = keys.Encoding(encoding)
	return ref, err
}

// The beginnings of a secret's expression, and of the one that is a common
// typing error for it.
const (
	secretPath = "workflow.secrets."
	wrongPath  = "workflow.secret."
)

// missingKey says why there is no key: a secret that the server does not
// have, or an input that nobody filled in.
func (g *given) missingKey() error {
	templates := g.templates.all(inPrivateKey)
	for _, t := range templates {
		if t.kind == kindString && strings.Contains(t.text, "${"+wrongPath) {
			return refuse(ErrSecretMissing, inPrivateKey, quoted(t.text)+" resolved to nothing", "write "+secretMark+"NAME}, in the plural")
		}
		if t.kind == kindString && strings.Contains(t.text, secretMark) {
			return refuse(ErrSecretMissing, inPrivateKey, quoted(t.text)+" resolved to nothing", howToDefine(t.text))
		}
	}
	found := "no key was given"
	if len(templates) > 0 && templates[0].kind == kindString && quotable(templates[0].text) {
		found = templates[0].text + " resolved to nothing"
	}
	return refuse(ErrInputMissing, inPrivateKey, found, "set it to a private key, best as ${"+secretPath+"NAME}")
}

func quoted(template string) string {
	if quotable(template) {
		return template
	}
	return "an expression of a secret"
}

// howToDefine says how a secret comes to be on the server, which reads it
// from its environment under its exact name.
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
		hint += "; what follows the first dot (" + path + ") is a path into that secret's json, so a name cannot hold a dot"
	}
	return hint + "; an empty one counts as missing"
}

// secretName gives the secret that a quotable template names. What follows
// the first dot is a path into its value.
func secretName(template string) (name, path string, dotted bool) {
	if !quotable(template) || !strings.HasPrefix(template, secretMark) {
		return "", "", false
	}
	reference := strings.TrimSuffix(strings.TrimPrefix(template, secretMark), "}")
	return strings.Cut(reference, ".")
}
