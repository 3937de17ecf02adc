package task

import "conductor-jwt/signer"

// The inputs' names, exactly as an author writes them.
const (
	inSubject            = "subject"
	inIssuer             = "issuer"
	inAudience           = "audience"
	inScopes             = "scopes"
	inTTL                = "ttlInSecond"
	inTTLs               = "ttlInSeconds"
	inAlgorithm          = "algorithm"
	inPrivateKey         = "privateKey"
	inPrivateKeyID       = "privateKeyId"
	inClaims             = "claims"
	inHeaders            = "headers"
	inCertificate        = "certificate"
	inCertificateHeaders = "certificateHeaders"
	inJWTID              = "jwtId"
	inOmitClaims         = "omitClaims"
	inNotBefore          = "notBefore"
	inIssuedAtOffset     = "issuedAtOffset"
	inScopeClaim         = "scopeClaim"
	inScopeFormat        = "scopeFormat"
	inPrivateKeyPassword = "privateKeyPassword"
	inSecretEncoding     = "secretEncoding"
	inKeyRef             = "keyRef"
	inProfile            = "profile"
)

// inputSpec is one row of the table of inputs.
type inputSpec struct {
	Name    string
	Type    string // what an author may write
	Meaning string // what it becomes, with the claim or header member
	Blank   string // what a blank one means

	// Resolved says that an expression in the input's template which resolved to
	// nothing fails the task: the token would say less than its author meant, or
	// something else.
	Resolved bool
	// Signed says that the input is written into the token.
	Signed bool
	// Sealed says that the input is expected to come from a secret, so that a secret
	// in it is not an injected one.
	Sealed bool
	// Foreign says that the input is a token of someone else, which may well be stored
	// as a secret. It is compared with its template all the same.
	Foreign bool

	claim string // the claim that it sets, which the input claims may not set
	kinds string // the allowed JSON kinds, as jsontext.Kind has them
	bytes int    // maximum length of its JSON text
	zero  bool   // 0 is blank too
}

// The limits of the contract, in bytes but for the counts.
const (
	maxInput     = 4 << 20  // the whole input; the server moves more than 3 MiB to external storage
	maxInputs    = 256      // names
	maxKeyText   = 64 << 10 // privateKey
	maxText      = 4 << 10  // a string claim, one audience, one scope, kid
	maxClaims    = 32 << 10 // claims, headers
	maxAudiences = 64
	maxScopes    = 512
	maxListText  = 2 * signer.MaxToken // audience, scopes: the JSON; a longer one fits into no token

	// A JSON string is at most six times as long as its characters, \u0041
	// being the longest way to write one byte.
	jsonText = 6*maxText + 2
)

// allInputs returns the inputs of a task that signs, the ones of the Conductor UI
// first. Validation, the hints for unknown names, the task definition's input keys and
// the documentation are made from it.
func allInputs() []inputSpec {
	return append(commonInputs(), extraInputs()...)
}

func commonInputs() []inputSpec {
	const omitted = "no claim"
	return []inputSpec{
		{
			Name: inSubject, Type: "string or whole number", Meaning: "`sub`", Blank: omitted,
			Resolved: true, Signed: true, claim: "sub", kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inIssuer, Type: "string or whole number", Meaning: "`iss`", Blank: omitted,
			Resolved: true, Signed: true, claim: "iss", kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inPrivateKey, Type: "string, or object (JWK, JWKS, service account)", Meaning: "signing key",
			Blank: "`keyRef`, or the profile's key", Sealed: true, kinds: `"{`, bytes: 6*maxKeyText + 2,
		},
		{
			Name: inPrivateKeyID, Type: "string or whole number", Meaning: "`kid`; selects a key of a JWKS",
			Blank: "the key's id, else none", Signed: true, kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inAudience, Type: "string or whole number, or list of them", Meaning: "`aud`, a string or array",
			Blank: omitted, Resolved: true, Signed: true, claim: "aud", kinds: `"0[`, bytes: maxListText,
		},
		{
			Name: inTTL, Type: "whole seconds", Meaning: "`exp` = `iat` + ttl", Blank: "`default_ttl`",
			claim: "exp", kinds: `"0`, bytes: jsonText, zero: true,
		},
		{
			Name: inTTLs, Type: "whole seconds", Meaning: "the same", Blank: "`default_ttl`",
			kinds: `"0`, bytes: jsonText, zero: true,
		},
		{
			Name: inScopes, Type: "string, or list of strings", Meaning: "`scope`",
			Blank: omitted, Signed: true, kinds: `"[`, bytes: maxListText,
		},
		{
			Name: inAlgorithm, Type: "string", Meaning: "`alg`",
			Blank: "the JWK's `alg`, else by the kind of key", kinds: `"`, bytes: jsonText,
		},
	}
}

func extraInputs() []inputSpec {
	return []inputSpec{
		{
			Name: inClaims, Type: "object", Meaning: "more claims", Blank: "none",
			Resolved: true, Signed: true, kinds: `{`, bytes: 2 * maxClaims,
		},
		{
			Name: inHeaders, Type: "object", Meaning: "more header members: `typ`, `cty`, private names; `iss`, `sub`, `aud` equal to the claim",
			Blank: "`typ` is `JWT`", Resolved: true, Signed: true, kinds: `{`, bytes: 2 * maxClaims,
		},
		{
			Name: inCertificate, Type: "string, a PEM chain, leaf first", Meaning: "see `certificateHeaders`",
			Blank: "with `certificateHeaders`, those beside the key", Resolved: true, Sealed: true, kinds: `"`, bytes: 6*maxKeyText + 2,
		},
		{
			Name: inCertificateHeaders, Type: "list of `x5c`, `x5t`, `x5t#S256`", Meaning: "the certificate's header members",
			Blank: "`x5t` and `x5t#S256`", kinds: `[`, bytes: jsonText,
		},
		{
			Name: inJWTID, Type: "string", Meaning: "`jti`", Blank: "a random UUID", Signed: true, claim: "jti", kinds: `"`, bytes: jsonText,
		},
		{
			Name: inOmitClaims, Type: "list of `jti`, `iat`", Meaning: "leaves claims out", Blank: "none", kinds: `[`, bytes: jsonText,
		},
		{
			Name: inNotBefore, Type: "whole seconds relative to `iat`, -600 to ttl - 1", Meaning: "`nbf`",
			Blank: "no claim", claim: "nbf", kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inIssuedAtOffset, Type: "whole seconds, -600 to 0", Meaning: "moves `iat` and `exp` back",
			Blank: "0", claim: "iat", kinds: `"0`, bytes: jsonText,
		},
		{
			Name: inScopeClaim, Type: "`scope` or `scp`", Meaning: "claim of the scopes", Blank: "`scope`",
			kinds: `"`, bytes: jsonText,
		},
		{
			Name: inScopeFormat, Type: "`space`, `comma` or `array`", Meaning: "how scopes are written", Blank: "`space`",
			kinds: `"`, bytes: jsonText,
		},
		{
			Name: inPrivateKeyPassword, Type: "string", Meaning: "opens an encrypted key", Blank: "none",
			Sealed: true, kinds: `"`, bytes: jsonText,
		},
		{
			Name: inSecretEncoding, Type: "`raw`, `base64`, `base64url` or `hex`", Meaning: "reads `privateKey` as an HMAC secret",
			Blank: "HMAC keys are `oct` JWKs", kinds: `"`, bytes: jsonText,
		},
		{
			Name: inKeyRef, Type: "string", Meaning: "a configured key", Blank: "`privateKey`",
			Resolved: true, kinds: `"`, bytes: jsonText,
		},
		{
			Name: inProfile, Type: "string", Meaning: "a provider's rules", Blank: "none",
			Resolved: true, kinds: `"`, bytes: jsonText,
		},
	}
}

// tokenOutputs are the members of the output of a task that signs.
func tokenOutputs() []string {
	return []string{
		outToken, outTokenType, outAlgorithm, outKeyID, outIssuedAt, outExpiresAt, outExpiresIn, outJWTID,
		outTaskID, outWarnings, outError,
	}
}
