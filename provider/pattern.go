package provider

import (
	"slices"
	"strings"
)

// like reports whether text fits a pattern, in which * stands for any text
// that is not empty and has no slash, and ** for any that is not empty.
func like(pattern, text string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	after, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	rest, any := strings.CutPrefix(rest, "*")
	for i := 1; i <= len(after) && (any || after[i-1] != '/'); i++ {
		if like(rest, after[i:]) {
			return true
		}
	}
	return false
}

func likeAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return like(p, text) })
}

// literal reports whether each pattern is a text as it stands.
func literal(patterns []string) bool {
	return !slices.ContainsFunc(patterns, func(p string) bool { return strings.Contains(p, "*") })
}
