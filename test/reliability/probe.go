package reliability

import (
	"context"
	"encoding/json"
	"fmt"
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
