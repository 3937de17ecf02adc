package decode

import (
	"context"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
)

// serviceAccount is the type of Google's service account files, the only
// credential file of theirs that holds a private key.
const serviceAccount = "service_account"

// readServiceAccount reads the key of a Google service account file: PEM in
// private_key, its id in private_key_id.
func readServiceAccount(ctx context.Context, m members, password secret.Text) (Key, error) {
	if err := checkAccountType(m); err != nil {
		return Key{}, err
	}
	text, ok, err := m.text("private_key")
	if err != nil {
		return Key{}, err
	}
	if !ok || text == "" {
		return Key{}, &fault.Error{
			Reason: ErrUnreadable, Found: "a service account file without private_key",
			Hint: "create a new key for the service account and give its file",
		}
	}
	id, _, err := m.text("private_key_id")
	if err != nil {
		return Key{}, err
	}
	k, err := readText(ctx, text, password)
	if err != nil {
		return Key{}, err
	}
	k.ID = id
	k.Account, _, err = m.text("client_email")
	return k, err
}

func checkAccountType(m members) error {
	kind, ok, err := m.text("type")
	if err != nil {
		return err
	}
	if ok && kind == serviceAccount {
		return nil
	}
	if m.has("private_key") {
		return &fault.Error{
			Reason: ErrUnsupported, Found: "a json object with private_key that is no service account file",
			Hint: "give the text of private_key alone, or a file whose type is service_account",
		}
	}
	return &fault.Error{
		Reason: ErrUnsupported, Found: "a credential file that is no service account's",
		Hint: "give a file whose type is service_account: only that one holds a private key",
	}
}
