package task

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/nearest"
	"conductor-jwt/internal/secret"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// The inputs of [AccessTokenType] beside those of [TaskType].
const (
	inParameters  = "parameters"
	inTokenURL    = "tokenUrl"
	inMinLifetime = "minLifetimeInSecond"
	inFresh       = "fresh"
)

// The bounds of minLifetimeInSecond, in seconds.
const (
	defaultMinLifetime = 60
	maxMinLifetime     = 3600
)

// accessTokenInputs returns the table of inputs of [AccessTokenType].
func accessTokenInputs() []inputSpec {
	inputs := allInputs()
	p := &inputs[rank(inputs, inProfile)]
	p.Meaning, p.Blank = "the provider that issues the access token", "the task fails: it is required"
	return append(inputs, exchangeInputs()...)
}

func exchangeInputs() []inputSpec {
	return []inputSpec{
		{
			Name: inParameters, Type: "object", Meaning: "what the provider needs beside the assertion ([names](profiles.md))",
			Blank: "none", Resolved: true, Signed: true, kinds: `{`, bytes: 2 * maxClaims,
		},
		{
			Name: inTokenURL, Type: "string, an HTTPS URL", Meaning: "the token endpoint of your tenant",
			Blank: "the provider's, or from `audience`", Resolved: true, Signed: true, kinds: `"`, bytes: jsonText,
		},
		{
			Name: inMinLifetime, Type: "whole seconds, 0 to 3600", Meaning: "minimum lifetime left of a cached token",
			Blank: "60", kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inFresh, Type: "`true` or `false`", Meaning: "`true` bypasses the cache",
			Blank: "`false`", kinds: `tf"`, bytes: jsonText,
		},
	}
}

// accessTokenHints returns the hints of [AccessTokenType]: also those for the
// parameters of all providers.
func accessTokenHints() []nameHint {
	var parameters []string
	for _, p := range provider.Profiles() {
		if p.Exchange != nil {
			for _, parameter := range p.Exchange.Parameters {
				parameters = append(parameters, nearest.Fold(parameter.Name))
			}
		}
	}
	return append(signHints(), []nameHint{
		{"tokenendpoint tokenuri tokenendpointurl", "write " + inTokenURL},
		{"params parameter", "write " + inParameters},
		{"minlifetime minlifetimeseconds minttl", "write " + inMinLifetime},
		{"refresh force forcerefresh nocache", "write " + inFresh},
		{strings.Join(parameters, " "), "put it into " + inParameters},
	}...)
}

// exchangeInput is what a task of [AccessTokenType] asks for beside the assertion.
type exchangeInput struct {
	secret.Opaque // parameters may hold secrets

	parameters  jsonobj.Object
	tokenURL    string // empty: it follows from the profile
	minLifetime time.Duration
	fresh       bool
}

// checkExchanges refuses a profile without an exchange.
func checkExchanges(v *inputValues, p *provider.Profile) error {
	switch {
	case !v.has(inProfile):
		return cmp.Or(v.checkResolved(inProfile), refuse(errInputMissing, inProfile, "no profile was given, and it names the provider", useExchange()))
	case p.Exchange == nil:
		return invalid(inProfile, "the provider of this profile takes the signed token itself", "use a "+TaskType+" task, or "+useExchange())
	}
	return nil
}

// useExchange is the hint that names the profiles with an exchange.
func useExchange() string {
	var names []string
	for _, p := range provider.Profiles() {
		if p.Exchange != nil {
			names = append(names, p.Name)
		}
	}
	return "write one of " + strings.Join(names, ", ") + ", or a profile of the policy file that extends one"
}

// seal takes the parameters that are secrets at the provider out of the input and of
// its templates. They are expected to come from a secret, as a key is.
func (v *inputValues) seal(p *provider.Profile) error {
	if v.sealed = p.SealedParameters(); len(v.sealed) == 0 {
		return nil
	}
	if err := v.checkSealedResolved(); err != nil {
		return err
	}
	for name, value := range v.values[inParameters].Members() {
		if slices.Contains(v.sealed, name) {
			v.secrets = append(v.secrets, jsonobj.Member{Name: name, Value: value.Raw})
		}
	}
	for _, values := range []map[string]jsonobj.Value{v.values, v.templates.parameters, v.templates.defaults} {
		if value, ok := values[inParameters]; ok {
			values[inParameters] = v.unsealed(inParameters, value)
		}
	}
	return nil
}

// anySealedParameters returns the parameters that are secrets at some provider.
func anySealedParameters() []string {
	var names []string
	for _, p := range provider.Profiles() {
		names = append(names, p.SealedParameters()...)
	}
	return names
}

// checkSealedResolved refuses a sealed parameter whose secret resolved to nothing.
func (v *inputValues) checkSealedResolved() error {
	for _, template := range v.templates.all(inParameters) {
		for name, t := range template.Members() {
			value, _ := v.delivered[inParameters].Get(name)
			if slices.Contains(v.sealed, name) && strings.Contains(t.Text, secretMark) && (isNothing(value) || jsonobj.Blank(value.Raw)) {
				return refuse(errSecretMissing, inParameters, quoted(t.Text)+" resolved to nothing", howToDefine(t.Text))
			}
		}
	}
	return nil
}

// sealedTexts returns the sealed parameters that are text.
func (v *inputValues) sealedTexts() []string {
	var texts []string
	for _, m := range v.secrets {
		if text, ok := jsonobj.String(m.Value); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// unsealed returns the value of an input without the sealed parameters.
func (v *inputValues) unsealed(input string, n jsonobj.Value) jsonobj.Value {
	if input != inParameters || len(v.sealed) == 0 {
		return n
	}
	return without(n, v.sealed)
}

// without returns an object without some of its members. Any other value is
// returned as it is.
func without(n jsonobj.Value, names []string) jsonobj.Value {
	if n.Kind != jsontext.KindBeginObject {
		return n
	}
	kept := jsonobj.Value{Kind: n.Kind}
	for name, item := range n.Members() {
		if !slices.Contains(names, name) {
			kept.Names, kept.Items = append(kept.Names, name), append(kept.Items, item)
		}
	}
	object := kept.Object()
	kept.Raw = object.AppendJSON(nil)
	return kept
}

// exchange reads the inputs of the exchange.
func (v *inputValues) exchange(p *provider.Profile) (*exchangeInput, error) {
	x := &exchangeInput{minLifetime: defaultMinLifetime * time.Second}
	var err error
	if x.parameters, err = v.object(inParameters); err != nil {
		return nil, err
	}
	for _, m := range v.secrets {
		x.parameters.Set(m.Name, m.Value)
	}
	if err := p.CheckParameters(x.parameters); err != nil {
		return nil, err
	}
	if x.tokenURL, err = v.text(inTokenURL); err != nil {
		return nil, err
	}
	lifetime, err := v.relative(inMinLifetime, 0, maxMinLifetime)
	if err != nil {
		return nil, err
	}
	if lifetime != nil {
		x.minLifetime = time.Duration(*lifetime) * time.Second
	}
	x.fresh, err = v.boolean(inFresh)
	return x, err
}

// boolean reads an input that is true or false; false where it is blank.
func (v *inputValues) boolean(name string) (bool, error) {
	n, ok := v.values[name]
	switch {
	case !ok:
		return false, nil
	case n.Kind != jsontext.KindString:
		return n.Kind == jsontext.KindTrue, nil
	}
	text, err := v.choice(name, "", "true", "false")
	return text == "true", err
}

// access is the access token of a draft: where it comes from, and then the token.
type access struct {
	endpoint string // a URL
	// listed says that the operator lists the endpoint, so that its address may be
	// private.
	listed bool

	token provider.Token
	// cached says that the token was not issued for this task's assertion.
	cached bool
}

// provider returns the name of the built-in profile: one of a closed set.
func (d *draft) provider() string {
	if d.access == nil {
		return ""
	}
	return d.request.profile.Provider()
}

// endpoint returns the token endpoint of a draft: one of the provider, or one that
// the policy lists.
func (h *Handler) endpoint(d *draft) (*access, error) {
	r := d.request
	found, err := r.profile.Endpoint(r.exchange.tokenURL, &d.token.Claims, &r.exchange.parameters)
	if err != nil {
		return nil, err
	}
	listed := h.o.Policy.ListsEndpoint(found.URL)
	if !found.BuiltIn && !listed {
		return nil, refuse(errPolicyDenied, r.endpointField(), "the token endpoint is neither one of the provider nor listed by the operator",
			"correct it, or have the operator list it under exchange.endpoints of the policy file")
	}
	return &access{endpoint: found.URL, listed: listed}, nil
}

// Exchanger exchanges assertions for access tokens.
type Exchanger interface {
	// Token returns an access token, and whether it was issued for another request.
	// It calls Sign of the request once at most, before it returns.
	Token(ctx context.Context, r exchange.Request) (token provider.Token, shared bool, err error)
}

// exchange gets the access token of a draft that was authorised and agrees with the
// stored task.
func (h *Handler) exchange(ctx context.Context, d draft) (draft, error) {
	r, a := d.request, d.access
	var err error
	a.token, a.cached, err = h.o.Exchange.Token(ctx, exchange.Request{
		Profile: r.profile, Listed: a.listed,
		Input: provider.ExchangeInput{Claims: &d.token.Claims, Parameters: r.exchange.parameters, URL: a.endpoint},
		KeyID: d.token.KeyID, Header: d.token.Header,
		Key: d.key, KeyName: r.key.Name, Secrets: r.secrets,
		MinLifetime: r.exchange.minLifetime, Fresh: r.exchange.fresh,
		Sign: func(ctx context.Context) (secret.Text, error) {
			var err error
			d.signed, err = signer.Sign(ctx, d.key, d.token)
			return d.signed.Compact, err
		},
	})
	return d, r.locatedEndpoint(err)
}

// endpointField returns the input that decides about the endpoint: the audience, where
// it follows from that.
func (r *request) endpointField() string {
	if r.exchange.tokenURL == "" && r.profile.Exchange.EndpointFollows() {
		return inAudience
	}
	return inTokenURL
}

// locatedEndpoint names the input behind an error about an endpoint.
func (r *request) locatedEndpoint(err error) error {
	if errors.Is(err, exchange.ErrEndpoint) {
		return fault.In(r.endpointField(), err)
	}
	return err
}

// The members of the output beside those of a token.
const (
	outAccessToken = "accessToken"
	outScope       = "scope"
	outCached      = "cached"
	outProvider    = "provider"
	outResponse    = "response"
)

func accessTokenOutputs() []string {
	return []string{
		outAccessToken, outTokenType, outScope, outIssuedAt, outExpiresAt, outExpiresIn, outCached, outProvider, outTaskID,
		outResponse, outWarnings, outError,
	}
}

// splitResponse returns what the output's response has in clear, and the tokens that
// stand where the mode says, such as a refresh_token.
func splitResponse(mode OutputMode, response *jsonobj.Object) (clear, tokens jsonobj.Object) {
	for m := range response.Members() {
		isToken := strings.HasSuffix(m.Name, "_token")
		if !isToken || mode != OutputSecrets {
			clear.Set(m.Name, m.Value)
		}
		if isToken && mode != OutputToken {
			tokens.Set(m.Name, m.Value)
		}
	}
	return clear, tokens
}

// accessTokenOutput writes outputData of a completed task. Times are NumericDate
// seconds (RFC 7519 §2).
func accessTokenOutput(mode OutputMode, t api.Task, d draft, warnings []string) secret.JSON {
	o := jsonobj.New(11)
	token := &d.access.token
	response, tokens := splitResponse(mode, &token.Response)
	putToken(&o, mode, outAccessToken, token.AccessToken)
	if tokens.Len() > 0 {
		hidden, _ := o.Get(outSecrets)
		object, _ := parseObject(hidden)
		object.Set(outResponse, tokens.AppendJSON(nil))
		o.Set(outSecrets, object.AppendJSON(nil))
	}
	o.String(outTokenType, token.TokenType)
	if scope := cmp.Or(token.Scope, strings.Join(d.request.scopesIn(&d.token.Claims), " ")); scope != "" { // RFC 6749 §5.1
		o.String(outScope, scope)
	}
	o.Int(outIssuedAt, token.IssuedAt.Unix())
	if !token.Expires.IsZero() {
		o.Int(outExpiresAt, token.Expires.Unix())
		o.Int(outExpiresIn, token.Expires.Unix()-d.now.Unix())
	}
	o.Set(outCached, jsontext.Value(strconv.FormatBool(d.access.cached)))
	o.String(outProvider, d.request.profile.Name)
	if t.ID != "" {
		o.String(outTaskID, t.ID)
	}
	if response.Len() > 0 {
		o.Set(outResponse, response.AppendJSON(nil))
	}
	addWarnings(&o, warnings)
	return secret.NewJSON(o.AppendJSON(nil))
}
