package main

import (
	"fmt"
	"slices"

	"conductor-jwt/bench/page"
)

// stat is the median, the minimum and the maximum of n samples.
type stat struct {
	mid, low, high float64
	n              int
}

func perSecond(s *Sample) float64 { return s.PerSecond }
func tokens(s *Sample) float64    { return s.Tokens }
func cpu(s *Sample) float64       { return s.CPU }
func mib(s *Sample) float64       { return s.MiB }
func written(s *Sample) float64   { return s.Written }
func p50(s *Sample) float64       { return s.P50 }
func p99(s *Sample) float64       { return s.P99 }
func millis(s *Sample) float64    { return s.Millis }

// stat returns the statistics of a cell; n is 0 if it was not measured.
func (b *bench) stat(c Cell, of func(*Sample) float64) stat {
	var list []float64
	for _, s := range b.of(c) {
		list = append(list, of(&s))
	}
	if len(list) == 0 {
		return stat{}
	}
	slices.Sort(list)
	mid := list[len(list)/2]
	if len(list)%2 == 0 {
		mid = (mid + list[len(list)/2-1]) / 2
	}
	return stat{mid: mid, low: list[0], high: list[len(list)-1], n: len(list)}
}

// best returns the worker with the highest, or the lowest, median.
func (b *bench) best(c Cell, workers []string, of func(*Sample) float64, lowest bool) (worker string, s stat) {
	for _, w := range workers {
		c.Worker = w
		got := b.stat(c, of)
		if got.n > 0 && (s.n == 0 || lowest && got.mid < s.mid || !lowest && got.mid > s.mid) {
			worker, s = w, got
		}
	}
	return worker, s
}

// String returns the median with minimum and maximum.
func (s stat) String() string {
	if s.n == 0 {
		return "–"
	}
	if s.n == 1 || page.ThreeDigits(s.low) == page.ThreeDigits(s.high) {
		return page.ThreeDigits(s.mid)
	}
	return fmt.Sprintf("%s (%s–%s)", page.ThreeDigits(s.mid), page.ThreeDigits(s.low), page.ThreeDigits(s.high))
}
