package reliability

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"conductor-jwt/test/conductortest"
)

// slowest is an RSA key of 8192 bits, the maximum. It is stored because making
// one takes half a minute.
//
//go:embed testdata/rsa8192.pem
var slowest string

func slowKey(t *testing.T) Key {
	t.Helper()
	block, _ := pem.Decode([]byte(slowest))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the key is not an RSA key")
	}
	return Key{
		ID: "key-slow", Algorithm: "RS256", Text: slowest,
		public: key.Public(), private: [][]byte{key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes()},
	}
}

// While every core signs with the slowest key, the worker keeps polling and
// answers its probes. The test does not run in parallel, because it measures.
func TestSlowKeysAtFullConcurrency(t *testing.T) {
	tasks := 20 * runtime.GOMAXPROCS(0)
	var took []time.Duration
	polls := 0
	v, err := Row{
		Number: 17, Tasks: tasks, Options: Options{Lease: 50 * time.Second},
		Env: map[string]string{"CONDUCTOR_JWT_SLOTS": "200"},
		Steps: func(ctx context.Context, r *Run) error {
			if err := r.AwaitCompleted(ctx, 2); err != nil {
				return err
			}
			base, err := BaseURL(ctx, r.Worker())
			if err != nil {
				return err
			}
			before := r.Ledger.Calls("poll")
			for r.Ledger.Unended() > 2 {
				began := time.Now()
				if status, _, err := conductortest.Get(ctx, base+"/livez"); err != nil || status != 200 {
					return errors.Join(err, errors.New("/livez does not return 200"))
				}
				took = append(took, time.Since(began))
			}
			polls = r.Ledger.Calls("poll") - before
			return nil
		},
	}.Run(t.Context(), []Key{slowKey(t)}, builtWorker(t).Start)
	t.Log(v)
	if err != nil || v.Completed != v.Tasks || v.LedgerErr != nil || v.TokenErr != nil {
		t.Errorf("the verdict is %s; error: %v", v, err)
	}
	checkWorker(t, v)
	wantNoneLost(t, v)
	slices.Sort(took)
	if len(took) < 10 || polls == 0 {
		t.Fatalf("%d probes and %d polls while it signed, want at least 10 and 1", len(took), polls)
	}
	median, last := took[len(took)/2], took[len(took)*99/100]
	t.Logf("%d probes: median %s, 99th %s; %d polls", len(took), median, last, polls)
	if median > 250*time.Millisecond {
		t.Errorf("the median probe took %s, want at most 250 ms", median)
	}
}
