// Package nearest finds the name that was probably meant.
package nearest

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Of returns the name that was probably meant: the one that differs from
// name in case, in - and _, or by at most two letters (one in a short name, or
// two that are swapped). It returns "" where none is that near, and several
// names with "or" between them where name holds words of each: tls_cert is no
// nearer to tls_ca_cert than to tls_client_cert.
func Of(name string, names []string) string {
	near := Within(name, names, bound(name))
	if near == "" {
		near = swapped(name, names)
	}
	if near == "" || Fold(near) == Fold(name) {
		return near
	}
	if alike := Holding(name, names); slices.Contains(alike, near) {
		return strings.Join(alike, " or ")
	}
	return near
}

// Holding returns the names that have every word of name, in the same order:
// tls_ca_cert for tls_ca.
func Holding(name string, names []string) []string {
	var found []string
	for _, n := range names {
		if holdsWords(n, name) {
			found = append(found, n)
		}
	}
	return found
}

// swapped finds the name that has two neighbouring letters the other way round.
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

// holdsWords reports whether a name has every word of part, in their order.
func holdsWords(name, part string) bool {
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

// Within is [Of] for at most so many letters.
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

// Part returns the shortest name that name is a part of, or that is a part of
// name; a part has at least three letters. It returns "" where there is none.
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

// bound is how many letters may differ: in a name of one or two, every other
// short name would be near.
func bound(name string) int {
	switch letters := utf8.RuneCountInString(name); {
	case letters < 3:
		return 0
	case letters < 5:
		return 1
	}
	return 2
}

// Fold drops what people vary: case, - and _.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// distance is Levenshtein's, or most where it is not less than that.
func distance(x, y string, most int) int {
	a, b := []rune(x), []rune(y)
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
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
	return min(row[len(b)], most)
}
