package task

import (
	"errors"
	"fmt"

	"conductor-jwt/internal/jsonobj"
)

// The most that notBefore and issuedAtOffset reach back, in seconds.
const maxBack = 600

// times are the token's times, in whole seconds (RFC 7519 §2 NumericDate).
type times struct {
	ttl       int64
	unasked   bool  // the task names no ttl
	offset    int64 // of iat from now, not positive
	notBefore *int64
	forever   bool // there is no exp
}

func (g *given) times(b bounds) (times, error) {
	t := times{offset: b.offset, forever: b.forever}
	var err error
	if t.ttl, err = g.ttl(b); err != nil {
		return t, err
	}
	t.unasked = !g.has(inTTL) && !g.has(inTTLs)
	if b.forever && !t.unasked {
		return t, refuse(ErrInputConflict, inTTL, "the tokens of this profile do not expire", "leave it out")
	}
	offset, err := g.relative(inIssuedAtOffset, -maxBack, 0)
	if err != nil {
		return t, err
	}
	if offset != nil {
		t.offset = *offset
	}
	if t.notBefore, err = g.relative(inNotBefore, -maxBack, t.ttl-1); t.notBefore == nil {
		t.notBefore = b.notBefore
	}
	return t, err
}

// ttl reads the two spellings of the ttl, which may say the same.
func (g *given) ttl(b bounds) (int64, error) {
	ttl, from := b.ttl, ""
	for _, name := range []string{inTTL, inTTLs} {
		n, ok := g.values[name]
		if !ok {
			continue
		}
		value, err := wholeSeconds(name, n)
		if err != nil {
			return 0, err
		}
		if value < b.least || value > b.most {
			return 0, refuse(ErrTTLOutOfRange, name, ttlOf(value)+" is outside of what is allowed", b.span())
		}
		if from != "" && value != ttl {
			return 0, refuse(ErrInputConflict, name, "it says something else than "+from, "leave one of the two out")
		}
		ttl, from = value, name
	}
	return ttl, nil
}

// ttlOf names a ttl in a message. It has been read as a number by then, so it
// is no secret.
func ttlOf(seconds int64) string { return fmt.Sprintf("a ttl of %d seconds", seconds) }

// relative reads a count of seconds between two bounds; nil where it is blank.
func (g *given) relative(name string, least, most int64) (*int64, error) {
	n, ok := g.values[name]
	if !ok {
		return nil, nil
	}
	value, err := wholeSeconds(name, n)
	if err != nil {
		return nil, err
	}
	if value < least || value > most {
		return nil, invalid(name, "a number of seconds out of range", fmt.Sprintf("write %d to %d", least, most))
	}
	return &value, nil
}

func wholeSeconds(name string, n jsonobj.Value) (int64, error) {
	value, err := seconds(n)
	switch {
	case errors.Is(err, errNotDigit):
		return 0, invalid(name, describe(n)+" that is not digits alone", "write whole seconds, without a unit")
	case err != nil:
		return 0, invalid(name, "a number that is not whole", "write whole seconds")
	}
	return value, nil
}
