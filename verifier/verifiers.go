// Package verifier verifies tokens of other issuers, by the verifiers of the
// operator's policy. It fetches their JWK Sets from the addresses that the policy
// names, or from those in the issuers' metadata; a token has no say in them.
package verifier

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/policy"
	"conductor-jwt/signer"
)

// Options configure a Verifiers. Every field is needed.
type Options struct {
	Client  Fetcher
	Waiting *bulkhead.Bulkhead // limits the callers that wait for a fetch
	Metrics *Metrics
	Now     func() time.Time
	Logger  *slog.Logger
}

// Verifiers are the verifiers of one policy, with their JWK Sets. It does not change
// but for the sets, and is safe for concurrent use.
type Verifiers struct {
	o      Options
	order  []*named
	byName map[string]*named
}

// named is one verifier.
type named struct {
	policy policy.Verifier
	source source
	set    *issuerSet
}

// New returns the verifiers of p, which may be nil. Those that before has with the same
// issuer and place keep their sets; before may be nil. A set in a file is read at once;
// the error is then a [*policy.Error].
func New(ctx context.Context, o Options, p *policy.Policy, before *Verifiers) (*Verifiers, error) {
	v := &Verifiers{o: o, byName: map[string]*named{}}
	if p == nil {
		p = &policy.Policy{}
	}
	var faults []*policy.Error
	for _, each := range p.Verifiers {
		n := &named{
			policy: each, set: before.setOf(each),
			source: source{client: o.Client, listed: p.ListsEndpoint, issuer: each.Issuer, jwks: each.JWKS},
		}
		if n.set == nil {
			n.set = &issuerSet{
				name: each.Name, waiting: o.Waiting, metrics: o.Metrics, now: o.Now, log: o.Logger, fetching: make(chan struct{}, 1),
			}
		}
		v.order, v.byName[each.Name] = append(v.order, n), n
		if _, isFile := each.JWKSFile(); !isFile {
			continue
		}
		if err := n.set.fetch(ctx, n.source, false); err != nil {
			faults = append(faults, p.Fault(each.Place, "jwks: "+textOf(err)))
		}
	}
	if err := policy.Join(faults...); err != nil {
		return nil, err
	}
	v.takeOver(before)
	return v, nil
}

// setOf returns the set of a verifier that is as it was; nil if there is none.
func (v *Verifiers) setOf(p policy.Verifier) *issuerSet {
	if v == nil {
		return nil
	}
	n, ok := v.byName[p.Name]
	if !ok || n.policy.Issuer != p.Issuer || n.policy.JWKS != p.JWKS {
		return nil
	}
	return n.set
}

// takeOver begins the metrics of the new verifiers, and ends those of verifiers that
// are gone.
func (v *Verifiers) takeOver(before *Verifiers) {
	for _, n := range v.order {
		v.o.Metrics.begin(n.policy.Name, verifyOutcomes(), fetchOutcomes())
	}
	if before == nil {
		return
	}
	for _, n := range before.order {
		if v.byName[n.policy.Name] == nil {
			v.o.Metrics.end(n.policy.Name)
		}
	}
}

// Request is a token to verify.
type Request struct {
	Verifier string  // the name; empty: Inline says what to expect
	Inline   *Inline // not nil if Verifier is empty
	Token    secret.Text
	Subject  string                 // empty: any
	Required []signer.RequiredClaim // all must hold
}

// Inline is a verifier that a task brings along.
type Inline struct {
	Key        secret.Text // a public key: PEM, JWK or JWK Set
	Issuer     string
	Audiences  []string
	Algorithms []keys.Algorithm
}

// Verify verifies a token. The error is an [*Invalid] if the token does not verify, an
// *[fault.Error] of [ErrUnknown] or [ErrUnavailable], that of the key in the task, or
// that of ctx.
func (v *Verifiers) Verify(ctx context.Context, r Request) (signer.Parsed, error) {
	if r.Verifier == "" {
		p, err := check(r.Token.Reveal(), r.Inline.rules(v.o.Now(), r), func(kid string, alg keys.Algorithm) (keys.Verifier, error) {
			return r.Inline.key(ctx, kid, alg)
		})
		v.o.Metrics.verified(inlineLabel, err)
		return p, err
	}
	n, ok := v.byName[r.Verifier]
	if !ok {
		return signer.Parsed{}, &fault.Error{Reason: ErrUnknown, Found: "no verifier of this name is configured", Hint: "name one of the policy file"}
	}
	p, err := check(r.Token.Reveal(), n.rules(v.o.Now(), r), func(kid string, alg keys.Algorithm) (keys.Verifier, error) {
		return n.set.key(ctx, n.source, kid, alg)
	})
	v.o.Metrics.verified(n.policy.Name, err)
	return p, err
}

// key reads the key of a task. A JWK Set without a key for the token is a fault of the
// token.
func (i *Inline) key(ctx context.Context, kid string, alg keys.Algorithm) (keys.Verifier, error) {
	key, err := keys.ReadForeign(ctx, keys.Ref{Text: i.Key, KeyID: kid, Algorithm: alg})
	if _, isChoice := errors.AsType[*keys.SetError](err); isChoice {
		return nil, noKey(err)
	}
	return key, err
}

func (i *Inline) rules(now time.Time, r Request) signer.Rules {
	return signer.Rules{
		Now: now, Algorithms: i.Algorithms, Issuer: i.Issuer, Audiences: i.Audiences, Subject: r.Subject, Required: r.Required,
	}
}

func (n *named) rules(now time.Time, r Request) signer.Rules {
	return signer.Rules{
		Now: now, Leeway: n.policy.Leeway, Algorithms: n.policy.Algorithms, Issuer: n.policy.Issuer, Audiences: n.policy.Audiences,
		Types: n.policy.Types, MaxAge: n.policy.MaxAge, Subject: r.Subject, Required: r.Required,
	}
}
