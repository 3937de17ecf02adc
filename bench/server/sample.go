package main

import (
	"fmt"
	"slices"
	"time"

	"conductor-jwt/bench/samples"
)

// figure is a kind of measurement.
type figure string

// The figures.
const (
	tokenCost figure = "cost" // of a token, for each worker that is compared
	rate      figure = "rate" // the throughput of a backlog, by slots and replicas of conductor-jwt
	wait      figure = "wait" // how long tasks wait at 10/s, and what polling costs, by cold polls
)

// cell identifies a figure.
type cell struct {
	Figure figure `json:"figure"`
	Store  string `json:"store"`

	Peer string `json:"peer,omitempty"` // of cost
	Rate int    `json:"rate,omitempty"` // of cost: tokens a second; 0 is a burst

	Slots    int `json:"slots,omitempty"`    // of rate
	Replicas int `json:"replicas,omitempty"` // of rate

	Pollers int `json:"pollers,omitempty"` // of wait; 0 is no worker
}

// sample is one measurement.
type sample struct {
	cell

	Version string `json:"version"` // of the server
	Date    string `json:"date"`

	Worker    float64 `json:"worker,omitempty"`    // CPU ms of the workers for a token
	Server    float64 `json:"server,omitempty"`    // CPU ms of the server's Java for a token; of wait: cores in use while nothing is queued
	Machine   float64 `json:"machine,omitempty"`   // of rate and wait: the same of all processes, the store's included
	Requests  float64 `json:"requests,omitempty"`  // for a token
	PerSecond float64 `json:"perSecond,omitempty"` // tokens
	P50       float64 `json:"p50,omitempty"`       // ms from scheduled to ended
	P99       float64 `json:"p99,omitempty"`       // ms
}

// add appends a sample to the file and to those that it has.
func (b *bench) add(at *testbed, s sample) error {
	s.Store, s.Version, s.Date = at.store, at.server.Version(), time.Now().UTC().Format(time.DateOnly)
	_, _ = fmt.Fprintf(b.log, "%+v\n", s)
	b.samples = append(b.samples, s)
	return samples.Append(b.file, s)
}

// median returns the medians of a cell's samples; false if it was not measured.
func (b *bench) median(c cell) (sample, bool) {
	all := slices.DeleteFunc(slices.Clone(b.samples), func(s sample) bool { return s.cell != c })
	if len(all) == 0 {
		return sample{}, false
	}
	out := all[0]
	for _, of := range []func(*sample) *float64{
		func(s *sample) *float64 { return &s.Worker },
		func(s *sample) *float64 { return &s.Server },
		func(s *sample) *float64 { return &s.Machine },
		func(s *sample) *float64 { return &s.Requests },
		func(s *sample) *float64 { return &s.PerSecond },
		func(s *sample) *float64 { return &s.P50 },
		func(s *sample) *float64 { return &s.P99 },
	} {
		var values []float64
		for i := range all {
			values = append(values, *of(&all[i]))
		}
		slices.Sort(values)
		*of(&out) = (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	return out, true
}
