package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"conductor-jwt/signer"
)

// isKeySet reports whether text is a plain JWK Set (RFC 7517 §5).
func isKeySet(text []byte) bool {
	o, err := signer.ParseObject(text, signer.Limits{Bytes: maxKeyFile})
	return err == nil && o.Has("keys") && !o.Has("kty")
}

// checkKeySet refuses a file that is no JWK Set, and a key id that is not in
// it, before any of its keys is read: package keys would take a set of one
// nameless key for the one that is meant.
func checkKeySet(file keyFile, kid string) error {
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
	if set.Has("ciphertext") {
		return nil
	}
	if !set.Has("keys") {
		return usage("a single JWK goes with --key", "%s: not a JWK Set", shown(file.name))
	}
	if kid == "" {
		return nil
	}
	ids := keyIDs(&set)
	if slices.Contains(ids, kid) {
		return nil
	}
	return withHint(fmt.Errorf("%s: no key with the id of --kid among its %s", shown(file.name), plural(len(ids), "key")), idsHint(ids))
}

// keysOf gives the keys of a set, each as it is.
func keysOf(set *signer.Object) (elements []json.RawMessage, ok bool) {
	raw, _ := set.Get("keys")
	return elements, json.Unmarshal(raw, &elements) == nil
}

// keyIDs gives the kid of each key, empty where it has none.
func keyIDs(set *signer.Object) []string {
	elements, _ := keysOf(set)
	ids := make([]string, len(elements))
	for i, e := range elements {
		if o, err := signer.ParseObject(e, signer.Limits{}); err == nil {
			ids[i], _ = o.Text("kid")
		}
	}
	return ids
}

func idsHint(ids []string) string {
	const most = 10
	var named []string
	for _, id := range ids {
		if id != "" && len(named) < most {
			named = append(named, quoteName(id))
		}
	}
	if len(named) == 0 {
		return "none of them has an id"
	}
	return "it has " + strings.Join(named, ", ")
}
