package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"conductor-jwt/bench/stub"
)

// stage is one worker in front of one server.
type stage struct {
	server  *stub.Server
	http    *http.Server
	command *exec.Cmd
	output  *bytes.Buffer
	started time.Time
	public  crypto.PublicKey
}

// set starts a server and a worker for it.
func (b *bench) set(ctx context.Context, c Cell) (*stage, error) {
	text, public, err := newKey(c.Algorithm)
	if err != nil {
		return nil, err
	}
	task, err := stub.Task(c.Algorithm, text)
	if err != nil {
		return nil, err
	}
	s := &stage{public: public, output: &bytes.Buffer{}}
	s.server = stub.New(stub.Options{Task: task, Fills: c.Fills, Endless: c.Figure == Throughput})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.http = &http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(listener) }()

	words := b.command(c.Worker)
	s.command = exec.CommandContext(ctx, words[0], words[1:]...)                                      //nolint:gosec // of our own table
	s.command.Env = append(os.Environ(), c.environment("http://"+listener.Addr().String()+"/api")...) //nolint:forbidigo // the workers need PATH and HOME
	s.command.Stdout, s.command.Stderr = s.output, s.output
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.command.Cancel = func() error { return syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL) }
	s.started = time.Now()
	if err := s.command.Start(); err != nil {
		_ = s.http.Close()
		return nil, err
	}
	return s, nil
}

// strike ends the worker with all its processes, and the server.
func (s *stage) strike() {
	_ = syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL)
	_ = s.command.Wait()
	_ = s.http.Close()
}

// await waits until done says so.
func (s *stage) await(ctx context.Context, what string, done func(stub.State) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done(s.server.State()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no %s: %w\n%.4000s", what, ctx.Err(), s.output)
		}
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newKey(algorithm string) (text string, public crypto.PublicKey, err error) {
	var key crypto.Signer
	switch algorithm {
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("no such algorithm")
	}
	if err != nil {
		return "", nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), key.Public(), nil
}

// check looks at the tokens of some updates, and at whether any came twice: a
// worker that is fast and wrong is not fast.
func (s *stage) check() error {
	state := s.server.State()
	if state.Twice > 0 {
		return fmt.Errorf("%d tasks were updated twice", state.Twice)
	}
	token := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
	updates := s.server.Updates()
	for update := range slices.Chunk(updates, max(1, len(updates)/50)) {
		text := token.Find(update[0].Body)
		_, err := jwt.Parse(string(text), func(*jwt.Token) (any, error) { return s.public, nil })
		if err != nil {
			return fmt.Errorf("%s: %w\n%.1000s", update[0].ID, err, update[0].Body)
		}
	}
	return nil
}
