// Package nearest finds the name that was probably meant.
package nearest

import "strings"

// Of returns the name that was probably meant: the one that differs from
// name in case, in - and _, or by at most two letters (one in a short name).
// It returns "" where none is that near.
func Of(name string, names []string) string { return Within(name, names, bound(name)) }

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

func bound(name string) int {
	if len(name) < 5 {
		return 1
	}
	return 2
}

// Fold drops what people vary: case, - and _.
func Fold(name string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
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
