// Package signer turns claims and a key into a signed JWT, and reads one back
// strictly. It keeps members in the order and numbers in the digits in which
// they came; it has no clock and no state.
package signer

import (
	"encoding/json"
)

// Member is one name and its JSON value.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Object is a JSON object whose members keep their order. Names are unique:
// to set one again replaces its value where it stands. The zero Object is {}.
type Object struct {
	members []Member
}
