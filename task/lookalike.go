package task

import (
	"slices"
	"strings"
	"unicode"

	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/signer"
)

// checkLookalikes refuses claims and header members that a verifier may take
// for one that a grant decides about. Names are exact (RFC 7519 §4, RFC 8259
// §8.3), but many parsers are not: encoding/json and Jackson ignore case, some
// also _ and -, and the last member wins.
func checkLookalikes(q *signer.Request) error {
	claims := []string{"iss", "sub", "aud", "exp", "nbf", claimIAT, claimJTI, claimScope, claimSCP}
	headers := append(reservedHeaders(), "typ", "cty", "iss", "sub", "aud")
	for _, row := range []struct {
		input   string
		object  *jsonobj.Object
		decided []string
	}{{inClaims, &q.Claims, claims}, {inHeaders, &q.Header, headers}} {
		for m := range row.object.Members() {
			if name := alike(m.Name, row.decided); name != "" {
				return refuse(ErrPolicyDenied, row.input, "a member that some verifiers take for "+name+": it differs only in case, in _ and -, or in white space",
					"remove it, or give it another name")
			}
		}
	}
	return nil
}

// alike gives the one of the names that a name could be taken for without
// being it; empty where there is none.
func alike(name string, names []string) string {
	if slices.Contains(names, name) {
		return ""
	}
	folded := foldName(name)
	for _, n := range names {
		if foldName(n) == folded {
			return n
		}
	}
	return ""
}

// foldName drops what parsers drop from names: _, -, white space and
// invisible characters. The rest is mapped to upper and then to lower
// case, as Java's equalsIgnoreCase does, so that the dotless and the dotted i,
// the long s and the Kelvin sign become ASCII. A sharp s is two letters in
// upper case (Unicode, SpecialCasing.txt). Parsers in C end a name at its first
// zero character.
func foldName(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	name = strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) || glob.Hidden(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, name)
	return strings.NewReplacer("\u00df", "ss", "\u1e9e", "ss").Replace(name)
}
