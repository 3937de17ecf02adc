package exchange

import (
	"errors"
	"fmt"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/outbound"
	"conductor-jwt/internal/printable"
	"conductor-jwt/keys/exposure"
	"conductor-jwt/provider"
)

// The reasons of the errors of [Exchanger.Token].
var (
	// ErrRefused has a [*provider.Refused] as its cause, whose texts may be printed.
	ErrRefused = errors.New("the provider refused the assertion")
	// ErrEndpoint means that the endpoint has an address that the policy must list.
	ErrEndpoint = errors.New("token endpoint not permitted")
	// ErrUnavailable says nothing about the assertion: a later attempt may succeed.
	ErrUnavailable = errors.New("no access token for now")
)

// errAnswered is the cause of an error about the answer of a host that works.
var errAnswered = errors.New("the host answered")

// throttled is the cause of an error after which the provider asked to wait.
type throttled time.Duration // 0: it did not say how long

// Error implements the error interface.
func (throttled) Error() string { return "the provider asked to wait" }

// hint says how long to wait, rounded up to a second.
func (t throttled) hint() string {
	if t == 0 {
		return "wait"
	}
	return "wait " + (time.Duration(t) + time.Second - 1).Truncate(time.Second).String()
}

// RetryAfterOf returns how long the provider asked to wait; 0 where it did not say.
func RetryAfterOf(err error) time.Duration {
	wait, _ := errors.AsType[throttled](err)
	return time.Duration(wait)
}

// unavailable returns an error of [ErrUnavailable]. Cause may be nil.
func unavailable(found, hint string, cause error) error {
	return &fault.Error{Reason: ErrUnavailable, Found: found, Hint: hint, Cause: cause}
}

// noAnswer returns the error of a request without an answer. It names the host where
// the profile does.
func (p *post) noAnswer(err error) error {
	endpoint := "token endpoint"
	if host := p.profile.KnownHost(p.request.URL); host != "" {
		endpoint += " " + host
	}
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return unavailable(endpoint+": there was no answer", "check the network", nil)
	}
	if errors.Is(e, outbound.ErrAddress) || errors.Is(e, outbound.ErrURL) {
		return &fault.Error{Reason: ErrEndpoint, Found: endpoint + ": " + e.Found, Hint: e.Hint}
	}
	var cause error
	if errors.Is(e, outbound.ErrTooLarge) {
		cause = errAnswered
	}
	return unavailable(endpoint+": "+e.Found, e.Hint, cause)
}

// skipped counts an exchange that is not made because of cause, and returns its error.
// The cause is throttled, [bulkhead.ErrOpen] or [bulkhead.ErrFull].
func (x *Exchanger) skipped(r *Request, cause error) error {
	x.metrics.count(r.Profile, outcomeSkipped)
	if wait, ok := errors.AsType[throttled](cause); ok {
		return unavailable("the provider has asked to wait before the next request", wait.hint()+", or ask for fewer tokens", wait)
	}
	if errors.Is(cause, bulkhead.ErrOpen) {
		return unavailable("the token endpoint has failed several times in a row and is not called for now", "look at the provider", nil)
	}
	return unavailable("too many tasks wait for this provider", "wait; or give the worker more slots", nil)
}

// maxDescription limits what is repeated of a refusal, in characters. Package provider
// limits its code.
const maxDescription = 200

// refusal returns the error of a refusal. Its texts are the provider's: they are left
// out where they repeat what was sent, and are escaped otherwise.
func (p *post) refusal(r *provider.Refused) error {
	sent := exposure.New(p.sent)
	clean := func(text string) string {
		if sent.In(text) || p.key.In(text) {
			return ""
		}
		return text
	}
	shown := &provider.Refused{Code: clean(r.Code), Description: printable.ASCII(clean(r.Description), maxDescription), Status: r.Status}
	found := fmt.Sprintf("the provider refused the assertion with status %d", r.Status)
	if shown.Code != "" {
		found += " (" + shown.Code + ")"
	}
	return &fault.Error{Reason: ErrRefused, Found: found, Hint: "compare the issuer, the key and the scopes with the provider's settings", Cause: shown}
}

// outcome is how an exchange ended, by the label of a metric.
type outcome string

// The outcomes.
const (
	outcomeGranted     outcome = "granted"
	outcomeRefused     outcome = "refused"
	outcomeThrottled   outcome = "throttled"   // the provider asked to wait
	outcomeUnavailable outcome = "unavailable" // no answer, or none that can be read
	outcomeDenied      outcome = "denied"      // the endpoint's address is not permitted
	outcomeSkipped     outcome = "skipped"     // nothing was posted, because of earlier failures or too many calls
)

func outcomeOf(err error) outcome {
	switch {
	case err == nil:
		return outcomeGranted
	case errors.Is(err, ErrRefused):
		return outcomeRefused
	case errors.Is(err, ErrEndpoint):
		return outcomeDenied
	}
	if _, ok := errors.AsType[throttled](err); ok {
		return outcomeThrottled
	}
	return outcomeUnavailable
}

// endOf returns the end of a call for the circuit breaker: only an outage is a failure
// of the service. A task may choose a path of a shared host where no token is issued.
func endOf(err error) error {
	switch outcomeOf(err) {
	case outcomeGranted, outcomeRefused:
		return nil
	case outcomeUnavailable:
		if !errors.Is(err, errAnswered) {
			return err
		}
	}
	return bulkhead.ErrUnknownEnd
}
