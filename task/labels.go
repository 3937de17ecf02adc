package task

import "conductor-jwt/keys"

// Algorithms is the closed set of [Outcome].Algorithm.
func Algorithms() []string {
	var names []string
	for _, a := range keys.Algorithms() {
		names = append(names, string(a))
	}
	return names
}

// KeyKinds is the closed set of [Outcome].KeyKind.
func KeyKinds() []string {
	var names []string
	for _, k := range keys.Kinds() {
		names = append(names, string(k))
	}
	return names
}
