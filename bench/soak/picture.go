package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"conductor-jwt/bench/picture"
)

// curve is one plot over time.
type curve struct {
	title  string
	colour color.Color
	value  func(i int) float64
}

// picture draws the samples over time.
func (r *Result) picture(file string) error {
	curves := []curve{
		{"tasks ended per second; faults are grey, outages red", color.RGBA{0x0b, 0x7a, 0x75, 0xff}, r.rate},
		{"tasks waiting or in flight", color.RGBA{0xc8, 0x55, 0x3d, 0xff}, func(i int) float64 { return waiting(r.Samples[i]) }},
		{"resident memory, MiB", color.RGBA{0x5b, 0x5e, 0xa6, 0xff}, func(i int) float64 { return memory(r.Samples[i]) }},
		{"goroutines", color.RGBA{0x8a, 0x6d, 0x00, 0xff}, func(i int) float64 { return goroutines(r.Samples[i]) }},
		{"descriptors", color.RGBA{0x44, 0x44, 0x44, 0xff}, func(i int) float64 { return descriptors(r.Samples[i]) }},
	}
	var plots []*plot.Plot
	for _, c := range curves {
		p, err := r.plot(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.title, err)
		}
		plots = append(plots, p)
	}
	return picture.Write(file, plots, 1, 24*vg.Centimeter, 4.5*vg.Centimeter)
}

// rate returns the tasks per second between the previous sample and sample i.
func (r *Result) rate(i int) float64 {
	if i == 0 {
		return 0
	}
	a, b := r.Samples[i-1], r.Samples[i]
	return float64(b.Ended-a.Ended) / max(b.At-a.At, 0.001)
}

func (r *Result) plot(c curve) (*plot.Plot, error) {
	p := picture.New(c.title)
	points := make(plotter.XYs, len(r.Samples))
	highest := 1.0
	for i, s := range r.Samples {
		points[i] = plotter.XY{X: min(s.At, r.For), Y: c.value(i)}
		highest = max(highest, points[i].Y)
	}
	for _, e := range r.Episodes {
		shade, err := plotter.NewPolygon(plotter.XYs{{X: e.Begin}, {X: e.End}, {X: e.End, Y: highest}, {X: e.Begin, Y: highest}})
		if err != nil {
			return nil, err
		}
		shade.Width = 0
		shade.Color = color.RGBA{0xe4, 0xe4, 0xe4, 0xff}
		if e.Kind == down {
			shade.Color = color.RGBA{0xf3, 0xc6, 0xbd, 0xff}
		}
		p.Add(shade)
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.Color = c.colour
	p.Add(line)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, max(r.For, 1), 0, highest
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		var ticks []plot.Tick
		for i := range 7 {
			at := low + (high-low)*float64(i)/6
			ticks = append(ticks, plot.Tick{Value: at, Label: fmt.Sprintf("%d:%02d", int(at)/60, int(at)%60)})
		}
		return ticks
	})
	return p, nil
}
