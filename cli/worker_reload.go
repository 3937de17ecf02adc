package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"conductor-jwt/internal/printable"
	"conductor-jwt/internal/readfile"
	"conductor-jwt/policy"
)

// watchInterval is the time between two looks at the files of the policy. A change
// is taken at the second look that finds it.
const watchInterval = 5 * time.Second

// policyFiles are the policy file and other files that are read when it is.
type policyFiles struct {
	policy string
	others []string
	read   fingerprint // when they were read
	last   fingerprint // at the last look
	hangs  *atomic.Bool
}

// fingerprint is the state of files: the policy by its content, the others by
// their sizes and times, because they may hold secrets.
type fingerprint struct {
	policy [sha256.Size]byte
	others string
}

// newPolicyFiles returns the policy file alone, as it is now.
func newPolicyFiles(ctx context.Context, path string) policyFiles {
	f := policyFiles{policy: path, hangs: new(atomic.Bool)}
	f.read, _ = f.look(ctx)
	f.last = f.read
	return f
}

// with returns f with other files, as they are now. The policy stays as it was.
func (f policyFiles) with(ctx context.Context, others []string) policyFiles {
	f.others = others
	now, _ := f.look(ctx)
	f.read.others = now.others
	f.last = f.read
	return f
}

// changed reports whether the files are not as they were read, and are as at the
// look before: a file that is being written is not read.
func (f *policyFiles) changed(ctx context.Context) bool {
	now, ok := f.look(ctx)
	if !ok {
		return false
	}
	settled := now == f.last
	f.last = now
	return settled && now != f.read
}

// look returns the state of the files. One that is missing or not regular, such as
// a pipe, has the state of an empty file. While a call of an earlier look hangs, as
// on a file server that does not answer, look makes none, and ok is false.
func (f *policyFiles) look(ctx context.Context) (now fingerprint, ok bool) {
	if !f.hangs.CompareAndSwap(false, true) {
		return fingerprint{}, false
	}
	path, others, hangs := f.policy, f.others, f.hangs
	now, err := readfile.Within(ctx, func() (fingerprint, error) {
		defer hangs.Store(false)
		return fingerprint{hashOf(path), stampsOf(others)}, nil
	})
	return now, err == nil
}

// hashOf returns the hash of a file's content.
func hashOf(path string) [sha256.Size]byte {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSettings {
		return [sha256.Size]byte{}
	}
	text, err := os.ReadFile(path) //nolint:gosec,forbidigo // the operator names it, and look calls this within a time
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}

func stampsOf(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		b.WriteString(path)
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&b, "\x00%d\x00%d", info.Size(), info.ModTime().UnixNano())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// filesReadOnce returns the files of the key stores' connections that are read when
// the policy is. The others are read for each login.
func filesReadOnce(env Env, p *policy.Policy) []string {
	if p == nil {
		return nil
	}
	paths := []string{p.Vault.CAFile}
	if usesScheme(p, policy.SchemeAWSKMS) {
		for _, file := range [][2]string{{"AWS_SHARED_CREDENTIALS_FILE", "credentials"}, {"AWS_CONFIG_FILE", "config"}} {
			path := env.variable(file[0])
			if home := env.variable("HOME"); path == "" && home != "" {
				path = filepath.Join(home, ".aws", file[1])
			}
			paths = append(paths, path)
		}
	}
	if usesScheme(p, policy.SchemeAzureKMS) {
		paths = append(paths, env.variable("AZURE_CLIENT_CERTIFICATE_PATH"))
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

// filesOfKeys returns the files that the sources of keys and the verifiers read.
func filesOfKeys(ctx context.Context, env Env, p *policy.Policy) []string {
	if p == nil {
		return nil
	}
	paths := sourceFiles(ctx, env, p)
	for _, v := range p.Verifiers {
		if path, ok := v.JWKSFile(); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

func usesScheme(p *policy.Policy, scheme string) bool {
	return slices.ContainsFunc(p.Keys, func(k policy.Key) bool {
		return slices.ContainsFunc(k.Versions, func(v policy.Version) bool { return v.Scheme() == scheme })
	})
}

// reload reads the policy again. If the new file has a fault, the policy in force
// stays as it is, and the file is read again when it changes, or on SIGHUP.
func (s *signing) reload(ctx context.Context) {
	if s.c.Policy == "" {
		s.log.InfoContext(ctx, "there is no policy to read again; settings are read at the start only")
		return
	}
	next, err := s.read(ctx)
	if ctx.Err() != nil {
		return // the worker is shutting down
	}
	if err != nil {
		s.reloads.refused()
		s.log.ErrorContext(ctx, "the policy file has an error; the previous policy stays in force", "problem", firstLine(err), "hint", hintOf(err))
		return
	}
	s.refresh(ctx, next)
	s.current.Swap(next).end()
	if s.exchanger != nil {
		s.exchanger.Sweep()
	}
	s.reloads.taken(s.env.Now())
	s.log.InfoContext(ctx, "the policy was read again", "path", printable.Name(s.c.Policy))
}

// reloadMetrics count the reloads of the policy.
type reloadMetrics struct {
	total      *prometheus.CounterVec
	successful prometheus.GaugeFunc
	at         prometheus.Gauge
	isRefused  *atomic.Bool // the last one
}

func newReloadMetrics(start time.Time) reloadMetrics {
	isRefused := new(atomic.Bool)
	m := reloadMetrics{
		isRefused: isRefused,
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "conductor_jwt_policy_reloads_total", Help: "Reloads of the policy.",
		}, []string{"result"}),
		successful: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "conductor_jwt_policy_last_reload_successful", Help: "Whether the policy that was read last is in force; 1 without a policy.",
		}, func() float64 {
			if isRefused.Load() {
				return 0
			}
			return 1
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "conductor_jwt_policy_last_reload_success_timestamp_seconds", Help: "When the policy in force was read, or the worker started without one.",
		}),
	}
	for _, result := range []string{reloadTaken, reloadRefused} {
		m.total.WithLabelValues(result)
	}
	m.inForce(start)
	return m
}

const reloadTaken, reloadRefused = "taken", "refused"

func (m reloadMetrics) inForce(at time.Time) {
	m.isRefused.Store(false)
	m.at.Set(float64(at.UnixMilli()) / 1000)
}

func (m reloadMetrics) taken(at time.Time) {
	m.total.WithLabelValues(reloadTaken).Inc()
	m.inForce(at)
}

func (m reloadMetrics) refused() {
	m.total.WithLabelValues(reloadRefused).Inc()
	m.isRefused.Store(true)
}

func (m reloadMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.total, m.successful, m.at}
}
