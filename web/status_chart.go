package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Sizes of the charts, in the SVG's units.
const (
	chartHeight = 100
	barStep     = 10
	barWidth    = 8
	minFailed   = 2 // height of failed tasks, so that one among thousands is visible
	xTicks      = 4 // parts of the hour that the x axis marks
)

// axes are what the charts of an hour have in common.
type axes struct {
	Width, Height int
	Before        int    // width of the minutes before the start
	Outages       []rect // minutes with failed polls
	Times         []string
	Grid          string // path
}

type rect struct{ X, Y, Width, Height int }

// axesOf returns the axes with so many equal parts of the y axis.
func axesOf(s Status, parts int) axes {
	minutes := s.Hour.Minutes
	a := axes{Width: len(minutes) * barStep, Height: chartHeight}
	for i, m := range minutes {
		if !m.Begin.Add(time.Minute).After(s.Process.Began) {
			a.Before = (i + 1) * barStep
		}
		if m.FailedPolls > 0 {
			a.addOutage(i)
		}
	}
	var grid strings.Builder
	for i := range parts + 1 {
		fmt.Fprintf(&grid, "M0 %dH%d", i*chartHeight/parts, a.Width)
	}
	for i := range xTicks + 1 {
		fmt.Fprintf(&grid, "M%d 0V%d", i*a.Width/xTicks, chartHeight)
		if len(minutes) > 0 {
			a.Times = append(a.Times, minutes[0].Begin.Add(time.Duration(i*len(minutes)/xTicks)*time.Minute).Format(clock))
		}
	}
	a.Grid = grid.String()
	return a
}

// addOutage marks a minute; adjacent ones are one rectangle.
func (a *axes) addOutage(minute int) {
	if n := len(a.Outages); n > 0 && a.Outages[n-1].X+a.Outages[n-1].Width == minute*barStep {
		a.Outages[n-1].Width += barStep
		return
	}
	a.Outages = append(a.Outages, rect{X: minute * barStep, Width: barStep, Height: chartHeight})
}

// chart has one bar for each minute: the completed executions, on top the waiting
// and the failed ones.
type chart struct {
	axes

	Max    string // in the busiest minute; empty: none
	Labels []string
	Bars   []bar
}

type bar struct {
	Text                  string // for the pointer
	Done, Waiting, Failed *rect  // nil: none
}

func (m Minute) all() int { return m.Completed + m.Failed + m.Waiting }

func chartOf(s Status) chart {
	c := chart{axes: axesOf(s, 2)}
	highest := 0
	for _, m := range s.Hour.Minutes {
		highest = max(highest, m.all())
	}
	if highest > 0 {
		c.Max = grouped(highest)
	}
	top := axisTop(highest)
	c.Labels = []string{grouped(top), grouped(top / 2), "0"}
	for i, m := range s.Hour.Minutes {
		if m.all() > 0 {
			c.Bars = append(c.Bars, barOf(i, m, top))
		}
	}
	return c
}

func barOf(i int, m Minute, top int) bar {
	b := bar{Text: fmt.Sprintf("%s UTC: %s completed, %s failed, %s waiting", m.Begin.Format(clock), grouped(m.Completed), grouped(m.Failed), grouped(m.Waiting))}
	height := func(n, least int) int {
		if n == 0 {
			return 0
		}
		return max(n*chartHeight/top, least)
	}
	failed, waiting := height(m.Failed, minFailed), height(m.Waiting, 1)
	done := min(height(m.Completed, 1), chartHeight-failed-waiting)
	y := chartHeight
	for _, part := range []struct {
		height int
		place  **rect
	}{{done, &b.Done}, {waiting, &b.Waiting}, {failed, &b.Failed}} {
		if part.height > 0 {
			y -= part.height
			*part.place = &rect{X: i * barStep, Y: y, Width: barWidth, Height: part.height}
		}
	}
	return b
}

// axisTop rounds n up to an even number of one digit and zeros.
func axisTop(n int) int {
	for unit := 2; ; unit *= 10 {
		if n <= 5*unit {
			return max((n+unit-1)/unit, 1) * unit
		}
	}
}

// lineChart has two lines over the hour, on a logarithmic scale.
type lineChart struct {
	axes

	Labels   []string
	P50, P99 string // paths; empty: no data
}

// lineChartOf draws a stage of the latencies.
func lineChartOf(s Status, stage int) lineChart {
	low, high := decades(s, stage)
	c := lineChart{axes: axesOf(s, high-low)}
	for i := high; i >= low; i-- {
		c.Labels = append(c.Labels, powerOfTen(i))
	}
	y := func(v Seconds) float64 {
		return chartHeight * (float64(high) - math.Log10(float64(v))) / float64(high-low)
	}
	c.P50 = line(s, stage, func(l Latency) float64 { return y(l.P50) })
	c.P99 = line(s, stage, func(l Latency) float64 { return y(l.P99) })
	return c
}

// powerOfTen names a power of ten of a second.
func powerOfTen(n int) string {
	if n < 0 {
		return strconv.FormatFloat(math.Pow10(n+3), 'g', -1, 64) + " ms"
	}
	return strconv.FormatFloat(math.Pow10(n), 'f', -1, 64) + " s"
}

// decades returns the powers of ten between which the times of a stage are.
func decades(s Status, stage int) (low, high int) {
	low, high = math.MaxInt, math.MinInt
	for _, m := range s.Hour.Minutes {
		if l := m.Latency[stage]; l.Count > 0 {
			low = min(low, int(math.Floor(math.Log10(float64(l.P50)))))
			high = max(high, int(math.Ceil(math.Log10(float64(l.P99)))))
		}
	}
	if low > high { // none
		return -3, 0
	}
	if low == high {
		low--
	}
	return low, high
}

// line returns the path through the minutes that have a value.
func line(s Status, stage int, y func(Latency) float64) string {
	var path strings.Builder
	connected := false
	for i, m := range s.Hour.Minutes {
		l := m.Latency[stage]
		if l.Count == 0 {
			connected = false
			continue
		}
		x := i*barStep + barStep/2
		if connected {
			fmt.Fprintf(&path, "L%d %.1f", x, y(l))
		} else {
			fmt.Fprintf(&path, "M%d %.1fh.1", x, y(l)) // a minute alone is a dot
		}
		connected = true
	}
	return path.String()
}
