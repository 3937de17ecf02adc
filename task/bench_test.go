package task_test

import (
	"context"
	"testing"
	"time"

	"conductor-jwt/conductor/api"
	"conductor-jwt/exchange"
	"conductor-jwt/internal/secret"
	"conductor-jwt/provider"
	"conductor-jwt/task"
)

func BenchmarkHandle(b *testing.B) {
	h := task.NewHandler(options())
	d := api.Task{ID: "task-1", Scheduled: noon, Input: input(seedInput), Template: []byte(seedTemplate)}
	b.ReportAllocs()
	for b.Loop() {
		if out := h.Handle(b.Context(), d); out.Status != api.Completed {
			b.Fatal(out.Reason)
		}
	}
}

// BenchmarkExchange is a task whose access token is kept already.
func BenchmarkExchange(b *testing.B) {
	o := options()
	o.Exchange = &kept{}
	h := task.NewHandler(o)
	d := api.Task{ID: "task-1", Type: task.AccessTokenType, Scheduled: noon, Input: input(rsaWith(githubInput + `,"parameters":{"installationId":1}`))}
	b.ReportAllocs()
	for b.Loop() {
		if out := h.Handle(b.Context(), d); out.Status != api.Completed {
			b.Fatal(out.Reason)
		}
	}
}

// kept is an exchange that has every token.
type kept struct{}

func (*kept) Token(context.Context, exchange.Request) (provider.Token, bool, error) {
	return provider.Token{AccessToken: secret.New("a"), TokenType: "Bearer", IssuedAt: noon, Expires: noon.Add(time.Hour)}, true, nil
}
