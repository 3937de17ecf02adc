package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"conductor-jwt/bench/stub"
	"conductor-jwt/bench/usage"
	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
	"conductor-jwt/signer"
)

// raw counts signatures and tokens, by `openssl speed` or in this process.
func (b *bench) raw(ctx context.Context, c Cell) (*Sample, error) {
	before, err := usage.Of()
	if err != nil {
		return nil, err
	}
	out := &Sample{Cell: c}
	if c.Worker == opensslSpeed {
		out.PerSecond, err = speed(ctx, c.Slots)
	} else {
		err = b.signatures(ctx, out)
	}
	if err != nil {
		return nil, err
	}
	after, err := usage.Of()
	if err != nil {
		return nil, err
	}
	out.Foreign = before.Foreign(after)
	if c.Worker == opensslSpeed {
		// The CPU of an exited process counts as foreign; subtract the maximum that
		// it can have used.
		out.Foreign = max(0, out.Foreign-float64(c.Slots))
	}
	return out, nil
}

// signatures counts signatures and tokens alternately, in slices so short that
// other load on the machine affects both.
func (b *bench) signatures(ctx context.Context, out *Sample) error {
	signature, token, err := signers(ctx, out.Algorithm, out.Worker == rawOpenSSL)
	if err != nil {
		return err
	}
	var perSecond, tokens, cpu []float64
	for end := time.Now().Add(b.window); time.Now().Before(end); {
		n, used, took, err := count(out.Slots, signature)
		if err != nil {
			return err
		}
		perSecond, cpu = append(perSecond, n/took.Seconds()), append(cpu, used.Seconds()*1000/n)
		if n, _, took, err = count(out.Slots, token); err != nil {
			return err
		}
		tokens = append(tokens, n/took.Seconds())
	}
	for _, list := range [][]float64{perSecond, tokens, cpu} {
		slices.Sort(list)
	}
	out.PerSecond, out.Tokens, out.CPU = quantile(perSecond, 0.5), quantile(tokens, 0.5), quantile(cpu, 0.5)
	return nil
}

// count repeats work in some goroutines for 50 ms. It returns the number of
// repetitions, the CPU time and the elapsed time.
func count(workers int, work func() error) (n float64, used, took time.Duration, err error) {
	var done atomic.Int64
	var all errgroup.Group
	started, before := time.Now(), cpuTime()
	for range workers {
		all.Go(func() error {
			for time.Since(started) < 50*time.Millisecond {
				if err := work(); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err = all.Wait()
	return float64(max(1, done.Load())), cpuTime() - before, time.Since(started), err
}

// cpuTime returns the CPU time of this process, more precisely than /proc, which
// has ticks of 10 ms.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// signers returns functions that make a raw signature and a token with the same
// library.
func signers(ctx context.Context, algorithm string, withOpenSSL bool) (signature, token func() error, err error) {
	text, _, err := stub.NewKey(algorithm)
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode([]byte(text))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	library, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("a key of type %T does not sign", parsed)
	}
	options := keys.ParserOptions{CacheSize: 1}
	if rsaKey, ok := parsed.(*rsa.PrivateKey); ok && withOpenSSL {
		lib, err := openssl.Load()
		if err != nil {
			return nil, nil, err
		}
		options.RSA = lib.RSA
		if library, err = lib.RSA(rsaKey); err != nil {
			return nil, nil, err
		}
	}
	key, err := keys.NewParser(options).Resolve(ctx, keys.Ref{Text: secret.New(text)})
	if err != nil {
		return nil, nil, err
	}
	input := make([]byte, 300)
	digest := sha256.Sum256(input)
	signature = func() error {
		var err error
		if _, ok := library.(ed25519.PrivateKey); ok {
			_, err = library.Sign(nil, input, crypto.Hash(0))
		} else {
			_, err = library.Sign(rand.Reader, digest[:], crypto.SHA256)
		}
		return err
	}
	token = func() error {
		_, err := signer.Sign(ctx, key, claims(keys.Algorithm(algorithm)))
		return err
	}
	return signature, token, nil
}

// claims returns the token that the stub server's task requests.
func claims(algorithm keys.Algorithm) signer.Request {
	r := signer.Request{Algorithm: algorithm, KeyID: "key-123", Claims: jsonobj.New(7)}
	now := time.Now().Unix()
	r.Header.String("typ", "JWT")
	r.Claims.String("iss", "https://issuer.example")
	r.Claims.String("sub", "user-4711")
	r.Claims.String("aud", "https://api.example")
	r.Claims.Int("exp", now+3600)
	r.Claims.Int("iat", now)
	r.Claims.String("jti", "5f0c8b3e-5a36-4b0e-9a39-0a2f2f1d9a51")
	r.Claims.String("scope", "read write")
	return r
}

// speed returns the signatures per second of `openssl speed rsa2048` in several
// processes, in elapsed time like all other figures.
func speed(ctx context.Context, processes int) (float64, error) {
	args := []string{"speed", "-elapsed", "-seconds", "1"}
	if processes > 1 {
		args = append(args, "-multi", strconv.Itoa(processes))
	}
	text, err := exec.CommandContext(ctx, "openssl", append(args, "rsa2048")...).Output() //nolint:gosec // a constant name
	if err != nil {
		return 0, err
	}
	row := regexp.MustCompile(`rsa 2048 bits +[0-9.]+s +[0-9.]+s +([0-9.]+)`).FindSubmatch(text)
	if row == nil {
		return 0, fmt.Errorf("the output of openssl speed has no row for rsa 2048")
	}
	return strconv.ParseFloat(string(row[1]), 64)
}

// shellRuns is the number of runs of a command for a sample.
const shellRuns = 20

// shell measures the median time of signing a token on the command line.
func (b *bench) shell(ctx context.Context, c Cell) (*Sample, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	text, _, err := stub.NewKey(c.Algorithm)
	if err != nil {
		return nil, err
	}
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
		return nil, err
	}
	words := []string{filepath.Join(b.dir, c.Worker), "sign"}
	if c.Worker == step {
		words = []string{filepath.Join(b.dir, step), "crypto", "jwt", "sign"}
	}
	words = append(words, "--key", key, "--iss", "me", "--aud", "api", "--sub", "me", "--exp", "4102444800")
	var times []float64
	for range shellRuns {
		started := time.Now()
		if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil { //nolint:gosec // a constant name
			return nil, fmt.Errorf("%w\n%.1000s", err, out)
		}
		times = append(times, time.Since(started).Seconds()*1000)
	}
	slices.Sort(times)
	return &Sample{Cell: c, Millis: quantile(times, 0.5)}, nil
}
