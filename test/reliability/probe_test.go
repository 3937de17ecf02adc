package reliability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"conductor-jwt/test/conductortest"
)

// alive asks a worker's two probes, and wants it to live and to be ready or not.
func alive(ctx context.Context, w Worker, ready int) error {
	base, err := Probe(ctx, w)
	if err != nil {
		return err
	}
	for page, want := range map[string]int{"/livez": http.StatusOK, "/readyz": ready} {
		got, body, err := conductortest.Ask(ctx, base+page)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		if got != want {
			return fmt.Errorf("%s is %d, want %d: %s", page, got, want, body)
		}
	}
	return nil
}

// eventually asks until the answer is yes.
func eventually(ctx context.Context, what string, yes func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("never: " + what)
		}
	}
	return nil
}
