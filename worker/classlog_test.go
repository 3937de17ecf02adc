package worker

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"conductor-jwt/conductor"
)

func TestOneLineWhenTheClassChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		c := &classLog{log: slog.New(slog.NewTextHandler(log, nil)), call: "poll"}
		fail := func(class conductor.Class, n int, every time.Duration) {
			for range n {
				c.failed(t.Context(), &conductor.Error{Class: class}, jwtType)
				time.Sleep(every)
			}
		}
		lines := 0
		expect := func(what string, n int) {
			t.Helper()
			if got := log.count("\n"); got-lines != n {
				t.Errorf("%s: %d lines, want %d", what, got-lines, n)
			}
			lines = log.count("\n")
		}
		c.succeeded(t.Context(), jwtType)
		expect("all is well", 0)
		fail(conductor.Network, 100, 100*time.Millisecond)
		expect("ten seconds without a network", 1)
		fail(conductor.Network, 200, time.Second)
		expect("200 seconds more", 6)
		fail(conductor.Unauthorized, 5, time.Second)
		expect("another class", 1)
		c.succeeded(t.Context(), jwtType)
		expect("it is over", 1)
		c.succeeded(t.Context(), jwtType)
		expect("and stays so", 0)
		for range 1000 { // one call of ten fails
			fail(conductor.Server, 1, 10*time.Millisecond)
			for range 9 {
				c.succeeded(t.Context(), jwtType)
				time.Sleep(10 * time.Millisecond)
			}
		}
		expect("100 seconds of flapping", 4)
	})
}
