package profile

import (
	"slices"
	"strings"
)

// like reports whether text fits a pattern, in which * stands for any text
// that is not empty.
func like(pattern, text string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	after, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	for i := 1; i <= len(after); i++ {
		if like(rest, after[i:]) {
			return true
		}
	}
	return false
}

func likeAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return like(p, text) })
}

// likes lists patterns for a message.
func likes(patterns []string) string { return oneOf(strings.Join(patterns, ", ")) }
