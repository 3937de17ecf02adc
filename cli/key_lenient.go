package cli

import (
	"strings"

	"conductor-jwt/signer"
)

// lenient makes a JWK, or the keys of a JWK Set, readable that step reads
// although they are not quite by the book: base64url with its padding, and
// members that are there but say nothing. Everything else is left for package keys to
// judge, as it is.
func lenient(text []byte) []byte {
	o, err := signer.ParseObject(text, signer.Limits{Bytes: maxKeyFile})
	if err != nil {
		return text
	}
	switch {
	case o.Has("kty"):
		lenientJWK(&o)
	case o.Has("keys"):
		lenientSet(&o)
	default:
		return text
	}
	return o.AppendJSON(nil)
}

func lenientSet(set *signer.Object) {
	elements, ok := keysOf(set)
	if !ok {
		return
	}
	for i, e := range elements {
		if o, err := signer.ParseObject(e, signer.Limits{}); err == nil {
			lenientJWK(&o)
			elements[i] = o.AppendJSON(nil)
		}
	}
	set.Set("keys", array(elements...))
}

func lenientJWK(o *signer.Object) {
	for _, name := range []string{"use", "alg", "kid", "key_ops", "x5c"} {
		if raw, _ := o.Get(name); saysNothing(name, string(raw)) {
			o.Delete(name)
		}
	}
	for _, name := range []string{"k", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"} {
		s, ok := o.Text(name)
		if short := strings.TrimRight(s, "="); ok && short != s && len(s)%4 == 0 && len(s)-len(short) <= 2 {
			o.String(name, short)
		}
	}
}

// saysNothing reports whether a member's value is the same as none. An empty
// key_ops is not: it permits nothing.
func saysNothing(name, value string) bool {
	switch value {
	case "null":
		return true
	case `""`:
		return name != "key_ops" && name != "x5c"
	case "[]":
		return name == "x5c"
	}
	return false
}
