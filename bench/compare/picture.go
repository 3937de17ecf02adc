package main

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"conductor-jwt/bench/picture"
)

// series are the workers of the picture, in the order of their bars.
func series() []struct {
	worker, name string
	colour       color.Color
} {
	return []struct {
		worker, name string
		colour       color.Color
	}{
		{workerNative, "conductor-jwt, native edition", color.RGBA{0x0b, 0x7a, 0x75, 0xff}},
		{workerStatic, "conductor-jwt, static edition", color.RGBA{0x4d, 0x9d, 0xe0, 0xff}},
		{conductorGo, "Go SDK", color.RGBA{0xc8, 0x55, 0x3d, 0xff}},
		{python, "Python SDK", color.RGBA{0x8a, 0x7f, 0xb0, 0xff}},
		{javascript, "JavaScript SDK", color.RGBA{0xc9, 0xa2, 0x27, 0xff}},
		{java, "Java SDK", color.RGBA{0x7d, 0x85, 0x97, 0xff}},
		{loopGo, "bare loop in Go", color.RGBA{0xbc, 0xbc, 0xbc, 0xff}},
	}
}

// panel is a bar chart. What was not measured has no bar.
type panel struct {
	title, unit string
	groups      []string
	log         bool // a logarithmic scale, from 0.1 on
	value       func(group int, worker string) stat
}

// picture draws the figures, two panels a row.
func (b *bench) picture(file string) error {
	var plots []*plot.Plot
	for _, one := range b.panels() {
		p, err := one.plot()
		if err != nil {
			return fmt.Errorf("%s: %w", one.title, err)
		}
		plots = append(plots, p)
	}
	page := picture.Page{Columns: 2, Width: 16 * vg.Centimeter, Height: 7.5 * vg.Centimeter}
	for _, w := range series() {
		page.Legend = append(page.Legend, picture.Entry{Name: w.name, Colour: w.colour})
	}
	return page.Write(file, plots)
}

func (b *bench) panels() []panel {
	slots := []int{1, 10, 50}
	var all []panel
	for _, algorithm := range []string{rs256, es256, edDSA} {
		title := algorithm + ": tasks a second, more is better"
		if algorithm != rs256 {
			title = algorithm + ": tasks a second (native signs as static does)"
		}
		all = append(all, panel{
			title: title, unit: "tasks/s", groups: []string{"1 slot", "10 slots", "50 slots"},
			value: func(group int, worker string) stat {
				return b.stat(Cell{Figure: Throughput, Worker: worker, Algorithm: algorithm, Slots: slots[group]}, perSecond)
			},
		})
	}
	all = append(all, panel{title: "Resident memory, RS256, less is better", unit: "MiB", groups: []string{"1 slot", "50 slots"}, value: func(group int, worker string) stat {
		return b.stat(Cell{Figure: Throughput, Worker: worker, Algorithm: rs256, Slots: []int{1, 50}[group]}, mib)
	}})
	for _, fills := range []bool{false, true} {
		title := "Latency at 10/s, first-message server, less is better"
		if fills {
			title = "Latency at 10/s, fill-or-timeout server, less is better"
		}
		all = append(all, panel{title: title, unit: "ms, logarithmic", log: true, groups: []string{"p50", "p99"}, value: func(group int, worker string) stat {
			c := Cell{Figure: Latency, Worker: worker, Algorithm: rs256, Slots: 10, Rate: 10, Fills: fills}
			if worker == workerNative {
				c.Pollers = 4
			}
			return b.stat(c, []func(*Sample) float64{p50, p99}[group])
		}})
	}
	return all
}

func (one panel) plot() (*plot.Plot, error) {
	p := picture.New(one.title, one.unit)
	p.NominalX(one.groups...)
	p.X.Min, p.X.Max = -0.5, float64(len(one.groups))-0.5
	p.Y.Min = 0
	if one.log {
		p.Y.Tick.Marker = plot.TickerFunc(decades)
	}
	measured := one.measured()
	width := 12.5 * vg.Centimeter / vg.Length(len(one.groups)*(len(measured)+1))
	for i, s := range measured {
		w := series()[s]
		values, labels := make(plotter.Values, len(one.groups)), plotter.XYLabels{}
		for g := range one.groups {
			got := one.value(g, w.worker)
			values[g] = one.height(got.mid)
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(g), Y: values[g]})
			labels.Labels = append(labels.Labels, short(got))
		}
		chart, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, err
		}
		chart.Color, chart.LineStyle.Width = w.colour, 0
		chart.Offset = width * (vg.Length(i) - vg.Length(len(measured)-1)/2)
		text, err := plotter.NewLabels(labels)
		if err != nil {
			return nil, err
		}
		text.Offset = vg.Point{X: chart.Offset, Y: vg.Millimeter / 2}
		for l := range text.TextStyle {
			text.TextStyle[l] = picture.Style(7)
			text.TextStyle[l].XAlign = draw.XCenter
		}
		p.Add(chart, text)
	}
	p.Y.Max *= 1.08 // room for the labels
	return p, nil
}

// measured returns the indices of the series that the panel has.
func (one panel) measured() (list []int) {
	for i, s := range series() {
		if one.value(0, s.worker).n > 0 {
			list = append(list, i)
		}
	}
	return list
}

// minLog is the value at the foot of a logarithmic scale.
const minLog = 0.1

// height returns the length of a bar: of a logarithmic scale its decades.
func (one panel) height(value float64) float64 {
	if one.log {
		return math.Log10(max(value, minLog) / minLog)
	}
	return value
}

// decades are the ticks of a logarithmic scale.
func decades(_, high float64) (ticks []plot.Tick) {
	for i := 0.0; i <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: i, Label: strconv.FormatFloat(minLog*math.Pow(10, i), 'g', -1, 64)})
	}
	return ticks
}

// short writes a value with two or three digits: 0.9, 12, 358, 1.2k, 14k.
func short(s stat) string {
	switch v := s.mid; {
	case s.n == 0:
		return ""
	case v < 9.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v < 999.5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v < 9950:
		return strconv.FormatFloat(v/1000, 'f', 1, 64) + "k"
	default:
		return strconv.FormatFloat(v/1000, 'f', 0, 64) + "k"
	}
}
