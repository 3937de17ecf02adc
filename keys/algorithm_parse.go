package keys

import (
	"fmt"
	"strings"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/nearest"
)

// ParseAlgorithm reads an algorithm's exact name. It fails with
// [ErrAlgorithmUnknown] for any other text, none in every spelling included
// (RFC 8725 §3.1, §3.2), and hints at the nearest name there is.
func ParseAlgorithm(name string) (Algorithm, error) {
	for _, a := range Algorithms() {
		if name == string(a) {
			return a, nil
		}
	}
	if strings.EqualFold(strings.TrimSpace(name), "none") {
		return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: "the algorithm none, an unsigned token", Hint: "use one of " + list(Algorithms())}
	}
	found := fmt.Sprintf("an unknown algorithm name of %d characters", len(name))
	if near, ok := meant(name); ok {
		return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: fmt.Sprintf("did you mean %s? names are matched exactly", near)}
	}
	return "", &fault.Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: "use one of " + list(Algorithms())}
}

// meant finds the algorithm whose name differs least, in case, separators or
// at most two letters.
func meant(name string) (Algorithm, bool) {
	if len(name) > 16 {
		return "", false
	}
	near := nearest.Within(strings.Join(strings.Fields(name), ""), Algorithms(), 2)
	return near, near != ""
}
