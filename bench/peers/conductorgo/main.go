// Conductorgo is a worker as conductor-go's README has it, with golang-jwt.
package main

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/client"
	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/conductor-sdk/conductor-go/sdk/worker"
	"github.com/golang-jwt/jwt/v5"
)

// taskType is the queue: BENCH_TASK_TYPE, or that of the contract.
func taskType() string {
	return cmp.Or(os.Getenv("BENCH_TASK_TYPE"), "GET_SIGNED_JWT") //nolint:forbidigo // a separate program
}

// signer caches parsed keys by their text.
type signer struct{ keys sync.Map }

func main() {
	slots, err := strconv.Atoi(os.Getenv("BENCH_SLOTS")) //nolint:forbidigo // a separate program
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
	// CONDUCTOR_SERVER_URL is read from the environment.
	runner := worker.NewTaskRunnerWithApiClient(client.NewAPIClientFromEnv())
	s := &signer{}
	if err := runner.StartWorker(taskType(), s.work, slots, 100*time.Millisecond); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		runner.Shutdown(taskType())
	}()
	runner.WaitWorkers()
}

func (s *signer) work(t *model.Task) (any, error) {
	text := func(name string) string { v, _ := t.InputData[name].(string); return v }
	method := jwt.GetSigningMethod(text("algorithm"))
	key, err := s.key(text("privateKey"), method)
	if err != nil {
		return nil, err
	}
	ttl, _ := t.InputData["ttlInSecond"].(float64)
	now := time.Now()
	token := jwt.NewWithClaims(method, jwt.MapClaims{
		"iss": text("issuer"), "sub": text("subject"), "aud": text("audience"), "iat": now.Unix(),
		"exp": now.Add(time.Duration(ttl) * time.Second).Unix(), "jti": rand.Text(), "scope": t.InputData["scopes"],
	})
	token.Header["kid"] = text("privateKeyId")
	signed, err := token.SignedString(key)
	if err != nil {
		return nil, err
	}
	return map[string]any{"token": signed}, nil
}

func (s *signer) key(text string, method jwt.SigningMethod) (any, error) {
	if key, ok := s.keys.Load(text); ok {
		return key, nil
	}
	var key any
	var err error
	switch method.(type) {
	case *jwt.SigningMethodRSA:
		key, err = jwt.ParseRSAPrivateKeyFromPEM([]byte(text))
	case *jwt.SigningMethodECDSA:
		key, err = jwt.ParseECPrivateKeyFromPEM([]byte(text))
	default:
		key, err = jwt.ParseEdPrivateKeyFromPEM([]byte(text))
	}
	if err == nil {
		s.keys.Store(text, key)
	}
	return key, err
}
