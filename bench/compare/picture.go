package main

import (
	"strings"
)

// The picture's measures, in pixels.
const (
	panelWide, panelHigh = 300, 190
	panelGap             = 24
	legendHigh           = 44
)

// bar is one worker's place in every panel.
type bar struct{ worker, colour string }

func bars() []bar {
	return []bar{
		{oursNative, "#0b7a75"},
		{oursStatic, "#5fb3ae"},
		{conductorGo, "#c8553d"},
		{python, "#8a7fb0"},
		{javascript, "#c9a227"},
		{java, "#7d8597"},
		{loopGo, "#bcbcbc"},
	}
}

// panel is one diagram: groups of bars.
type panel struct {
	title  string
	groups []string
	value  func(group int, worker string) float64
}

// picture draws the figures, as SVG without script or font of its own.
func (b *bench) picture() string {
	var p page
	panels := b.panels()
	wide := 3*panelWide + 4*panelGap
	high := legendHigh + 2*(panelHigh+panelGap) + panelGap
	p.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`, wide, high, wide, high)
	p.line(`<rect width="%d" height="%d" fill="#ffffff"/>`, wide, high)
	x := panelGap
	for _, one := range bars() {
		p.line(`<rect x="%d" y="14" width="11" height="11" fill="%s"/><text x="%d" y="24" fill="#222222">%s</text>`, x, one.colour, x+16, one.worker)
		x += 34 + 7*len(one.worker)
	}
	for i, one := range panels {
		one.draw(&p, panelGap+i%3*(panelWide+panelGap), legendHigh+i/3*(panelHigh+panelGap))
	}
	p.line("</svg>")
	return p.String()
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
		all = append(all, panel{title: title, groups: []string{"p50", "p99"}, value: func(group int, worker string) float64 {
			c := Cell{Figure: Latency, Worker: worker, Algorithm: rs256, Slots: 10, Rate: 10, Fills: fills}
			if worker == oursNative {
				c.Pollers = 4
			}
			return b.stat(c, []func(*Sample) float64{p50, p99}[group]).mid
		}})
	}
	return append(all, panel{title: "resident memory, RS256, MiB", groups: []string{"1 slot", "50 slots"}, value: func(group int, worker string) float64 {
		return b.stat(Cell{Figure: Throughput, Worker: worker, Algorithm: rs256, Slots: []int{1, 50}[group]}, mib).mid
	}})
}

func (one panel) draw(p *page, x, y int) {
	const top, bottom = 34, 22
	most := 0.0
	for g := range one.groups {
		for _, w := range bars() {
			most = max(most, one.value(g, w.worker))
		}
	}
	p.line(`<text x="%d" y="%d" font-size="12" font-weight="bold" fill="#222222">%s</text>`, x, y+14, one.title)
	base := y + panelHigh - bottom
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#999999"/>`, x, base, x+panelWide, base)
	groupWide := panelWide / len(one.groups)
	barWide := (groupWide - 14) / len(bars())
	for g, name := range one.groups {
		left := x + g*groupWide + 7
		for i, w := range bars() {
			v := one.value(g, w.worker)
			if v == 0 || most == 0 {
				continue
			}
			high := max(1, int(v/most*float64(panelHigh-top-bottom)))
			p.line(`<rect x="%d" y="%d" width="%d" height="%d" fill="%s"><title>%s: %s</title></rect>`,
				left+i*barWide, base-high, barWide-1, high, w.colour, w.worker, number(v))
			if i == 0 {
				p.line(`<text x="%d" y="%d" font-size="10" fill="#222222">%s</text>`, left, base-high-3, number(v))
			}
		}
		p.line(`<text x="%d" y="%d" fill="#555555">%s</text>`, left, base+15, strings.ToUpper(name[:1])+name[1:])
	}
}
