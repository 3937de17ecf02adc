package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	ct "conductor-jwt/test/conductortest"
)

// Sample is the state of the worker at a time.
type Sample struct {
	At          float64 // seconds since the load began
	Ended       int     // tasks
	Waiting     int     // tasks that have not ended
	Memory      float64 // resident, in MiB
	Goroutines  float64
	Descriptors float64
	CPU         float64 // seconds
}

// readSample reads the worker's metrics.
func readSample(ctx context.Context, base string) (Sample, error) {
	values, err := metrics(ctx, base)
	if err != nil {
		return Sample{}, err
	}
	return Sample{
		Memory: values["process_resident_memory_bytes"] / (1 << 20), Goroutines: values["go_goroutines"],
		Descriptors: values["process_open_fds"], CPU: values["process_cpu_seconds_total"],
	}, nil
}

// metrics returns the sum of all series of each metric.
func metrics(ctx context.Context, base string) (map[string]float64, error) {
	status, page, err := ct.Get(ctx, base+"/metrics")
	if err != nil {
		return nil, fmt.Errorf("soak: metrics: %w", err)
	}
	if status != 200 {
		return nil, fmt.Errorf("soak: metrics: status %d", status)
	}
	values := map[string]float64{}
	for line := range strings.Lines(page) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.LastIndexByte(line, '}'); i > 0 { // a label may hold spaces
			value = strings.TrimSpace(line[i+1:])
		}
		name, _, _ = strings.Cut(name, "{")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] += n
		}
	}
	return values, nil
}
