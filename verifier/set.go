package verifier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"conductor-jwt/internal/bulkhead"
	"conductor-jwt/internal/fault"
	"conductor-jwt/keys"
)

const (
	// staleFor is how long a set stays in use when it cannot be fetched again.
	staleFor = 24 * time.Hour
	// minInterval is the minimum time between two fetches of a set that is in use: for
	// a kid that it does not have, and after a failure.
	minInterval = time.Minute
	// retryInterval is that of a set that is not there, because tasks wait for it.
	retryInterval = 5 * time.Second
)

// issuerSet is the JWK Set of one verifier. It is fetched by the callers that need it,
// one at a time, and has no goroutine. It is safe for concurrent use.
type issuerSet struct {
	name    string // of the verifier
	waiting *bulkhead.Bulkhead
	metrics *Metrics
	now     func() time.Time
	log     *slog.Logger

	fetching chan struct{} // of one element: held by the caller that fetches

	mu    sync.Mutex
	state setState
}

// setState is what is known of a set at one time.
type setState struct {
	fetched
	at       time.Time // when it was fetched; zero: never
	tried    time.Time // when the last fetch ended; zero: never
	searched time.Time // when the last fetch for an unknown kid ended; zero: never
	failure  error     // of the last fetch; nil: it succeeded
}

// errNoSet is the error of a choice from a set that is not there, or too old.
var errNoSet = errors.New("no set")

// choose returns the key for a token. Its error is errNoSet, or an [*Invalid].
func (s setState) choose(now time.Time, kid string, alg keys.Algorithm) (keys.Verifier, error) {
	if s.at.IsZero() || now.Sub(s.at) >= max(s.age, staleFor) {
		return nil, errNoSet
	}
	return ChooseFrom(s.set, kid, alg)
}

// due reports whether the set is to be fetched: it is not there, it is too old, or the
// choice from it failed because it does not have the kid.
func (s setState) due(now time.Time, choice error) bool {
	since := now.Sub(s.tried)
	switch {
	case s.tried.IsZero():
		return true
	case errors.Is(choice, errNoSet):
		return since >= retryInterval
	case s.failure != nil:
		return since >= minInterval
	case isUnknownKey(choice) && now.Sub(s.searched) >= minInterval:
		return true
	}
	return now.Sub(s.at) >= s.age
}

func isUnknownKey(err error) bool {
	choice, ok := errors.AsType[*keys.SetError](err)
	return ok && choice.Unknown
}

// judge returns the result of a choice from a set that is not due. Whether the issuer
// has a key that the set does not have cannot be known while the issuer is away.
func (s setState) judge(key keys.Verifier, choice error) (keys.Verifier, error) {
	if s.failure != nil && (errors.Is(choice, errNoSet) || isUnknownKey(choice)) {
		return nil, s.failure
	}
	return key, choice
}

func (s *issuerSet) current() setState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// key returns the key for a token. It fetches the set from a source when it must, and
// then waits. If the set is in use although it is too old, one caller fetches it, and
// the others use it as it is.
func (s *issuerSet) key(ctx context.Context, from source, kid string, alg keys.Algorithm) (keys.Verifier, error) {
	for {
		state, now := s.current(), s.now()
		key, err := state.choose(now, kid, alg)
		if !state.due(now, err) {
			return state.judge(key, err)
		}
		unlock, lockErr := s.lock(ctx, err == nil)
		switch {
		case lockErr != nil && err == nil:
			return key, nil
		case lockErr != nil:
			return nil, lockErr
		}
		if s.current().tried.Equal(state.tried) { // nobody has fetched it meanwhile
			err = s.fetch(ctx, from, isUnknownKey(err))
		}
		unlock()
		if err != nil && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

var errLocked = errors.New("another caller fetches the set")

// lock waits until the caller may fetch, or with atOnce fails if it would have to
// wait. Callers that wait keep slots from other tasks: there may be a limited number of
// them.
func (s *issuerSet) lock(ctx context.Context, atOnce bool) (unlock func(), err error) {
	leave, err := s.waiting.Acquire()
	if err != nil {
		return nil, unavailable("too many tasks wait for the keys of issuers", "wait; or give the worker more slots")
	}
	unlock = func() {
		<-s.fetching
		leave(bulkhead.ErrUnknownEnd)
	}
	select {
	case s.fetching <- struct{}{}:
		return unlock, nil
	default:
	}
	if atOnce {
		leave(bulkhead.ErrUnknownEnd)
		return nil, errLocked
	}
	select {
	case s.fetching <- struct{}{}:
		return unlock, nil
	case <-ctx.Done():
		leave(bulkhead.ErrUnknownEnd)
		return nil, ctx.Err()
	}
}

// fetch fetches the set and notes the result, unless the caller was cancelled, which
// says nothing about the issuer. Search says that it is fetched for an unknown kid.
func (s *issuerSet) fetch(ctx context.Context, from source, search bool) error {
	got, err := from.fetch(ctx)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	now := s.now()
	s.mu.Lock()
	before := s.state
	s.state.tried, s.state.failure = now, err
	if err == nil {
		s.state.fetched, s.state.at = got, now
	}
	if search {
		s.state.searched = now
	}
	s.mu.Unlock()
	s.metrics.fetched(s.name, outcomeOf(err))
	s.report(ctx, before, err)
	return err
}

// report logs the first failure in a row, and its end.
func (s *issuerSet) report(ctx context.Context, before setState, err error) {
	switch {
	case err == nil && before.failure != nil:
		s.log.InfoContext(ctx, "the JWK Set of a verifier can be fetched again", "verifier", s.name)
	case err == nil || before.failure != nil:
	case before.at.IsZero():
		s.log.WarnContext(ctx, "the JWK Set of a verifier cannot be fetched; its tasks wait", "verifier", s.name, "problem", textOf(err))
	default:
		s.log.WarnContext(ctx, "the JWK Set of a verifier cannot be fetched; the last one stays in use for a day", "verifier", s.name, "problem", textOf(err))
	}
}

func textOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Message(nil)
	}
	return "it cannot be fetched"
}
