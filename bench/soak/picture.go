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
	title, unit string
	colour      color.RGBA
	value       func(i int) float64
}

// picture draws the samples over time.
func (r *Result) picture(file string) error {
	curves := []curve{
		{"tasks that ended", "tasks/s", color.RGBA{0x0b, 0x7a, 0x75, 0xff}, r.rate},
		{
			fmt.Sprintf("tasks waiting or in flight; at %.0f, %.0f s of work, the load was held back", r.Rate*maxBacklog.Seconds(), maxBacklog.Seconds()),
			"tasks",
			color.RGBA{0xc8, 0x55, 0x3d, 0xff},
			func(i int) float64 { return waiting(r.Samples[i]) },
		},
		{"resident memory", "MiB", color.RGBA{0x5b, 0x5e, 0xa6, 0xff}, func(i int) float64 { return memory(r.Samples[i]) }},
		{"goroutines", "number", color.RGBA{0x8a, 0x6d, 0x00, 0xff}, func(i int) float64 { return goroutines(r.Samples[i]) }},
		{"file descriptors", "number", color.RGBA{0x44, 0x44, 0x44, 0xff}, func(i int) float64 { return descriptors(r.Samples[i]) }},
	}
	var plots []*plot.Plot
	for _, c := range curves {
		p, err := r.plot(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.title, err)
		}
		plots = append(plots, p)
	}
	outage, fault := episodeColours()
	page := picture.Page{
		Title:   fmt.Sprintf("%.0f tasks/s for %.0f minutes. Line: mean of %.0f s; band: minimum and maximum; ticks at the top: faults.", r.Rate, r.For/60, r.step()),
		Legend:  []picture.Entry{{Name: "the server was down", Colour: outage}, {Name: "another fault", Colour: fault}},
		Columns: 1, Width: 24 * vg.Centimeter, Height: 4.8 * vg.Centimeter,
	}
	return page.Write(file, plots)
}

// episodeColours are those of an absent server, and of other faults.
func episodeColours() (outage, fault color.RGBA) {
	return color.RGBA{0xf3, 0xc6, 0xbd, 0xff}, color.RGBA{0x77, 0x77, 0x77, 0xff}
}

// step is the width of a mean in seconds: one in a hundred and twenty of the run.
func (r *Result) step() float64 { return max(r.For/120, 1) }

// rate returns the tasks per second between the previous sample and sample i.
func (r *Result) rate(i int) float64 {
	if i == 0 {
		return 0
	}
	a, b := r.Samples[i-1], r.Samples[i]
	return float64(b.Ended-a.Ended) / max(b.At-a.At, 0.001)
}

// summary is the values of a curve in some seconds.
type summary struct{ at, low, mean, high float64 }

func (r *Result) summaries(c curve) (list []summary) {
	sum, weight, end, before := 0.0, 0.0, r.step(), 0.0
	var now summary
	flush := func() {
		if weight > 0 {
			now.at, now.mean = end-r.step()/2, sum/weight
			list = append(list, now)
		}
		sum, weight, end = 0, 0, end+r.step()
	}
	for i, s := range r.Samples {
		for s.At >= end && end < r.For {
			flush()
		}
		v := c.value(i)
		if weight == 0 {
			now.low, now.high = v, v
		}
		now.low, now.high = min(now.low, v), max(now.high, v)
		lasted := max(s.At-before, 0.001)
		sum, weight, before = sum+v*lasted, weight+lasted, s.At
	}
	flush()
	return list
}

func (r *Result) plot(c curve) (*plot.Plot, error) {
	p := picture.New(c.title, c.unit)
	list := r.summaries(c)
	highest := 1.0
	mean, band := make(plotter.XYs, len(list)), make(plotter.XYs, 2*len(list))
	for i, s := range list {
		mean[i] = plotter.XY{X: s.at, Y: s.mean}
		band[i], band[len(band)-1-i] = plotter.XY{X: s.at, Y: s.low}, plotter.XY{X: s.at, Y: s.high}
		highest = max(highest, s.high)
	}
	top := 1.08 * highest
	outage, fault := episodeColours()
	for _, e := range r.Episodes {
		foot, colour := 1.03*highest, fault
		if e.Kind == down {
			foot, colour = 0, outage
		}
		if err := shade(p, colour, plotter.XYs{{X: e.Begin, Y: foot}, {X: e.End, Y: foot}, {X: e.End, Y: top}, {X: e.Begin, Y: top}}); err != nil {
			return nil, err
		}
	}
	light := c.colour
	light.R, light.G, light.B, light.A = light.R/4, light.G/4, light.B/4, 0x40 // premultiplied
	if err := shade(p, light, band); err != nil {
		return nil, err
	}
	line, err := plotter.NewLine(mean)
	if err != nil {
		return nil, err
	}
	line.Color, line.Width = c.colour, 1.2
	p.Add(line)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, max(r.For, 1), 0, top
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

func shade(p *plot.Plot, colour color.Color, points plotter.XYs) error {
	area, err := plotter.NewPolygon(points)
	if err != nil {
		return err
	}
	area.Width, area.Color = 0, colour
	p.Add(area)
	return nil
}
