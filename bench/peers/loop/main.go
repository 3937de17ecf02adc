// Loop is a minimal Go worker: it polls, signs and updates, without retries,
// checks or metrics. Built without cgo it signs with Go's RSA, built with cgo
// with OpenSSL's.
package main

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"conductor-jwt/keys/openssl"
)

type polled struct {
	TaskID     string `json:"taskId"`
	WorkflowID string `json:"workflowInstanceId"`
	Input      struct {
		Subject, Issuer, Audience, Algorithm string
		PrivateKey, PrivateKeyID             string
		TTLInSecond                          int64
		Scopes                               []string
	} `json:"inputData"`
}

type loop struct {
	base   string
	queue  string
	slots  chan struct{}
	client *http.Client

	mu   sync.Mutex
	keys map[string]crypto.Signer
}

func main() {
	fmt.Fprintln(os.Stderr, "error:", run())
	os.Exit(1)
}

// run always returns an error.
func run() error {
	slots, err := strconv.Atoi(os.Getenv("BENCH_SLOTS")) //nolint:forbidigo // a separate program
	if err != nil {
		return err
	}
	l := &loop{
		base: os.Getenv("BENCH_URL"), slots: make(chan struct{}, slots), keys: map[string]crypto.Signer{}, //nolint:forbidigo // a separate program
		queue:  cmp.Or(os.Getenv("BENCH_TASK_TYPE"), "GET_SIGNED_JWT"), //nolint:forbidigo // a separate program
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: slots + 1}},
	}
	for {
		if err := l.round(); err != nil {
			return err
		}
	}
}

// round takes all free slots, polls for as many tasks and starts them.
func (l *loop) round() error {
	l.slots <- struct{}{}
	n := 1
free:
	for n < cap(l.slots) {
		select {
		case l.slots <- struct{}{}:
			n++
		default:
			break free
		}
	}
	response, err := l.client.Get(fmt.Sprintf("%s/tasks/poll/batch/%s?count=%d&timeout=5000&workerid=loop", l.base, l.queue, n)) //nolint:noctx // it runs until the process ends
	if err != nil {
		return err
	}
	var tasks []polled
	err = json.NewDecoder(response.Body).Decode(&tasks)
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err != nil {
		return err
	}
	for range n - len(tasks) {
		<-l.slots
	}
	for i := range tasks {
		go func() {
			defer func() { <-l.slots }()
			if err := l.work(&tasks[i]); err != nil {
				fmt.Fprintln(os.Stderr, "error:", err)
			}
		}()
	}
	return nil
}

func (l *loop) work(t *polled) error {
	token, err := l.token(t)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"taskId": t.TaskID, "workflowInstanceId": t.WorkflowID, "status": "COMPLETED",
		"outputData": map[string]any{"token": token},
	})
	if err != nil {
		return err
	}
	response, err := l.client.Post(l.base+"/tasks", "application/json", bytes.NewReader(body)) //nolint:noctx // it runs until the process ends
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return err
}

func (l *loop) token(t *polled) (string, error) {
	key, err := l.key(t.Input.PrivateKey)
	if err != nil {
		return "", err
	}
	now := time.Now().Unix()
	header, err := json.Marshal(map[string]any{"alg": t.Input.Algorithm, "kid": t.Input.PrivateKeyID, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": t.Input.Issuer, "sub": t.Input.Subject, "aud": t.Input.Audience, "iat": now,
		"exp": now + t.Input.TTLInSecond, "jti": rand.Text(), "scope": t.Input.Scopes,
	})
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	signature, err := sign(key, []byte(input))
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (l *loop) key(text string) (crypto.Signer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key, ok := l.keys[text]; ok {
		return key, nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	if private, ok := parsed.(*rsa.PrivateKey); ok {
		if lib, err := openssl.Load(); err == nil {
			if key, err = lib.RSA(private); err != nil {
				return nil, err
			}
		}
	}
	l.keys[text] = key
	return key, nil
}

func sign(key crypto.Signer, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		return key.Sign(rand.Reader, input, crypto.Hash(0))
	case *ecdsa.PublicKey:
		der, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		var parts struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &parts); err != nil {
			return nil, err
		}
		size := (public.Curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		parts.R.FillBytes(signature[:size])
		parts.S.FillBytes(signature[size:])
		return signature, nil
	}
	return key.Sign(rand.Reader, digest[:], crypto.SHA256)
}
