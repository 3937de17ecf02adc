package reliability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Probe is where a worker says that it serves health and metrics.
func Probe(ctx context.Context, w Worker) (string, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if base, ok := served(w.Log()); ok {
			return base, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("no address in the log:\n%s", w.Log())
		}
	}
}

// served is the address that a log tells.
func served(log string) (string, bool) {
	for line := range strings.SplitSeq(log, "\n") {
		var entry struct{ Msg, Address string }
		if strings.Contains(line, "health and metrics") && json.Unmarshal([]byte(line), &entry) == nil {
			return "http://" + entry.Address, entry.Msg == "health and metrics are served"
		}
	}
	return "", false
}

// Ask gets a page.
func Ask(ctx context.Context, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), errors.Join(err, answer.Body.Close())
}

// alive asks a worker's two probes, and wants it to live and to be ready or not.
func alive(ctx context.Context, w Worker, ready int) error {
	base, err := Probe(ctx, w)
	if err != nil {
		return err
	}
	for page, want := range map[string]int{"/livez": http.StatusOK, "/readyz": ready} {
		got, body, err := Ask(ctx, base+page)
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
