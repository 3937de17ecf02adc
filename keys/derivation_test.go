package keys

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/internal/secret"
)

// dearKey asks for as much memory as a key may: 32 MiB.
func dearKey(t *testing.T) string {
	t.Helper()
	return withDerivation(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, struct {
		Salt    []byte
		N, R, P int
	}{make([]byte, 8), 1 << 15, 8, 1})
}

// maxMemory is what the chart gives a replica.
const maxMemory = 128 << 20

// TestFourDerivationsAtOnceStayBelowTheChartsLimit runs in a process of its
// own, whose peak is its own.
func TestFourDerivationsAtOnceStayBelowTheChartsLimit(t *testing.T) {
	const child = "CONDUCTOR_JWT_TEST_FOUR_DERIVATIONS"
	if os.Getenv(child) != "" {
		fourDerivations(t)
		printPeak(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1", "GOMAXPROCS=4", fmt.Sprint("GOMEMLIMIT=", maxMemory))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, after, ok := strings.Cut(string(out), "peak: ")
	figure, _, _ := strings.Cut(after, "\n")
	peak, err := strconv.Atoi(figure)
	limit := maxMemory
	if hasRaceDetector() {
		limit *= 4 // its own memory comes on top
	}
	if runtime.GOOS == "linux" && (!ok || err != nil || peak > limit) {
		t.Errorf("a peak of %d bytes (%v), more than %d", peak, err, limit)
	}
}

func hasRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func fourDerivations(t *testing.T) {
	t.Helper()
	p, text := NewParser(ParserOptions{}), dearKey(t)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			_, err := p.Resolve(t.Context(), Ref{Text: secret.New(text), Password: secret.New(fmt.Sprint("wrong", n))})
			if !errors.Is(err, ErrPassword) {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
}

// printPeak prints the largest resident size that the process had, where the
// system says it.
func printPeak(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if figure, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(figure), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("peak: %d\n", kib<<10)
		}
	}
}

// TestADerivationKeepsNoPlaceFromASignature: both kinds of places are counted
// apart.
func TestADerivationKeepsNoPlaceFromASignature(t *testing.T) {
	text := dearKey(t)
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate()
		leave, err := gate.enterAlone(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p := NewParser(ParserOptions{Gate: gate})
		var waiting sync.WaitGroup
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 2 * runtime.GOMAXPROCS(0) {
			waiting.Go(func() {
				_, err := p.Resolve(short, Ref{Text: secret.New(text), Password: secret.New("x")})
				if !errors.Is(err, ErrUnavailable) {
					t.Errorf("a second derivation did not wait: %v", err)
				}
			})
		}
		synctest.Wait()
		if _, err := p.Resolve(t.Context(), Ref{Text: secret.New(keyFile(t, "p256.sec1.pem"))}); err != nil {
			t.Errorf("a key without a password: %v", err)
		}
		waiting.Wait()
		leave()
	})
}

func TestARefusedPasswordIsNotPutToWorkAgain(t *testing.T) {
	now := time.Unix(0, 0)
	gate := NewGate()
	p := NewParser(ParserOptions{Gate: gate, Now: func() time.Time { return now }})
	resolve := func(password string) error {
		_, err := p.Resolve(t.Context(), Ref{Text: secret.New(keyFile(t, "p256.pbes2-hmacWithSHA256.pem")), Password: secret.New(password)})
		return err
	}
	wantRefusal(t, resolve("wrong"), ErrPassword)
	leave, err := gate.enterAlone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, resolve("wrong"), ErrPassword) // it needs no place
	leave()
	if err := resolve(testPassword); err != nil {
		t.Errorf("the right password: %v", err)
	}
	now = now.Add(refusedTTL)
	if err := resolve("wrong"); !errors.Is(err, ErrPassword) || p.Stats().Misses != 3 {
		t.Errorf("the refusal outstays its time: %v, %+v", err, p.Stats())
	}
	for n := range 2 * refusedKept {
		p.refused.put(p.cache.digest(Ref{KeyID: fmt.Sprint(n)}), entry{err: err})
	}
	if n := p.refused.stats().Entries; n != refusedKept {
		t.Errorf("%d refusals are kept", n)
	}
}

func TestPBKDF2IsBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hashes := 0
	kdf := pbkdf2Params{iterations: maxPBKDF2Iterations, prf: func() hash.Hash { return &counted{sha256.New(), &hashes, cancel} }}
	key, err := kdf.derive(ctx, []byte("x"), 32)
	if key != nil || hashes > 100_000 {
		t.Errorf("it went on for %d hashes", hashes)
	}
	wantRefusal(t, err, ErrUnavailable)
}

// counted is a hash that ends a context when it has been used a while.
type counted struct {
	hash.Hash
	n    *int
	done func()
}

func (c *counted) Sum(b []byte) []byte {
	if *c.n++; *c.n == 10_000 {
		c.done()
	}
	return c.Hash.Sum(b)
}
