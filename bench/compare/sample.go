package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Figure is a kind of measurement.
type Figure string

// The figures.
const (
	Machine    Figure = "machine" // what it was measured on
	Throughput Figure = "throughput"
	Latency    Figure = "latency"
	Start      Figure = "start"
)

// Cell is one place in a table: what is measured, of whom, and how.
type Cell struct {
	Figure    Figure `json:"figure"`
	Worker    string `json:"worker,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Slots     int    `json:"slots,omitempty"`
	Rate      int    `json:"rate,omitempty"`      // tasks a second; 0 for as many as it takes
	Fills     bool   `json:"fills,omitempty"`     // of the server
	Pollers   int    `json:"pollers,omitempty"`   // ours; 0 for the default
	Injection string `json:"injection,omitempty"` // ours; empty for key
	Cores     int    `json:"cores,omitempty"`     // GOMAXPROCS; 0 for all
}

func (c Cell) String() string {
	return fmt.Sprintf("%s %s %s slots=%d rate=%d fills=%t pollers=%d injection=%s cores=%d",
		c.Figure, c.Worker, c.Algorithm, c.Slots, c.Rate, c.Fills, c.Pollers, c.Injection, c.Cores)
}

// Sample is one measurement.
type Sample struct {
	Cell
	PerSecond float64           `json:"perSecond,omitempty"` // tasks
	CPU       float64           `json:"cpu,omitempty"`       // ms of the worker's processes for each task
	MiB       float64           `json:"mib,omitempty"`       // proportional set size of the worker's processes
	Polls     float64           `json:"polls,omitempty"`     // for each task
	P50       float64           `json:"p50,omitempty"`       // ms
	P99       float64           `json:"p99,omitempty"`       // ms
	Millis    float64           `json:"millis,omitempty"`    // from start to the first poll
	Foreign   float64           `json:"foreign"`             // cores that others used meanwhile
	Facts     map[string]string `json:"facts,omitempty"`
}

func (s *Sample) String() string {
	return fmt.Sprintf("%s: %.1f/s cpu=%.3fms mib=%.1f p50=%.2f p99=%.2f start=%.1f foreign=%.2f",
		s.Cell, s.PerSecond, s.CPU, s.MiB, s.P50, s.P99, s.Millis, s.Foreign)
}

// Read reads a file of samples, one a line; one that is not there is empty.
func Read(file string) ([]Sample, error) {
	f, err := os.Open(file) //nolint:gosec // the caller's own record
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var samples []Sample
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s Sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		samples = append(samples, s)
	}
	return samples, lines.Err()
}

// Append adds a sample to a file.
func Append(file string, s Sample) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // to be read by all
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
