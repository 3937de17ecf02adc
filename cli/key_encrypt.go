package cli

import (
	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/secret"
)

// newPassword returns the password of a new key: fromFile, the content of
// --password-file, or one that is typed twice. The prompt names the file of the key.
func newPassword(env Env, passwordFile string, fromFile secret.Text, name string) (secret.Text, error) {
	switch {
	case !fromFile.IsZero():
		return fromFile, nil
	case passwordFile != "":
		return secret.Text{}, usage("write the new key's password into it", "%s: the password is empty", printable.Name(passwordFile))
	}
	password, ok := promptPassword(env, "Please enter the password to encrypt "+printable.Name(name)+": ")
	if !ok {
		return secret.Text{}, usage("give its file with --password-file", "--encrypt needs a password")
	}
	again, _ := promptPassword(env, "Please enter the password again: ")
	if again.Reveal() != password.Reveal() {
		return secret.Text{}, usage("type the same password twice", "the passwords differ")
	}
	return password, nil
}
