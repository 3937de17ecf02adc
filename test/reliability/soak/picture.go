package main

import (
	"fmt"
	"strings"
)

// The picture's measures, in pixels.
const (
	wide, rowHigh = 900, 120
	left, right   = 56, 16
	top, gap      = 40, 34
)

// curve is one diagram over time.
type curve struct {
	title  string
	colour string
	value  func(i int) float64
}

// picture draws the samples, as SVG without script or font of its own.
func (r *Result) picture() string {
	curves := []curve{
		{"tasks ended per second", "#0b7a75", r.rate},
		{"tasks that wait or are in hand", "#c8553d", func(i int) float64 { return waiting(r.Samples[i]) }},
		{"resident memory, MiB", "#5b5ea6", func(i int) float64 { return memory(r.Samples[i]) }},
		{"goroutines", "#8a6d00", func(i int) float64 { return goroutines(r.Samples[i]) }},
		{"descriptors", "#444444", func(i int) float64 { return descriptors(r.Samples[i]) }},
	}
	var b strings.Builder
	high := top + len(curves)*(rowHigh+gap) + 10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", wide, high, wide, high)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", wide, high)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="13" fill="#222222">%.0f tasks/s for %.0f minutes, seed %d; faults are grey, an absent server is red</text>`+"\n", left, r.Rate, r.For/60, r.Seed)
	for i, c := range curves {
		r.draw(&b, c, top+i*(rowHigh+gap))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// rate is tasks per second up to a sample.
func (r *Result) rate(i int) float64 {
	if i == 0 {
		return 0
	}
	a, b := r.Samples[i-1], r.Samples[i]
	return float64(b.Ended-a.Ended) / max(b.At-a.At, 0.001)
}

func (r *Result) x(at float64) float64 {
	return left + (wide-left-right)*min(at/max(r.For, 1), 1)
}

func (r *Result) draw(b *strings.Builder, c curve, y int) {
	base := y + gap/2 + rowHigh
	fmt.Fprintf(b, `<text x="%d" y="%d" font-weight="bold" fill="#222222">%s</text>`+"\n", left, y+gap/2-4, c.title)
	for _, e := range r.Episodes {
		colour := "#e4e4e4"
		if e.Kind == down {
			colour = "#f3c6bd"
		}
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s</title></rect>`+"\n",
			r.x(e.Begin), base-rowHigh, max(r.x(e.End)-r.x(e.Begin), 0.8), rowHigh, colour, e.Kind)
	}
	most := 1.0
	for i := range r.Samples {
		most = max(most, c.value(i))
	}
	most = round(most)
	var points strings.Builder
	for i, s := range r.Samples {
		fmt.Fprintf(&points, "%.1f,%.1f ", r.x(s.At), float64(base)-c.value(i)/most*rowHigh)
	}
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1" points="%s"/>`+"\n", c.colour, strings.TrimSpace(points.String()))
	fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#999999"/>`+"\n", left, base, wide-right, base)
	for _, part := range []float64{0, 0.5, 1} {
		fmt.Fprintf(b, `<text x="%d" y="%.0f" text-anchor="end" fill="#555555">%g</text>`+"\n", left-6, float64(base)-part*rowHigh+4, most*part)
	}
	for i := range 7 {
		at := r.For * float64(i) / 6
		fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle" fill="#555555">%s</text>`+"\n", r.x(at), base+14, clock(at))
	}
}

// round is the next figure that is good to read.
func round(v float64) float64 {
	step := 1.0
	for {
		for _, m := range []float64{1, 2, 4, 6, 8} {
			if v <= m*step {
				return m * step
			}
		}
		step *= 10
	}
}

func clock(seconds float64) string {
	return fmt.Sprintf("%d:%02d", int(seconds)/60, int(seconds)%60)
}
