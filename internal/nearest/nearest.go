// Package nearest finds the name that was probably meant by a misspelled one.
package nearest

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Of returns the name that is similar to name: one that differs in case, in - and _,
// by at most two letters (one in a short name), or by two swapped letters. It
// returns "" where none is similar, and several names joined by " or " where each has
// all words of name: tls_cert may be tls_ca_cert or tls_client_cert.
func Of(name string, names []string) string {
	near := Within(name, names, maxEdits(name))
	if near == "" {
		near = swapped(name, names)
	}
	if near == "" || Fold(near) == Fold(name) {
		return near
	}
	if all := WithWords(name, names); slices.Contains(all, near) {
		return strings.Join(all, " or ")
	}
	return near
}

// WithWords returns those names that have every word of name, in the same order:
// tls_ca_cert for tls_ca.
func WithWords(name string, names []string) []string {
	var found []string
	for _, n := range names {
		if hasWords(n, name) {
			found = append(found, n)
		}
	}
	return found
}

// swapped returns the name that differs in the order of two neighbouring letters.
func swapped(name string, names []string) string {
	letters := []rune(Fold(name))
	for _, n := range names {
		if len(letters) > 2 && isSwapped(letters, []rune(Fold(n))) {
			return n
		}
	}
	return ""
}

func isSwapped(a, b []rune) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
		}
	}
	return false
}

// hasWords reports whether name has every word of part, in the same order.
func hasWords(name, part string) bool {
	words := splitWords(part)
	for _, word := range splitWords(name) {
		if len(words) > 0 && words[0] == word {
			words = words[1:]
		}
	}
	return len(words) == 0
}

func splitWords(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' })
}

// Within returns the most similar name that differs by at most a number of letters,
// ignoring case, - and _. It returns "" where there is none.
func Within[S ~string](name string, names []S, letters int) S {
	var found S
	best := letters + 1
	for _, n := range names {
		if d := distance(Fold(name), Fold(string(n)), best); d < best {
			best, found = d, n
		}
	}
	return found
}

// Part returns the shortest name that contains name or is contained in it. The
// contained one has at least three letters. It returns "" where there is none.
func Part[S ~string](name string, names []S) S {
	var found S
	typed := Fold(name)
	for _, n := range names {
		folded := Fold(string(n))
		if min(len(typed), len(folded)) < 3 || !strings.Contains(folded, typed) && !strings.Contains(typed, folded) {
			continue
		}
		if found == "" || len(n) < len(found) {
			found = n
		}
	}
	return found
}

// maxEdits returns how many letters of a name may differ: every short name is
// similar to one of two letters.
func maxEdits(name string) int {
	switch letters := utf8.RuneCountInString(name); {
	case letters < 3:
		return 0
	case letters < 5:
		return 1
	}
	return 2
}

// Fold returns a name in lower case, without - and _.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// distance returns the Levenshtein distance of two names, or limit if that is less.
func distance(x, y string, limit int) int {
	a, b := []rune(x), []rune(y)
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}
