package task

import (
	"cmp"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/signer"
	"conductor-jwt/verifier"
)

// The inputs of [verifyType] beside issuer, audience and subject.
const (
	inToken          = "token"
	inVerifier       = "verifier"
	inPublicKey      = "publicKey"
	inAlgorithms     = "algorithms"
	inRequiredClaims = "requiredClaims"
	inOnInvalid      = "onInvalid"
)

// The words of onInvalid.
const (
	onInvalidFail   = "fail"
	onInvalidReport = "report"
)

// maxRequired is the maximum number of required claims, and of values of one. A token
// has at most 64 KiB, so that it cannot cause much work.
const maxRequired = 64

// verifyInputs returns the table of inputs of [verifyType].
func verifyInputs() []inputSpec {
	const inline = "that of `verifier`"
	return []inputSpec{
		{
			// Of any type and length: that of a text from outside is a fault of the token.
			Name: inToken, Type: "string, a JWT", Meaning: "the token, also after `Bearer `",
			Blank: "the token is invalid", Foreign: true, kinds: `"0{[tf`, bytes: maxInput,
		},
		{
			Name: inVerifier, Type: "string", Meaning: "a verifier of the policy file", Blank: "the next four are required",
			Resolved: true, kinds: `"`, bytes: jsonText,
		},
		{
			Name: inPublicKey, Type: "string, or object (JWK, JWK Set)", Meaning: "the key, if the setting `verify_inline` is `allow`",
			Blank: inline, Resolved: true, Sealed: true, kinds: `"{`, bytes: 6*maxKeyText + 2,
		},
		{
			Name: inAlgorithms, Type: "string, an exact name, or list of them", Meaning: "those accepted with `publicKey`; not HS*",
			Blank: inline, Resolved: true, kinds: `"[`, bytes: jsonText,
		},
		{
			Name: inIssuer, Type: "string or whole number", Meaning: "the expected `iss`",
			Blank: inline, Resolved: true, kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inAudience, Type: "string or whole number, or list of them", Meaning: "`aud` must name one of them",
			Blank: inline, Resolved: true, kinds: `"0[`, bytes: maxListText,
		},
		{
			Name: inSubject, Type: "string or whole number", Meaning: "the expected `sub`", Blank: "any",
			Resolved: true, kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inRequiredClaims, Type: "object of name: value, or list of values", Meaning: "claims that must have the value, or one of the values",
			Blank: "none", Resolved: true, kinds: `{`, bytes: 2 * maxClaims,
		},
		{
			Name: inOnInvalid, Type: "`fail` or `report`", Meaning: "what an invalid token causes",
			Blank: "`fail`", kinds: `"`, bytes: jsonText,
		},
	}
}

// verification is what a task of [verifyType] asks for.
type verification struct {
	request request // its inputs and warnings
	ask     verifier.Request
	report  bool
}

// readVerification reads every input of a task. Its warnings are set also with an
// error.
func (h *Handler) readVerification(t api.Task) (verification, error) {
	var q verification
	c := contractOf(h.contracts, t.Type)
	v, err := readInputs(c.inputs, t)
	if err != nil {
		return q, err
	}
	q.request = request{inputs: v, clear: h.clearVerify}
	warning, err := checkUnknown(c, v.unknown, h.o.Unknown == UnknownError)
	if err != nil {
		return q, err
	}
	if warning != "" {
		q.request.warnings = []string{warning}
	}
	if err := v.checkAllResolved(); err != nil {
		return q, err
	}
	onInvalid, err := v.choice(inOnInvalid, onInvalidFail, onInvalidFail, onInvalidReport)
	if err != nil {
		return q, err
	}
	q.report = onInvalid == onInvalidReport
	if err := h.readVerifier(v, &q.ask); err != nil {
		return q, err
	}
	for _, name := range []string{inSubject, inRequiredClaims} {
		if err := v.checkExpected(name); err != nil {
			return q, err
		}
	}
	if q.ask.Subject, err = v.text(inSubject); err != nil {
		return q, err
	}
	if q.ask.Required, err = v.requiredClaims(); err != nil {
		return q, err
	}
	q.ask.Token = v.bearerToken()
	return q, nil
}

// readVerifier reads which verifier the task names, or the one that it brings along.
func (h *Handler) readVerifier(v *inputValues, ask *verifier.Request) error {
	inline := []string{inPublicKey, inAlgorithms, inIssuer, inAudience}
	if n, ok := v.values[inVerifier]; ok {
		for _, name := range inline {
			if v.has(name) {
				return refuse(errInputConflict, name, "the verifier says what to expect", "leave it out")
			}
		}
		names := h.o.Policy.VerifierNames()
		if h.o.Verifiers == nil || !slices.Contains(names, n.Text) {
			return refuse(errVerifierUnknown, inVerifier, "no verifier of this name is configured", verifierHint(n.Text, names))
		}
		ask.Verifier = n.Text
		return nil
	}
	if !slices.ContainsFunc(inline, v.has) {
		return refuse(errInputMissing, inVerifier, "no verifier was given", "name one of the operator's policy file")
	}
	if !h.o.VerifyInline || h.o.Verifiers == nil {
		return refuse(errPolicyDenied, inPublicKey, "the operator permits no keys in tasks that verify (verify_inline: deny)", "name a verifier in "+inVerifier)
	}
	for _, name := range inline {
		if !v.has(name) {
			return refuse(errInputMissing, name, "nothing was given", "write all of "+oneOf(inline)+", or name a verifier")
		}
	}
	var err error
	ask.Inline, err = v.inlineVerifier()
	return err
}

func verifierHint(name string, names []string) string {
	near := cmp.Or(nearest.Within(name, names, maxEdits), nearest.Part(name, names))
	switch {
	case near != "":
		return "did you mean " + near + "?"
	case len(names) == 0:
		return "have the operator define it in the policy file"
	}
	return "write one of " + strings.Join(names, ", ")
}

// inlineVerifier reads the verifier that a task brings along.
func (v *inputValues) inlineVerifier() (*verifier.Inline, error) {
	n := v.values[inPublicKey]
	text := n.Text
	if n.Kind == jsontext.KindBeginObject {
		text = string(n.Raw)
	}
	if len(text) > maxKeyText {
		return nil, tooLarge(inPublicKey, fmt.Sprintf("this has %d bytes", len(text)), fmt.Sprintf("a key has at most %d bytes; give the key alone", maxKeyText))
	}
	i := &verifier.Inline{Key: secret.New(text)}
	var err error
	if i.Algorithms, err = v.parseAlgorithms(); err != nil {
		return nil, err
	}
	if i.Issuer, err = v.text(inIssuer); err != nil {
		return nil, err
	}
	i.Audiences, err = v.audience()
	return i, err
}

// parseAlgorithms reads the input algorithms, without those of HMAC: its key is no
// public one.
func (v *inputValues) parseAlgorithms() ([]keys.Algorithm, error) {
	var list []keys.Algorithm
	n := v.values[inAlgorithms]
	items := n.Items
	if n.Kind == jsontext.KindString {
		items = []jsonobj.Value{n}
	}
	for i, item := range items {
		if item.Kind != jsontext.KindString {
			return nil, invalid(inAlgorithms, element(i)+describe(item), "list exact names")
		}
		alg, err := keys.ParseAlgorithm(item.Text)
		switch {
		case err != nil:
			return nil, fault.In(inAlgorithms, err)
		case alg.IsHMAC():
			return nil, invalid(inAlgorithms, "the key of "+string(alg)+" is a secret", "have the operator configure a verifier whose JWK Set is in a file")
		}
		list = append(list, alg)
	}
	return list, nil
}

// checkExpected refuses an expectation that was delivered blank but is not written so:
// it would not be checked.
func (v *inputValues) checkExpected(name string) error {
	value, delivered := v.delivered[name]
	isEmpty := value.Kind == jsontext.KindBeginObject && len(value.Items) == 0
	if !delivered || v.has(name) && !isEmpty || v.templates.literally(name, value) {
		return nil
	}
	return refuse(errInputUnresolved, name, "this is a blank value from the workflow's data, with which nothing would be checked",
		"start the workflow with that value, or leave the input out of the task")
}

// requiredClaims reads the claims that a token must have. A blank value is refused,
// because it would require nothing.
func (v *inputValues) requiredClaims() ([]signer.RequiredClaim, error) {
	n := v.values[inRequiredClaims]
	if len(n.Items) > maxRequired {
		return nil, tooLarge(inRequiredClaims, "this is "+describe(n), fmt.Sprintf("require at most %d claims", maxRequired))
	}
	var list []signer.RequiredClaim
	for name, value := range n.Members() {
		values := []jsonobj.Value{value}
		if value.Kind == jsontext.KindBeginArray {
			values = value.Items
		}
		if len(values) > maxRequired {
			return nil, tooLarge(inRequiredClaims, "a member is "+describe(value), fmt.Sprintf("list at most %d values", maxRequired))
		}
		if len(values) == 0 || slices.ContainsFunc(values, isNoExpectation) {
			return nil, invalid(inRequiredClaims, "a member is "+describe(value)+", or holds a value that cannot be required",
				"write a string, a number, a boolean or a list of these, none of them blank")
		}
		list = append(list, signer.RequiredClaim{Name: name, Values: values})
	}
	return list, nil
}

func isNoExpectation(n jsonobj.Value) bool {
	switch n.Kind {
	case jsontext.KindString:
		return n.Text == ""
	case jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
		return false
	}
	return true
}

// bearerToken returns the token without the scheme of an Authorization header (RFC 6750
// §2.1, RFC 9110 §11.1). It is empty where the input is no string.
func (v *inputValues) bearerToken() secret.Text {
	const scheme = "Bearer "
	text := v.values[inToken].Text
	if v.values[inToken].Kind != jsontext.KindString {
		text = ""
	}
	if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		text = strings.TrimLeft(text[len(scheme):], " ")
	}
	return secret.New(text)
}
