package main

import (
	"fmt"
	"strings"
)

// Figure is a kind of measurement.
type Figure string

// The figures.
const (
	Machine    Figure = "machine" // the machine and the versions
	Throughput Figure = "throughput"
	Latency    Figure = "latency"
	Start      Figure = "start"
	Raw        Figure = "raw"  // signatures, without a server
	Shell      Figure = "sign" // the command line
)

// Cell identifies a figure: what is measured, for which worker, and how.
type Cell struct {
	Figure    Figure `json:"figure"`
	Worker    string `json:"worker,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Slots     int    `json:"slots,omitempty"`     // of raw signatures: goroutines
	Rate      int    `json:"rate,omitempty"`      // tasks per second; 0 is the maximum
	Fills     bool   `json:"fills,omitempty"`     // of the server
	Pollers   int    `json:"pollers,omitempty"`   // of conductor-jwt; 0 is the default
	Injection string `json:"injection,omitempty"` // of conductor-jwt; "" is key
	Cores     int    `json:"cores,omitempty"`     // GOMAXPROCS; 0 is all
	Replicas  int    `json:"replicas,omitempty"`  // processes; 0 is one
}

func (c Cell) String() string {
	text := []string{string(c.Figure), c.Worker, c.Algorithm}
	for _, v := range []struct {
		name string
		n    int
	}{{"slots", c.Slots}, {"rate", c.Rate}, {"pollers", c.Pollers}, {"cores", c.Cores}, {"replicas", c.Replicas}} {
		if v.n > 0 {
			text = append(text, fmt.Sprintf("%s=%d", v.name, v.n))
		}
	}
	if c.Fills {
		text = append(text, "fills")
	}
	if c.Injection != "" {
		text = append(text, "injection="+c.Injection)
	}
	return strings.Join(text, " ")
}

// Sample is one measurement.
type Sample struct {
	Cell
	PerSecond float64           `json:"perSecond,omitempty"` // tasks; of raw: signatures
	Tokens    float64           `json:"tokens,omitempty"`    // of raw: tokens per second
	CPU       float64           `json:"cpu,omitempty"`       // ms of the worker's processes for each task; of raw: for each signature
	MiB       float64           `json:"mib,omitempty"`       // proportional set size of the worker's processes
	Written   float64           `json:"written,omitempty"`   // MiB that the worker's processes have written (RssAnon)
	Polls     float64           `json:"polls,omitempty"`     // for each task
	P50       float64           `json:"p50,omitempty"`       // ms
	P99       float64           `json:"p99,omitempty"`       // ms
	Millis    float64           `json:"millis,omitempty"`    // from start to the first poll, or to the end of a command
	Foreign   float64           `json:"foreign"`             // cores used by other processes
	Facts     map[string]string `json:"facts,omitempty"`
}

func (s *Sample) String() string {
	text := []string{s.Cell.String() + ":"}
	for _, v := range []struct {
		format string
		value  float64
	}{
		{"%.1f/s", s.PerSecond},
		{" tokens=%.1f/s", s.Tokens},
		{" cpu=%.3fms", s.CPU},
		{" mib=%.1f", s.MiB},
		{" written=%.1f", s.Written},
		{" p50=%.2fms", s.P50},
		{" p99=%.2fms", s.P99},
		{" took=%.1fms", s.Millis},
		{" foreign=%.2f", s.Foreign},
	} {
		if v.value > 0 {
			text = append(text, fmt.Sprintf(v.format, v.value))
		}
	}
	return strings.Join(text, " ")
}
