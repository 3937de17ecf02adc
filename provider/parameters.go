package provider

import (
	"encoding/json/jsontext"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/printable"
)

// Parameter is what a provider wants beside the token. Null and "" count as absent, but
// not for a list or an object.
type Parameter struct {
	Name     string
	Meaning  string // what it is at this provider, for messages and documents
	Type     ParameterType
	Required bool
	Sealed   bool // a secret

	Field string // the field of the form, or the member of the JSON, that holds it; empty: neither does
}

// ParameterType is what a parameter may hold, in words.
type ParameterType string

// A number may be written as the string of its digits, and a list of one element as
// that element.
const (
	textType    ParameterType = "string"
	wordType    ParameterType = "string of letters, digits, -, _, . and ~"
	uriType     ParameterType = "absolute URL without a fragment"
	numberType  ParameterType = "whole number"
	wordsType   ParameterType = "list of strings of letters, digits, -, _, . and ~"
	urisType    ParameterType = "list of absolute URLs without fragments"
	numbersType ParameterType = "list of whole numbers"
	pairsType   ParameterType = "object of strings"
)

// The fields of the errors of this package that are no claim and no header
// parameter.
const (
	parametersField = "parameters"
	tokenURLField   = "tokenUrl"
)

// ErrParameter is the reason of an error of [Profile.CheckParameters].
var ErrParameter = errors.New("a parameter of the exchange is missing, unknown or invalid")

// maxParameter is the maximum length of a string in bytes: authorization codes and
// refresh tokens may have kilobytes.
const maxParameter = 8192

// CheckParameters returns an error for a parameter that the provider does not know,
// that is missing, or of another type. The error quotes no value.
func (p *Profile) CheckParameters(given jsonobj.Object) error {
	if p.Exchange == nil {
		return errNoExchange
	}
	for m := range given.Members() {
		parameter, ok := p.Exchange.parameter(m.Name)
		if !ok {
			return p.Exchange.unknown(m.Name)
		}
		switch {
		case absent(m.Value) && parameter.narrows():
			return wrongParameter(parameter.Name+" is blank", "set it to "+parameter.Meaning+"; or leave it out: the token is then valid for more")
		case !absent(m.Value) && !parameter.fits(m.Value):
			found := parameter.Name + " is not what the provider expects: " + jsonobj.TypePhrase(m.Value.Kind())
			return wrongParameter(found, "write it as "+article(string(parameter.Type))+": "+parameter.Meaning)
		}
	}
	return p.Exchange.checkPresent(&given)
}

// SealedParameters returns the names of the parameters that are secrets.
func (p *Profile) SealedParameters() []string {
	if p.Exchange == nil {
		return nil
	}
	var names []string
	for _, parameter := range p.Exchange.Parameters {
		if parameter.Sealed {
			names = append(names, parameter.Name)
		}
	}
	return names
}

func wrongParameter(found, hint string) error {
	return &fault.Error{Reason: ErrParameter, Field: parametersField, Found: found, Hint: hint}
}

func (e *Exchange) parameter(name string) (Parameter, bool) {
	i := slices.IndexFunc(e.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return Parameter{}, false
	}
	return e.Parameters[i], true
}

func (e *Exchange) unknown(name string) error {
	var names []string
	for _, p := range e.Parameters {
		names = append(names, p.Name)
	}
	found, hint := "the provider has no parameter "+printable.Name(name), "leave it out"
	if near := nearest.Of(name, names); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(names) > 0 {
		hint = "the parameters are " + strings.Join(names, ", ")
	}
	return wrongParameter(found, hint)
}

func (e *Exchange) checkPresent(parameters *jsonobj.Object) error {
	for _, p := range e.Parameters {
		if _, ok := given(parameters, p.Name); p.Required && !ok {
			return wrongParameter(p.Name+" is "+notSet, setTo(p.Meaning))
		}
	}
	if len(e.OneOf) == 0 {
		return nil
	}
	var set []string
	for _, name := range e.OneOf {
		if _, ok := given(parameters, name); ok {
			set = append(set, name)
		}
	}
	switch len(set) {
	case 0:
		return wrongParameter("neither "+strings.Join(e.OneOf, " nor ")+" is set, and the profile requires one", "set one of them")
	case 1:
		return nil
	}
	return wrongParameter(strings.Join(set, " and ")+" are set, and the profile allows one of them", "leave one of them out")
}

// given returns the value of a parameter that is not absent.
func given(parameters *jsonobj.Object, name string) (jsontext.Value, bool) {
	value, ok := parameters.Get(name)
	return value, ok && !absent(value)
}

func absent(value jsontext.Value) bool { return string(value) == "null" || string(value) == `""` }

// narrows reports whether the parameter says what the token is valid for, such as the
// repositories of GitHub. A blank value from a workflow's data must not make a token
// that is valid for all of them.
func (p Parameter) narrows() bool {
	return slices.Contains([]ParameterType{wordsType, urisType, numbersType, pairsType}, p.Type)
}

func (p Parameter) fits(value jsontext.Value) bool {
	list := elements(value)
	switch p.Type {
	case wordsType, urisType, numbersType:
		if len(list) == 0 {
			return false
		}
	case pairsType:
		return isPairs(value)
	default:
		if value.Kind() == jsontext.KindBeginArray {
			return false
		}
	}
	for _, element := range list {
		if !p.Type.fitsOne(element) {
			return false
		}
	}
	return true
}

func (t ParameterType) fitsOne(value jsontext.Value) bool {
	text, isText := jsonobj.String(value)
	switch t {
	case numberType, numbersType:
		if !isText {
			text = string(value)
		}
		n, err := strconv.ParseUint(text, 10, 63)
		return err == nil && strconv.FormatUint(n, 10) == text
	case wordType, wordsType:
		return isText && isWord(text)
	case uriType, urisType: // RFC 8707 §2
		u, err := url.Parse(text)
		return isText && isLine(text) && err == nil && u.IsAbs() && !strings.Contains(text, "#")
	}
	return isText && isLine(text)
}

// isPairs reports whether a value is an object of words, such as {"contents":"read"}.
func isPairs(value jsontext.Value) bool {
	object, err := jsonobj.Parse(value, jsonobj.Limits{})
	if err != nil {
		return false
	}
	for m := range object.Members() {
		if text, ok := jsonobj.String(m.Value); !ok || !isWord(text) || !isWord(m.Name) {
			return false
		}
	}
	return true
}

func isLine(text string) bool {
	return text != "" && len(text) <= maxParameter && !strings.ContainsFunc(text, unicode.IsControl)
}

// isWord reports whether a text has only unreserved characters (RFC 3986 §2.3), and
// is no segment that changes a path.
func isWord(text string) bool {
	return text != "" && len(text) <= maxParameter && text != "." && text != ".." &&
		!strings.ContainsFunc(text, func(r rune) bool { return !isUnreserved(r) })
}

func isUnreserved(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.~", r)
}

// json returns the value as the JSON of its type.
func (p Parameter) json(value jsontext.Value) jsontext.Value {
	switch p.Type {
	case numberType:
		return jsontext.Value(texts(value)[0])
	case numbersType:
		return jsontext.Value("[" + strings.Join(texts(value), ",") + "]")
	case wordsType, urisType:
		var object jsonobj.Object
		object.Strings("", texts(value))
		list, _ := object.Get("")
		return list
	}
	return value
}

func article(noun string) string {
	if strings.ContainsRune("aeo", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
