package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"conductor-jwt/bench/picture"
)

// bar is the colour of a worker.
type bar struct {
	worker string
	colour color.Color
}

func bars() []bar {
	return []bar{
		{workerNative, color.RGBA{0x0b, 0x7a, 0x75, 0xff}},
		{workerStatic, color.RGBA{0x5f, 0xb3, 0xae, 0xff}},
		{conductorGo, color.RGBA{0xc8, 0x55, 0x3d, 0xff}},
		{python, color.RGBA{0x8a, 0x7f, 0xb0, 0xff}},
		{javascript, color.RGBA{0xc9, 0xa2, 0x27, 0xff}},
		{java, color.RGBA{0x7d, 0x85, 0x97, 0xff}},
		{loopGo, color.RGBA{0xbc, 0xbc, 0xbc, 0xff}},
	}
}

// panel is a bar chart.
type panel struct {
	title  string
	legend bool // draw the legend
	groups []string
	value  func(group int, worker string) float64
}

// picture draws the figures, three panels per row.
func (b *bench) picture(file string) error {
	var plots []*plot.Plot
	for _, one := range b.panels() {
		p, err := one.plot()
		if err != nil {
			return fmt.Errorf("%s: %w", one.title, err)
		}
		plots = append(plots, p)
	}
	return picture.Write(file, plots, 3, 11*vg.Centimeter, 7*vg.Centimeter)
}

func (b *bench) panels() []panel {
	slots := []int{1, 10, 50}
	var all []panel
	for _, algorithm := range []string{rs256, es256, edDSA} {
		all = append(all, panel{
			title: "tasks/s, " + algorithm + ", more is better", groups: []string{"1 slot", "10 slots", "50 slots"},
			value: func(group int, worker string) float64 {
				return b.stat(Cell{Figure: Throughput, Worker: worker, Algorithm: algorithm, Slots: slots[group]}, perSecond).mid
			},
		})
	}
	for _, fills := range []bool{false, true} {
		title := "latency at 10/s, first-message server, ms"
		if fills {
			title = "latency at 10/s, fill-or-timeout server, ms"
		}
		all = append(all, panel{title: title, legend: !fills, groups: []string{"p50", "p99"}, value: func(group int, worker string) float64 {
			c := Cell{Figure: Latency, Worker: worker, Algorithm: rs256, Slots: 10, Rate: 10, Fills: fills}
			if worker == workerNative {
				c.Pollers = 4
			}
			return b.stat(c, []func(*Sample) float64{p50, p99}[group]).mid
		}})
	}
	return append(all, panel{title: "resident memory, RS256, MiB", groups: []string{"1 slot", "50 slots"}, value: func(group int, worker string) float64 {
		return b.stat(Cell{Figure: Throughput, Worker: worker, Algorithm: rs256, Slots: []int{1, 50}[group]}, mib).mid
	}})
}

func (one panel) plot() (*plot.Plot, error) {
	p := picture.New(one.title)
	p.Y.Min = 0
	p.NominalX(one.groups...)
	p.Legend.Top, p.Legend.Left = true, true
	width := 8 * vg.Centimeter / vg.Length(len(one.groups)*(len(bars())+1))
	for i, w := range bars() {
		values := make(plotter.Values, len(one.groups))
		for g := range one.groups {
			values[g] = one.value(g, w.worker)
		}
		chart, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, err
		}
		chart.Color, chart.LineStyle.Width = w.colour, 0
		chart.Offset = width * vg.Length(i-len(bars())/2)
		p.Add(chart)
		if one.legend {
			p.Legend.Add(w.worker, chart)
		}
	}
	return p, nil
}
