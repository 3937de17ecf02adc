package keys_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
)

// TestEveryTaskGetsItsOwnKey runs many tasks with few keys, wrong passwords and
// short deadlines on one parser with a small cache and a short ttl: each gets
// its own key, or its own error.
func TestEveryTaskGetsItsOwnKey(t *testing.T) {
	locked := secret.New(pemFile(t, "p256.legacy-aes256.pem"))
	set := secret.New(object{"keys": []any{octJWK(40).with("kid", "a"), octJWK(41).with("kid", "b")}}.text(t))
	open := keys.Ref{Text: locked, Password: secret.New("password")}
	wants := []struct {
		ref    keys.Ref
		id     string
		print  string
		reason error
	}{
		{ref: open, print: must(keys.Thumbprint(must(keys.NewParser(keys.ParserOptions{}).Resolve(t.Context(), open))))},
		{ref: keys.Ref{Text: locked, Password: secret.New("Password")}, reason: keys.ErrPassword},
		{ref: keys.Ref{Text: locked}, reason: keys.ErrEncrypted},
		{ref: keys.Ref{Text: set, KeyID: "a"}, id: "a"},
		{ref: keys.Ref{Text: set, KeyID: "b"}, id: "b"},
		{ref: keys.Ref{Text: set, KeyID: "c"}, reason: keys.ErrAmbiguous},
		{ref: keys.Ref{Text: set}, reason: keys.ErrAmbiguous},
		{ref: keys.Ref{Text: set, Encoding: keys.EncodingRaw}, reason: keys.ErrUnsupported},
	}
	var ticks atomic.Int64 // a minute for each look at the clock
	p := keys.NewParser(keys.ParserOptions{CacheSize: 2, Now: func() time.Time { return time.Unix(60*ticks.Add(1), 0) }})
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // what nobody waits for any more ends as well
	judged := make([]atomic.Int64, len(wants))
	var all sync.WaitGroup
	for task := range 32 {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(task), 0))
			for n := range 50 {
				which := dice.IntN(len(wants))
				want := wants[which]
				patience := time.Duration(dice.IntN(3000)) * time.Microsecond
				if n%4 == 0 {
					patience = time.Minute // and so is judged on any machine
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				k, err := p.Resolve(ctx, want.ref)
				late := ctx.Err() != nil
				cancel()
				if late && errors.Is(err, keys.ErrUnavailable) {
					continue
				}
				judged[which].Add(1)
				if want.reason != nil || err != nil {
					wantReason(t, err, want.reason)
					continue
				}
				wantKey(t, k, want.id, want.print)
			}
		})
	}
	all.Wait()
	for i := range judged {
		if n := judged[i].Load(); n < 20 {
			t.Errorf("want %d was judged %d times", i, n)
		}
	}
}

func wantKey(tb testing.TB, k keys.Key, id, print string) {
	tb.Helper()
	if k.ID() != id {
		tb.Errorf("the key %q, want %q", k.ID(), id)
	}
	if print == "" {
		return
	}
	if got, err := keys.Thumbprint(k); got != print {
		tb.Errorf("the key %s, %v", got, err)
	}
}
