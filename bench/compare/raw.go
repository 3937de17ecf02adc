package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"conductor-jwt/bench/usage"
)

// raw counts signatures: by openssl's own measure, or by bench/raw.
func (b *bench) raw(ctx context.Context, c Cell) (*Sample, error) {
	before, err := usage.Of()
	if err != nil {
		return nil, err
	}
	out := &Sample{Cell: c}
	if c.Worker == opensslSpeed {
		out.PerSecond, err = speed(ctx, c.Slots)
	} else {
		err = b.signatures(ctx, c, out)
	}
	if err != nil {
		return nil, err
	}
	after, err := usage.Of()
	if err != nil {
		return nil, err
	}
	// What was started has ended, so its time is not told from that of others:
	// more than it can have used was used by them.
	out.Foreign = max(0, before.Foreign(after)-float64(c.Slots))
	return out, nil
}

// signatures runs bench/raw, which counts signatures and tokens in turn.
func (b *bench) signatures(ctx context.Context, c Cell, out *Sample) error {
	words := b.command(c.Worker)
	text, err := exec.CommandContext(ctx, words[0], "-alg", c.Algorithm, "-workers", strconv.Itoa(c.Slots), "-for", b.window.String()).Output() //nolint:gosec // of our own table
	if err != nil {
		return err
	}
	var r struct{ Raw, Token, CPU float64 }
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	out.PerSecond, out.Tokens, out.CPU = r.Raw, r.Token, r.CPU
	return nil
}

// speed is what `openssl speed rsa2048` says, in as many processes, by the clock
// as all else here is: on a quiet machine that is its own measure of CPU.
func speed(ctx context.Context, processes int) (float64, error) {
	args := []string{"speed", "-elapsed", "-seconds", "1"}
	if processes > 1 {
		args = append(args, "-multi", strconv.Itoa(processes))
	}
	text, err := exec.CommandContext(ctx, "openssl", append(args, "rsa2048")...).Output() //nolint:gosec // of our own table
	if err != nil {
		return 0, err
	}
	row := regexp.MustCompile(`rsa 2048 bits +[0-9.]+s +[0-9.]+s +([0-9.]+)`).FindSubmatch(text)
	if row == nil {
		return 0, fmt.Errorf("openssl speed said nothing of rsa 2048")
	}
	return strconv.ParseFloat(string(row[1]), 64)
}

// runs is how often a command is run for one sample.
const runs = 20

// shell takes the time of signing one token on the command line, from start to
// end, in the median.
func (b *bench) shell(ctx context.Context, c Cell) (*Sample, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	text, _, err := newKey(c.Algorithm)
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
	for range runs {
		started := time.Now()
		if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil { //nolint:gosec // of our own table
			return nil, fmt.Errorf("%w\n%.1000s", err, out)
		}
		times = append(times, time.Since(started).Seconds()*1000)
	}
	slices.Sort(times)
	return &Sample{Cell: c, Millis: quantile(times, 0.5)}, nil
}
