package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"conductor-jwt/test/conductorjar"
)

// metric is the sum of a metric over its labels, of which one, such as
// version="1.0.0", may be demanded.
func (w *workerProcess) metric(ctx context.Context, t *testing.T, name, label string) float64 {
	t.Helper()
	api := conductorjar.NewAPI(w.url)
	defer api.Close()
	page, err := api.Get(ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		end := strings.LastIndex(lines.Text(), "} ") // a label may hold spaces, as "openssl 3.0.19" does
		if end < 0 {
			continue
		}
		series, number := lines.Text()[:end+1], lines.Text()[end+2:]
		if !strings.HasPrefix(series, name+"{") || !strings.Contains(series, label) {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("%s: %q is no number", name, number)
		}
		sum += value
	}
	return sum
}

// signed is how many tokens a worker has signed.
func (w *workerProcess) signed(ctx context.Context, t *testing.T) int {
	t.Helper()
	return int(w.metric(ctx, t, "conductor_jwt_tokens_total", ""))
}
