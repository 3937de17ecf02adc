package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"conductor-jwt/keys"
	"conductor-jwt/signer"
)

// isKeySet reports whether text is a plain JWK Set (RFC 7517 §5).
func isKeySet(text []byte) bool {
	o, err := signer.ParseObject(text, signer.Limits{Bytes: maxKeyFile})
	return err == nil && o.Has("keys") && !o.Has("kty")
}

// checkKeySet refuses a file that is no JWK Set. Which of its keys is meant is
// decided by package keys.
func checkKeySet(file keyFile) error {
	if file.form != formJOSE {
		return usage("a PEM or DER file goes with --key", "%s: not a JWK Set", shown(file.name))
	}
	if isCompactJWE(file.text) {
		return nil
	}
	set, err := signer.ParseObject(file.text, signer.Limits{Bytes: maxKeyFile})
	if err != nil {
		return signerError(shown(file.name), err)
	}
	if !set.Has("keys") && !set.Has("ciphertext") {
		return usage("a single JWK, or public keys under their ids, go with --key", "%s: not a JWK Set", shown(file.name))
	}
	return nil
}

// setError says which keys a JWK Set has, where none or several of them may be
// meant; e is what package keys found. On the command line the ids may be
// shown: whoever reads them holds the file.
func (file keyFile) setError(e *keys.Error) error {
	choice, ok := errors.AsType[*keys.SetError](e)
	if !ok {
		return nil
	}
	if choice.Unknown {
		return withHint(fmt.Errorf("%s: no key with %s %s", shown(file.name), cmp.Or(file.idFrom, "the id of --kid"), quoteName(file.ref.KeyID)),
			idsHint(choice.KeyIDs))
	}
	hint := "give each key a kid of its own"
	switch {
	case len(choice.KeyIDs) > 1:
		hint = cmp.Or(file.choose, setKid) + "; " + idsHint(choice.KeyIDs)
	case file.choose != "":
		hint = "put the one that is meant into a file of its own"
	case file.ref.Algorithm == "":
		hint = "set --alg, or give each key a kid of its own"
	}
	return withHint(fmt.Errorf("%s: %s", shown(file.name), inFlags(e.Found)), hint)
}

const setKid = "set --kid"

// keysOf gives the keys of a set, each as it is.
func keysOf(set *signer.Object) (elements []json.RawMessage, ok bool) {
	raw, _ := set.Get("keys")
	return elements, json.Unmarshal(raw, &elements) == nil
}

func idsHint(ids []string) string {
	const most = 10
	if len(ids) == 0 {
		return "none of its keys has a kid"
	}
	named := make([]string, 0, most)
	for _, id := range ids[:min(most, len(ids))] {
		named = append(named, quoteName(id))
	}
	hint := "it has " + strings.Join(named, ", ")
	if more := len(ids) - most; more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	return hint
}
