package keys

import (
	"slices"
	"strings"
)

// holdsMark finds what gives a private key away whosever it is: armour, or a
// JWK with a private member.
func holdsMark(text string) bool {
	if !strings.Contains(text, "kty") && !strings.Contains(text, "BEGIN") && !strings.Contains(text, "PuTTY") {
		return false
	}
	plain := squeeze(text)
	return holdsArmour(plain) || holdsPrivateJWK(plain)
}

// holdsArmour finds the begin line of a private key in text without white
// space, or the one of PuTTY's files.
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

// privateMembers are those of a JWK that hold private numbers (RFC 7518 §6,
// RFC 9964 §5).
func privateMembers() []string { return []string{"d", "p", "q", "dp", "dq", "qi", "k", "priv"} }

// holdsPrivateJWK finds an object that has kty and a private member, with
// whatever objects between the two. It needs no valid JSON: the object may
// stand in the middle of a text, or in a string.
func holdsPrivateJWK(plain string) bool {
	type object struct{ typed, private bool }
	names := privateMembers()
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

// memberAt reads the name of a member at the beginning of text and whether its
// value is a string; the name is empty where there is none, or a long one.
func memberAt(text string) (name string, isText bool) {
	const longest = len("priv")
	name, rest, ok := strings.Cut(text[1:min(len(text), longest+4)], `":`)
	if !ok {
		return "", false
	}
	return name, strings.HasPrefix(rest, `"`)
}
