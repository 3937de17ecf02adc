package task

import (
	"cmp"
	"encoding/json/jsontext"
	"fmt"
	"strings"

	"conductor-jwt/internal/glob"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/provider"
)

// The words of scopeFormat and scopeClaim.
const (
	formatSpace = "space"
	formatComma = "comma"
	formatArray = "array"
	claimScope  = "scope"
	claimSCP    = "scp"
)

// scopes are what the token permits and how that is written.
type scopes struct {
	claim  string
	format string
	list   []string // empty leaves the claim out
}

func (v *inputValues) scopes(p *provider.Profile) (scopes, error) {
	var s scopes
	var err error
	if s.claim, err = v.choice(inScopeClaim, cmp.Or(p.ScopeClaim, claimScope), claimScope, claimSCP); err != nil {
		return s, err
	}
	if s.format, err = v.choice(inScopeFormat, cmp.Or(p.ScopeFormat, formatSpace), formatSpace, formatComma, formatArray); err != nil {
		return s, err
	}
	n, ok := v.values[inScopes]
	if !ok {
		return s, nil
	}
	elements, err := scopeElements(n)
	if err != nil {
		return s, err
	}
	s.list, err = s.tokens(elements, n.Kind == jsontext.KindBeginArray)
	if len(s.list) > maxScopes {
		return s, tooLarge(inScopes, fmt.Sprintf("there are %d scopes", len(s.list)), fmt.Sprintf("ask for at most %d", maxScopes))
	}
	return s, err
}

// scopeElements returns the texts of the input: of a list, its elements, those
// of a list in it in its place, without the blank ones.
func scopeElements(n jsonobj.Value) ([]string, error) {
	if n.Kind == jsontext.KindString {
		return []string{n.Text}, nil
	}
	var list []string
	for i, item := range n.Items {
		inner := []jsonobj.Value{item}
		if item.Kind == jsontext.KindBeginArray {
			inner = item.Items
		}
		for _, each := range inner {
			if jsonobj.Blank(each.Raw) {
				continue
			}
			if each.Kind != jsontext.KindString {
				return nil, invalid(inScopes, element(i)+describe(item), "list scope tokens as strings, at most one list deep")
			}
			list = append(list, each.Text)
		}
	}
	return list, nil
}

// tokens cuts the texts into scope tokens. A lone text may hold several; an
// array's elements are taken as they are, since some providers' scopes hold
// spaces.
func (s scopes) tokens(elements []string, fromList bool) ([]string, error) {
	if s.format == formatArray && fromList {
		return elements, checkElements(elements)
	}
	if len(elements) == 1 {
		elements = strings.FieldsFunc(elements[0], s.separates)
	}
	for i, token := range elements {
		if err := s.checkToken(i, token); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

// separates reports whether r stands between two tokens. Written with commas,
// a token with a comma in it would be two.
func (s scopes) separates(r rune) bool {
	return r == ' ' || s.format == formatComma && r == ','
}

// checkToken checks a token against RFC 6749 §3.3: scope-token = 1*( %x21 /
// %x23-5B / %x5D-7E ).
func (s scopes) checkToken(i int, token string) error {
	if len(token) > maxText {
		return scopeTooLong(i, token)
	}
	for _, r := range token {
		if r <= ' ' || r > '~' || r == '"' || r == '\\' || s.separates(r) {
			return refuse(errScopeInvalid, inScopes, fmt.Sprintf("scope %d holds %s", i+1, unfit(r)),
				"write tokens of printable ASCII without quotes and backslashes, one space between two, or each as its own element of a list (RFC 6749 section 3.3)")
		}
	}
	return nil
}

func checkElements(elements []string) error {
	for i, element := range elements {
		if len(element) > maxText {
			return scopeTooLong(i, element)
		}
		for _, r := range element {
			if glob.Hidden(r) {
				return refuse(errScopeInvalid, inScopes, fmt.Sprintf("scope %d holds a control or invisible character", i+1), "remove it")
			}
		}
	}
	return nil
}

// write sets the claim for scopes, where there are any.
func (s scopes) write(claims *jsonobj.Object) {
	switch {
	case len(s.list) == 0:
	case s.format == formatArray:
		claims.Strings(s.claim, s.list)
	case s.format == formatComma:
		claims.String(s.claim, strings.Join(s.list, ","))
	default:
		claims.String(s.claim, strings.Join(s.list, " "))
	}
}

func scopeTooLong(i int, text string) error {
	return tooLarge(inScopes, fmt.Sprintf("scope %d has %d bytes", i+1, len(text)), fmt.Sprintf("write at most %d", maxText))
}

// unfit names the sort of a character that no scope token has.
func unfit(r rune) string {
	switch {
	case r == ' ':
		return "a space"
	case glob.Hidden(r):
		return "a control or invisible character"
	case r > '~':
		return "a character outside of ASCII"
	case r == ',':
		return "a comma"
	}
	return "a quote or a backslash"
}
