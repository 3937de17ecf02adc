// Raw counts signatures of a library beside whole tokens of the signer that
// uses it, in turn and in slices so short that whatever else the machine does
// meets both. It prints one line of JSON.
//
//	go run ./bench/raw -alg RS256 -workers 2 -for 2s
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"conductor-jwt/internal/jsonobj"
	"conductor-jwt/internal/secret"
	"conductor-jwt/keys"
	"conductor-jwt/keys/openssl"
	"conductor-jwt/signer"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// result is what is printed.
type result struct {
	Raw    float64 `json:"raw"`    // signatures a second
	Token  float64 `json:"token"`  // tokens a second
	CPU    float64 `json:"cpu"`    // ms of a raw signature
	Growth float64 `json:"growth"` // MiB that became resident from the end of the first slice to the end
	Signed int64   `json:"signed"` // of both
}

// slice is how long one of the two is counted before the other.
const slice = 50 * time.Millisecond

func run(ctx context.Context) error {
	algorithm := flag.String("alg", "RS256", "algorithm: RS256, ES256, EdDSA")
	workers := flag.Int("workers", 1, "goroutines that sign")
	long := flag.Duration("for", 2*time.Second, "time of all")
	flag.Parse()
	raw, token, err := signers(ctx, keys.Algorithm(*algorithm))
	if err != nil {
		return err
	}
	if err := errors.Join(raw(), token()); err != nil {
		return err
	}
	var out result
	var raws, tokens, cpus []float64
	resident := 0.0
	for end := time.Now().Add(*long); time.Now().Before(end); {
		n, cpu, took, err := count(*workers, raw)
		if err != nil {
			return err
		}
		raws, cpus = append(raws, float64(n)/took.Seconds()), append(cpus, cpu.Seconds()*1000/float64(n))
		m, _, took, err := count(*workers, token)
		if err != nil {
			return err
		}
		tokens = append(tokens, float64(m)/took.Seconds())
		out.Signed += n + m
		if resident == 0 {
			resident = residentMiB()
		}
	}
	out.Growth = residentMiB() - resident
	out.Raw, out.Token, out.CPU = median(raws), median(tokens), median(cpus)
	return json.NewEncoder(os.Stdout).Encode(out)
}

// count does work in some goroutines for the length of a slice.
func count(workers int, work func() error) (n int64, cpu, took time.Duration, err error) {
	var done atomic.Int64
	failed := make(chan error, workers)
	started, used := time.Now(), cpuTime()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for time.Since(started) < slice {
				if err := work(); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took, cpu = time.Since(started), cpuTime()-used
	select {
	case err = <-failed:
	default:
	}
	return max(1, done.Load()), cpu, took, err
}

// signers gives one raw signature and one token, of the same library.
func signers(ctx context.Context, algorithm keys.Algorithm) (raw, token func() error, err error) {
	private, err := newKey(algorithm)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	var faster func(*rsa.PrivateKey) (keys.RSASigner, error) // nil for Go's own
	if lib, err := openssl.Load(); err == nil {
		faster = lib.RSA
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	parser := keys.NewParser(keys.ParserOptions{CacheSize: 1, RSA: faster})
	key, err := parser.Resolve(ctx, keys.Ref{Text: secret.New(string(text))})
	if err != nil {
		return nil, nil, err
	}
	library := private
	if rsaKey, ok := private.(*rsa.PrivateKey); ok && faster != nil {
		if library, err = faster(rsaKey); err != nil {
			return nil, nil, err
		}
	}
	token = func() error {
		_, err := signer.Sign(ctx, key, request(algorithm))
		return err
	}
	return rawSigner(library), token, nil
}

func rawSigner(library crypto.Signer) func() error {
	input := make([]byte, 300)
	digest := sha256.Sum256(input)
	return func() error {
		var err error
		if private, ok := library.(ed25519.PrivateKey); ok {
			_, err = private.Sign(nil, input, crypto.Hash(0))
		} else {
			_, err = library.Sign(rand.Reader, digest[:], crypto.SHA256)
		}
		return err
	}
}

// request is a token as the seed's task asks for.
func request(algorithm keys.Algorithm) signer.Request {
	var r signer.Request
	now := time.Now().Unix()
	r.Algorithm, r.KeyID = algorithm, "key-123"
	r.Header.String("typ", "JWT")
	r.Claims = jsonobj.New(7)
	r.Claims.String("iss", "https://issuer.example")
	r.Claims.String("sub", "user-4711")
	r.Claims.String("aud", "https://api.example")
	r.Claims.Int("exp", now+3600)
	r.Claims.Int("iat", now)
	r.Claims.String("jti", "5f0c8b3e-5a36-4b0e-9a39-0a2f2f1d9a51")
	r.Claims.String("scope", "read write")
	return r
}

func newKey(algorithm keys.Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case keys.RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case keys.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case keys.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, errors.New("no such algorithm")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentMiB is the second field of /proc/self/statm, in pages (proc_pid_statm(5)).
func residentMiB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	var size, resident int
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return float64(resident*os.Getpagesize()) / (1 << 20)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
