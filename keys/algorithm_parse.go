package keys

import (
	"fmt"
	"strings"
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
		return "", &Error{Reason: ErrAlgorithmUnknown, Found: "the algorithm none, an unsigned token", Hint: "use one of " + list(Algorithms())}
	}
	found := fmt.Sprintf("an unknown algorithm name of %d characters", len(name))
	if near, ok := nearest(name); ok {
		return "", &Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: fmt.Sprintf("did you mean %s? names are matched exactly", near)}
	}
	return "", &Error{Reason: ErrAlgorithmUnknown, Found: found, Hint: "use one of " + list(Algorithms())}
}

// nearest finds the algorithm whose name differs least, in case, separators or
// at most two letters.
func nearest(name string) (Algorithm, bool) {
	const most = 2
	if len(name) > 16 {
		return "", false
	}
	plain, best, distance := fold(name), Algorithm(""), most+1
	for _, a := range Algorithms() {
		if d := editDistance(plain, fold(string(a))); d < distance {
			best, distance = a, d
		}
	}
	return best, best != "" && distance < len(plain)
}

// fold drops what people vary: case, space and separators.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '\t', '\n':
			return -1
		}
		return r
	}, strings.ToUpper(name))
}

// editDistance counts the letters to insert, delete or replace (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
