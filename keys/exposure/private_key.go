package exposure

import (
	"slices"
	"strings"

	"conductor-jwt/internal/printable"
)

// maxLabel is how many bytes of a begin line are looked at.
const maxLabel = 64

// holdsPrivateKey reports whether text holds any private key: the begin line of
// its armour, or a JWK with a private member.
func holdsPrivateKey(text string) bool {
	if !strings.Contains(text, "kty") && !strings.Contains(text, "BEGIN") && !strings.Contains(text, "PuTTY") {
		return false
	}
	plain := printable.Squeeze(text)
	return holdsArmour(plain) || holdsPrivateJWK(plain)
}

// holdsArmour finds the begin line of a private key, or of a PuTTY key file,
// in text without white space.
func holdsArmour(plain string) bool {
	const begin = "-BEGIN"
	if strings.Contains(plain, "PuTTY-User-Key-File-") {
		return true
	}
	for {
		i := strings.Index(plain, begin)
		if i < 0 {
			return false
		}
		plain = plain[i+len(begin):]
		if strings.Contains(plain[:min(maxLabel, len(plain))], "PRIVATEKEY") {
			return true
		}
	}
}

// PrivateMembers returns the members of a JWK that hold private numbers (RFC 7518
// §6, RFC 9964 §5).
func PrivateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "k", "priv"} }

// holdsPrivateJWK finds a JSON object with kty and a private member, in either
// order and with other objects between the two. The text need not be valid
// JSON: the object may be cut, or part of a larger text.
func holdsPrivateJWK(plain string) bool {
	type object struct{ typed, private bool }
	names := PrivateMembers()
	open := []object{{}}
	for i := range len(plain) {
		switch plain[i] {
		case '{':
			open = append(open, object{})
		case '}':
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case '"':
			top := &open[len(open)-1]
			switch name, isText := memberAt(plain[i:]); {
			case name == "kty":
				top.typed = true
			case isText && slices.Contains(names, name):
				top.private = true
			}
			if top.typed && top.private {
				return true
			}
		}
	}
	return false
}

// memberAt reads the name of a member at the beginning of text, and reports
// whether its value is a string. The name is empty where there is none, or one
// longer than those of interest.
func memberAt(text string) (name string, isText bool) {
	const longest = len(`"priv":"`)
	name, rest, ok := strings.Cut(text[1:min(len(text), longest)], `":`)
	if !ok {
		return "", false
	}
	return name, strings.HasPrefix(rest, `"`)
}
