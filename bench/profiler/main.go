// Profile runs the worker itself, as its command line would, against the stub
// server in a process of its own, and writes a CPU profile and an allocation
// profile of it.
//
//	go run ./bench/profiler -alg RS256 -slots 10 -o /tmp
package main

import (
	"bufio"
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
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"conductor-jwt/bench/stub"
	"conductor-jwt/cli"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	algorithm := flag.String("alg", "RS256", "algorithm: RS256, ES256, EdDSA")
	slots := flag.Int("slots", 10, "slots of the worker")
	tasks := flag.Int("n", 20000, "tasks to run")
	injection := flag.String("injection", "key", "secret_injection of the worker")
	dir := flag.String("o", ".", "folder for cpu.prof and allocs.prof")
	serve := flag.Bool("serve", false, "be the server")
	flag.Parse()
	if *serve {
		return server(*algorithm) //nolint:contextcheck // it serves until it is killed
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, self, "-serve", "-alg", *algorithm) //nolint:gosec // itself
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	defer func() { _ = command.Process.Kill() }()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	env := cli.Env{
		Args: []string{
			"worker", "--server-url", strings.TrimSpace(url), "--slots", strconv.Itoa(*slots), "--listen", "127.0.0.1:0",
			"--secret-injection", *injection, "--register-taskdefs", "off", "--once", strconv.Itoa(*tasks),
		},
		Stdin: &bytes.Buffer{}, Stdout: os.Stderr, Stderr: io.Discard,
		Getenv: func(string) (string, bool) { return "", false }, Environ: func() []string { return nil }, Now: time.Now,
	}
	return profiled(*dir, *tasks, func() int { return cli.Run(ctx, env) })
}

func profiled(dir string, tasks int, work func() int) error {
	cpu, err := os.Create(filepath.Join(dir, "cpu.prof")) //nolint:gosec // where the caller wants it
	if err != nil {
		return err
	}
	runtime.MemProfileRate = 1 << 18 // finer, it would be what is measured
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	started := time.Now()
	status := work()
	took := time.Since(started)
	pprof.StopCPUProfile()
	if status != 0 {
		return fmt.Errorf("the worker ended with status %d", status)
	}
	fmt.Fprintf(os.Stderr, "%.0f tasks/s\n", float64(tasks)/took.Seconds())
	allocs, err := os.Create(filepath.Join(dir, "allocs.prof")) //nolint:gosec // where the caller wants it
	if err != nil {
		return err
	}
	err = pprof.Lookup("allocs").WriteTo(allocs, 0)
	return errors.Join(err, cpu.Close(), allocs.Close())
}

func server(algorithm string) error {
	key, err := newKey(algorithm)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	task, err := stub.Task(algorithm, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(os.Stdout, "http://%s/api\n", listener.Addr()); err != nil {
		return err
	}
	s := &http.Server{Handler: stub.New(stub.Options{Task: task, Endless: true}), ReadHeaderTimeout: time.Minute}
	return s.Serve(listener)
}

func newKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "RS256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, errors.New("no such algorithm")
}
