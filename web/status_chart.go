package web

import (
	"time"

	"conductor-jwt/worker"
)

// Sizes of the chart of the last hour, in the SVG's units.
const (
	chartHeight = 100
	barStep     = 10
	barWidth    = 8
	minFailed   = 3 // height of failed tasks, so that one among thousands is visible
)

// chart has one bar for each minute: the completed tasks, and on top the failed
// ones.
type chart struct {
	Completed, Failed int // tasks in the hour
	Max               int // tasks in the busiest minute
	Top               int // tasks at the top of the y axis; even
	Width, Height     int
	Before            int // width of the minutes before the start
	Bars              []bar
}

type bar struct {
	At                   string // 15:04
	Completed, Failed    int
	DoneRect, FailedRect *rect // nil: no such task
}

type rect struct{ X, Y, Width, Height int }

// Middle is half of Top.
func (c chart) Middle() int { return c.Top / 2 }

// MiddleY is the y coordinate of Middle.
func (c chart) MiddleY() int { return c.Height / 2 }

func chartOf(s Status) chart {
	c := chart{Width: len(s.Hour) * barStep, Height: chartHeight}
	for i, m := range s.Hour {
		failed := failedIn(m)
		c.Completed += m.Completed
		c.Failed += failed
		c.Max = max(c.Max, m.Completed+failed)
		if !m.Begin.Add(time.Minute).After(s.Began) {
			c.Before = (i + 1) * barStep
		}
	}
	c.Top = axisTop(c.Max)
	for i, m := range s.Hour {
		if failed := failedIn(m); m.Completed+failed > 0 {
			c.Bars = append(c.Bars, barOf(i, m, failed, c.Top))
		}
	}
	return c
}

func barOf(i int, m worker.Minute, failed, top int) bar {
	b := bar{At: m.Begin.UTC().Format("15:04"), Completed: m.Completed, Failed: failed}
	failedHeight := 0
	if failed > 0 {
		failedHeight = max(failed*chartHeight/top, minFailed)
		b.FailedRect = &rect{X: i * barStep, Width: barWidth, Height: failedHeight}
	}
	doneHeight := 0
	if m.Completed > 0 {
		doneHeight = min(max(m.Completed*chartHeight/top, 1), chartHeight-failedHeight)
		b.DoneRect = &rect{X: i * barStep, Y: chartHeight - doneHeight, Width: barWidth, Height: doneHeight}
	}
	if b.FailedRect != nil {
		b.FailedRect.Y = chartHeight - doneHeight - failedHeight
	}
	return b
}

func failedIn(m worker.Minute) (n int) {
	for _, one := range m.Failed {
		n += one
	}
	return n
}

// axisTop rounds n up to an even number of one digit and zeros.
func axisTop(n int) int {
	for unit := 2; ; unit *= 10 {
		if n <= 5*unit {
			return max((n+unit-1)/unit, 1) * unit
		}
	}
}
