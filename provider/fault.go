package provider

import (
	"fmt"
	"strings"

	"conductor-jwt/keys"
)

// Kind is the sort of a [Fault].
type Kind string

// The kinds.
const (
	Missing     Kind = "missing"     // what must be there is not
	Unwanted    Kind = "unwanted"    // what must not be there is
	Wrong       Kind = "wrong"       // it is of another type or text
	Conflict    Kind = "conflict"    // it contradicts what the operator has fixed, or what follows from the key
	Lifetime    Kind = "lifetime"    // exp
	Algorithm   Kind = "algorithm"   // alg
	Certificate Kind = "certificate" // x5t#S256
)

// Fault is one rule that a token breaks. It quotes no value.
type Fault struct {
	Kind   Kind
	Name   string // of the claim or the header member
	Header bool   // a header member
	Found  string // lower case, no full stop
	Hint   string // what to do
}

// Error implements the error interface.
func (f *Fault) Error() string { return f.Name + ": " + f.Found + "; " + f.Hint }

// missing says that a claim must be there.
func missing(name, means string) *Fault {
	return &Fault{Kind: Missing, Name: name, Found: "this profile needs " + name + ", and there is none", Hint: setTo(means)}
}

func wrong(name, found, hint string) *Fault {
	return &Fault{Kind: Wrong, Name: name, Found: found, Hint: hint}
}

// mistyped says that a claim has another JSON type than the profile needs.
func mistyped(name, found, needed, means string) *Fault {
	return wrong(name, "of json type "+found+", where this profile needs "+needed, setTo(means))
}

// notTaken says which algorithms the profile takes in place of another.
func notTaken(use []keys.Algorithm) *Fault {
	return &Fault{Kind: Algorithm, Name: "alg", Found: "an algorithm that this profile does not take", Hint: "use " + oneOf(keys.JoinAlgorithms(use))}
}

func oneOf(names string) string {
	if before, last, ok := strings.CutLast(names, ", "); ok {
		return before + " or " + last
	}
	return names
}

// remedy says what to write in place of a text that fits none of the patterns
// of a claim. A pattern is no value that could be copied, so that it is not
// shown: what is near to one is corrected, for others there is Meaning.
func (c Claim) remedy(text string) string {
	for _, near := range []struct{ text, hint string }{
		{strings.TrimSuffix(text, "/"), "remove the slash at the end"},
		{text + "/", "add a slash at the end"},
		{strings.TrimSpace(text), "remove the white space around it"},
		{strings.TrimPrefix(text, "https://"), "remove https:// from it"},
		{strings.Replace(text, "http://", "https://", 1), "write https:// in place of http://"},
		{"https://" + text, "write https:// before it"},
	} {
		if near.text != text && likeAny(c.Patterns, near.text) {
			return near.hint
		}
	}
	if c.Preset == computed {
		return "leave it out: the profile computes it"
	}
	if literal(c.Patterns) {
		return setTo(oneOf(strings.Join(c.Patterns, ", ")))
	}
	return setTo(c.Meaning)
}

// length says how long the text of a claim may be.
func (c Claim) length() string {
	switch {
	case c.MaxLength == 0:
		return fmt.Sprintf("at least %d characters", c.MinLength)
	case c.MinLength == 0:
		return fmt.Sprintf("at most %d characters", c.MaxLength)
	}
	return fmt.Sprintf("%d to %d characters", c.MinLength, c.MaxLength)
}

func setTo(means string) string {
	if means == "" {
		return "set it"
	}
	return "set it to " + means
}
