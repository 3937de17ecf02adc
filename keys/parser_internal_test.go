package keys

import (
	"context"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// costlyKey demands as much memory as a key may: 32 MiB. No password opens it.
func costlyKey(t *testing.T) string {
	t.Helper()
	type algorithm struct {
		OID    asn1.ObjectIdentifier
		Params any
	}
	type scrypt struct {
		Salt    []byte
		N, R, P int
	}
	type pbes2 struct{ KDF, Encryption algorithm }
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Sealed    []byte
	}{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, pbes2{
			algorithm{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, scrypt{make([]byte, 8), 1 << 15, 8, 1}},
			algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, make([]byte, 16)},
		}},
		make([]byte, 64),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}

func testdataFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// maxMemory is the memory limit of a replica in the chart.
const maxMemory = 128 << 20

// TestFourDerivationsAtOnceStayBelowTheChartsLimit runs in a process of its own
// to measure its peak.
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
	p, text := NewParser(ParserOptions{}), costlyKey(t)
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

// printPeak prints the largest resident size of the process, where the system
// reports it.
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

func TestADerivationTakesNoPlaceOfASignature(t *testing.T) {
	text := costlyKey(t)
	synctest.Test(t, func(t *testing.T) {
		p := NewParser(ParserOptions{})
		leave, err := p.gate.enterAlone(t.Context())
		if err != nil {
			t.Fatal(err)
		}
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
		if _, err := p.Resolve(t.Context(), Ref{Text: secret.New(testdataFile(t, "p256.sec1.pem"))}); err != nil {
			t.Errorf("a key without a password: %v", err)
		}
		waiting.Wait()
		leave()
	})
}

func TestAWrongPasswordIsDerivedOnce(t *testing.T) {
	now := time.Unix(0, 0)
	p := NewParser(ParserOptions{Now: func() time.Time { return now }})
	resolve := func(password string) error {
		_, err := p.Resolve(t.Context(), Ref{Text: secret.New(testdataFile(t, "p256.pbes2-hmacWithSHA256.pem")), Password: secret.New(password)})
		return err
	}
	wantPassword := func(err error) {
		t.Helper()
		if !errors.Is(err, ErrPassword) {
			t.Errorf("%v", err)
		}
	}
	wantPassword(resolve("wrong"))
	leave, err := p.gate.enterAlone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantPassword(resolve("wrong")) // it needs no place
	leave()
	if err := resolve("password"); err != nil {
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

// A digest must tell nothing about a key outside of the process.
func TestEachCacheHasDigestsOfItsOwn(t *testing.T) {
	ref := Ref{Text: secret.New("text"), KeyID: "k"}
	one, two := newCache(1, time.Minute, time.Now), newCache(1, time.Minute, time.Now)
	if again := one.digest(ref); one.digest(ref) != again || again == two.digest(ref) {
		t.Error("a digest is the same in each process, or another one each time")
	}
}
