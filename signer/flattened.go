package signer

// Flattened turns a JWS in Flattened JSON Serialization (RFC 7515 §7.2.2),
// which step's verify and inspect take too, into its compact form. An
// unprotected header has no place there and is refused; other members are
// passed over, as §7.2.1 demands.
func Flattened(text []byte) (string, error) {
	o, err := ParseObject(text, Limits{Bytes: MaxToken})
	if err != nil {
		return "", err
	}
	parts := make([]string, 0, 3)
	for _, name := range []string{"protected", "payload", "signature"} {
		part, ok := o.Text(name)
		if !ok {
			return "", &Error{Reason: ErrFormat, Field: name, Found: "no string member of that name", Hint: "give the token in compact form"}
		}
		parts = append(parts, part)
	}
	if o.Has("header") {
		return "", &Error{Reason: ErrFormat, Field: "header", Found: "an unprotected header", Hint: "nothing vouches for it; give the token in compact form"}
	}
	return parts[0] + "." + parts[1] + "." + parts[2], nil
}
