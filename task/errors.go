package task

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys"
	"conductor-jwt/provider"
	"conductor-jwt/signer"
)

// The reasons of errors of this package. The table of codes also lists those of
// keys, signer and provider.
var (
	errInputInvalid       = errors.New("input invalid")
	errInputMissing       = errors.New("input missing")
	errInputConflict      = errors.New("inputs contradict each other")
	errInputTooLarge      = errors.New("input too large")
	errInputUnknown       = errors.New("input unknown")
	errInputUnresolved    = errors.New("input unresolved")
	errSecretMissing      = errors.New("secret missing")
	errSecretUnresolved   = errors.New("secret unresolved")
	errSecretInClaim      = errors.New("secret in a claim")
	errSecretInjected     = errors.New("secret injected")
	errInjectionUnchecked = errors.New("injection unchecked")
	errPayloadExternal    = errors.New("payload external")
	errTTLOutOfRange      = errors.New("ttl out of range")
	errScopeInvalid       = errors.New("scope invalid")
	errPolicyDenied       = errors.New("denied by policy")
	errProfileUnknown     = errors.New("profile unknown")
	errTokenInvalid       = errors.New("token invalid")
	errVerifierUnknown    = errors.New("verifier unknown")
	errIssuerUnavailable  = errors.New("issuer unavailable")
	errInternal           = errors.New("internal error")
)

// Code is one row of the table of failures. Its name is what a workflow
// branches on (outputData.error.code) and the metrics' label.
type Code struct {
	Name   string
	Status api.Status
	// FailedAfterWait says that the status becomes Failed when the task has waited
	// for [Options].KeyWait.
	FailedAfterWait bool
	// FailedWithProfiles says that the status is Failed, which the server retries,
	// where the operator defines profiles: another replica may have read a newer
	// policy file.
	FailedWithProfiles bool
	// FailedWithVerifiers says the same of verifiers.
	FailedWithVerifiers bool
	When                string // for the documents: when it happens
	Remedy              string // and what to do

	field   string  // the input at fault where the error does not say
	reasons []error // every error that means this code
}

// Codes returns the table of failures. It alone gives an error its code, its
// status and its metric label. An error that wraps several reasons takes the first
// row that fits.
func Codes() []Code {
	return slices.Concat(inputCodes(), secretCodes(), keyCodes(), verifyCodes(), exchangeCodes(), lastCodes())
}

func inputCodes() []Code {
	return []Code{
		{
			Name: "input_invalid", Status: api.FailedWithTerminalError, reasons: []error{errInputInvalid, provider.ErrInvalid, provider.ErrParameter, provider.ErrEndpoint},
			When: "an input has the wrong type or text", Remedy: "correct it",
		},
		{
			Name: "input_missing", Status: api.FailedWithTerminalError, reasons: []error{errInputMissing, keys.ErrMissing, provider.ErrMissing}, field: inPrivateKey,
			When: "a key or a required input is missing", Remedy: "set it, a key as `${workflow.secrets.NAME}`",
		},
		{
			Name: "input_conflict", Status: api.FailedWithTerminalError, reasons: []error{errInputConflict, provider.ErrConflict},
			When: "two inputs contradict each other", Remedy: "leave one out",
		},
		{
			Name: "input_too_large", Status: api.FailedWithTerminalError, reasons: []error{errInputTooLarge, signer.ErrTooLarge},
			When: "an input or the token exceeds a limit", Remedy: "shorten it",
		},
		{
			Name: "input_unknown", Status: api.FailedWithTerminalError, reasons: []error{errInputUnknown},
			When: "an input's name is misspelt", Remedy: "use the suggested name",
		},
		{
			Name: "input_unresolved", Status: api.FailedWithTerminalError, reasons: []error{errInputUnresolved},
			When: "an expression resolved to nothing", Remedy: "start the workflow with that value, or remove the input",
		},
		{
			Name: "payload_external", Status: api.FailedWithTerminalError, reasons: []error{errPayloadExternal},
			When: "the input is in external payload storage", Remedy: "pass less data into the task",
		},
	}
}

func secretCodes() []Code {
	return []Code{
		{
			Name: "secret_missing", Status: api.FailedWithTerminalError, reasons: []error{errSecretMissing}, field: inPrivateKey,
			When: "the server does not have the secret", Remedy: "define it on the server",
		},
		{
			Name: "secret_unresolved", Status: api.Failed, reasons: []error{errSecretUnresolved},
			When: "the server delivered `${workflow.secrets.…}` itself", Remedy: "its secrets are off (see its log), or it is too old",
		},
		{
			Name: "secret_in_claim", Status: api.FailedWithTerminalError, reasons: []error{errSecretInClaim},
			When: "a claim, header or `kid` contains a key or password", Remedy: "find where it comes from; replace the secret",
		},
		{
			Name: "secret_injected", Status: api.FailedWithTerminalError, reasons: []error{errSecretInjected},
			When: "the data contains `${workflow.secrets.…}`", Remedy: "find where it comes from",
		},
		{
			Name: "injection_unchecked", Status: api.InProgress, reasons: []error{errInjectionUnchecked},
			When: "the stored task or workflow could not be read", Remedy: "permit `GET /tasks/{id}` and `GET /workflow/{id}`, or set `secret_injection` to `auto` or `key`",
		},
	}
}

func keyCodes() []Code {
	return []Code{
		{
			Name: "key_unreadable", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrUnreadable}, field: inPrivateKey,
			When: "the key's format is unknown", Remedy: "store it as PEM (PKCS#8) or JWK",
		},
		{
			Name: "key_public", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrPublic}, field: inPrivateKey,
			When: "a public key was given", Remedy: "give the private key",
		},
		{
			Name: "key_certificate", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrCertificate}, field: inPrivateKey,
			When: "a certificate or request was given", Remedy: "give the private key",
		},
		{
			Name: "key_encrypted", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrEncrypted}, field: inPrivateKey,
			When: "the key is encrypted", Remedy: "set `privateKeyPassword`",
		},
		{
			Name: "key_password", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrPassword}, field: inPrivateKeyPassword,
			When: "the password does not open the key", Remedy: "correct `privateKeyPassword`",
		},
		{
			Name: "key_ambiguous", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrAmbiguous}, field: inPrivateKey,
			When: "there are several keys, or none with the id", Remedy: "give one, or set `privateKeyId`",
		},
		{
			Name: "key_weak", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrWeak}, field: inPrivateKey,
			When: "the key is too short", Remedy: "make a longer key",
		},
		{
			Name: "key_too_large", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrTooLarge}, field: inPrivateKey,
			When: "the key, or the work to open it, exceeds a limit", Remedy: "make a smaller key",
		},
		{
			Name: "key_inconsistent", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrInconsistent}, field: inPrivateKey,
			When: "the key's values contradict each other", Remedy: "export it again",
		},
		{
			Name: "key_unsupported", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrUnsupported}, field: inPrivateKey,
			When: "this kind of key is not supported", Remedy: "use another kind",
		},
		{
			Name: "key_use", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrUse}, field: inPrivateKey,
			When: "the JWK is not for signing", Remedy: "`use` and `key_ops` must allow it",
		},
		{
			Name: "key_unknown", Status: api.Failed, reasons: []error{keys.ErrUnknown}, field: inKeyRef,
			When: "there is no key of that name", Remedy: "correct the name, or configure the key on every worker",
		},
		{
			Name: "profile_unknown", Status: api.FailedWithTerminalError, FailedWithProfiles: true, reasons: []error{errProfileUnknown}, field: inProfile,
			When: "there is no profile of that name", Remedy: "correct the name, or define the profile on every worker",
		},
		{
			Name: "key_unavailable", Status: api.InProgress, FailedAfterWait: true, reasons: []error{keys.ErrUnavailable}, field: inKeyRef,
			When: "the key store failed or timed out", Remedy: "wait, then check the key store",
		},
		{
			Name: "algorithm_unknown", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrAlgorithmUnknown}, field: inAlgorithm,
			When: "no algorithm has that exact name", Remedy: "use the suggested name",
		},
		{
			Name: "algorithm_mismatch", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrAlgorithmMismatch, provider.ErrAlgorithm}, field: inAlgorithm,
			When: "the algorithm does not fit the key", Remedy: "use the suggested algorithm, or another key",
		},
	}
}

// codeTokenInvalid is the code that a task may report instead of failing with it.
const codeTokenInvalid = "token_invalid"

func verifyCodes() []Code {
	return []Code{
		{
			Name: codeTokenInvalid, Status: api.FailedWithTerminalError, reasons: []error{errTokenInvalid}, field: inToken,
			When: "the token is not valid", Remedy: "see `output.error.faults`; reject the request",
		},
		{
			Name: "verifier_unknown", Status: api.FailedWithTerminalError, FailedWithVerifiers: true, reasons: []error{errVerifierUnknown}, field: inVerifier,
			When: "there is no verifier of that name", Remedy: "correct the name, or define the verifier on every worker",
		},
		{
			Name: "issuer_unavailable", Status: api.InProgress, FailedAfterWait: true, reasons: []error{errIssuerUnavailable}, field: inVerifier,
			When: "the keys of the issuer cannot be fetched", Remedy: "wait, then check the issuer",
		},
	}
}

func exchangeCodes() []Code {
	return []Code{
		{
			Name: "exchange_refused", Status: api.FailedWithTerminalError, reasons: []error{exchange.ErrRefused}, field: inProfile,
			When: "the provider refused the assertion", Remedy: "look up `output.error.provider.error` in the provider's recipe",
		},
		{
			Name: "exchange_unavailable", Status: api.InProgress, FailedAfterWait: true, reasons: []error{exchange.ErrUnavailable}, field: inProfile,
			When: "the provider is unreachable, slow or failing, or limits the rate", Remedy: "wait, then check the provider's status",
		},
	}
}

func lastCodes() []Code {
	return []Code{
		{
			Name: "ttl_out_of_range", Status: api.FailedWithTerminalError, reasons: []error{errTTLOutOfRange, provider.ErrLifetime}, field: inTTL,
			When: "the ttl is below 1 s or over the maximum", Remedy: "ask for less, or raise `max_ttl`",
		},
		{
			Name: "scope_invalid", Status: api.FailedWithTerminalError, reasons: []error{errScopeInvalid}, field: inScopes,
			When: "a scope contains an invalid character", Remedy: "see RFC 6749 §3.3",
		},
		{
			Name: "certificate_mismatch", Status: api.FailedWithTerminalError, reasons: []error{signer.ErrCertificateMismatch}, field: inCertificate,
			When: "the certificate belongs to another key", Remedy: "give this key's certificate, leaf first",
		},
		{
			Name: "certificate_invalid", Status: api.FailedWithTerminalError, reasons: []error{keys.ErrCertificateInvalid}, field: inCertificate,
			When: "the certificate is unreadable, expired or out of order", Remedy: "give a PEM chain, leaf first",
		},
		{
			Name: "policy_denied", Status: api.FailedWithTerminalError, reasons: []error{errPolicyDenied, exchange.ErrEndpoint},
			When: "the policy does not allow it", Remedy: "ask the operator for a grant",
		},
		{
			Name: "timeout", Status: api.Failed, reasons: []error{context.DeadlineExceeded, context.Canceled},
			When: "the deadline was reached", Remedy: "wait: the server retries",
		},
		{
			Name: "internal", Status: api.Failed, reasons: []error{errInternal},
			When: "a bug in the worker", Remedy: "report it with the log line",
		},
	}
}

// faultOf returns what an error means for its task: the code, the input at fault,
// a message without any value, and the task's status. An error that no row of
// [Codes] lists is internal, and its text is not shown.
func faultOf(err error) (Fault, api.Status) {
	code := codeOf(err)
	f := Fault{Code: code.Name, Field: code.field, Message: internalMessage}
	f.Provider, _ = errors.AsType[*provider.Refused](err)
	switch code.Name {
	case "internal":
	case "timeout":
		f.Message = timeoutMessage
	default:
		f.Field, f.Message = detail(err, code)
	}
	return f, code.Status
}

// detail takes the field and the message from the error; the row of its code
// has them where the error does not.
func detail(err error, code Code) (field, message string) {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return code.field, sentence(code.When, code.Remedy)
	}
	inputs := inputNames()
	field = e.Field
	if input, ok := inputs[field]; ok {
		field = input
	}
	return cmp.Or(field, code.field), e.Message(inputs)
}

// inputNames returns the input behind each field of a key.
func inputNames() map[string]string {
	return map[string]string{
		fault.Key: inPrivateKey, fault.KeyID: inPrivateKeyID, fault.Password: inPrivateKeyPassword,
		fault.Algorithm: inAlgorithm, fault.Encoding: inSecretEncoding,
	}
}

const (
	internalMessage = "a fault of the worker; the task can be tried again"
	timeoutMessage  = "the task's deadline was reached before the token was signed; the server tries again"
)

// codeOf finds the row of an error; the last one, internal, fits every other.
func codeOf(err error) Code {
	codes := Codes()
	for _, code := range codes {
		for _, reason := range code.reasons {
			if errors.Is(err, reason) {
				return code
			}
		}
	}
	return codes[len(codes)-1]
}

func sentence(found, hint string) string {
	if hint == "" {
		return found
	}
	return found + "; " + hint
}

func refuse(reason error, field, found, hint string) error {
	return &fault.Error{Reason: reason, Field: field, Found: found, Hint: hint}
}

func invalid(field, found, hint string) error {
	return refuse(errInputInvalid, field, found, hint)
}

func tooLarge(field, found, hint string) error {
	return refuse(errInputTooLarge, field, found, hint)
}

// maxNameShown is the length in bytes of an input's name in a message.
const maxNameShown = 64

// shown returns an input's name as a message may hold it.
func shown(name string) string { return printable.ASCII(name, maxNameShown) }

// oneOf writes a list of allowed values: "a, b or c".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
