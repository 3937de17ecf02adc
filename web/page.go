package web

import (
	"html"
	"strconv"
	"strings"

	"conductor-jwt/worker"
)

// page builds HTML. Not html/template: with it the linker keeps every exported
// method of every type, which is more than a megabyte.
type page struct{ b strings.Builder }

// raw writes what is HTML already, and is always a constant.
func (p *page) raw(constant string) { p.b.WriteString(constant) }

// text writes what came from elsewhere.
func (p *page) text(s string) { p.b.WriteString(html.EscapeString(s)) }

func (p *page) number(n int) { p.b.WriteString(strconv.Itoa(n)) }

// tag writes an element that holds text alone.
func (p *page) tag(name, text string) {
	p.raw("<" + name + ">")
	p.text(text)
	p.raw("</" + name + ">")
}

// mark writes a state that is good or not, for those too who see no colours.
func (p *page) mark(text string, good bool) {
	if good {
		p.raw(`<span class="good">● `)
	} else {
		p.raw(`<span class="bad">▲ `)
	}
	p.text(text)
	p.raw(`</span>`)
}

// meter draws a part of a whole.
func (p *page) meter(part, whole int) {
	width := 0
	if whole > 0 {
		width = min(part, whole) * 720 / whole
	}
	p.raw(`<svg viewBox="0 0 720 10" width="720" height="10" role="img" aria-label="slots that hold a task"><rect class="rest" width="720" height="10" rx="5"/><rect class="done" height="10" rx="5" width="`)
	p.number(width)
	p.raw(`"/></svg>`)
}

// The measures of the chart of the last hour, in the SVG's units.
const (
	chartHeight = 120
	barStep     = 12
	barWidth    = 10
)

// hour draws one bar a minute: what was completed, and on top what was not.
func (p *page) hour(minutes []worker.Minute) {
	p.tag("h2", "The last hour")
	most, completed, failed := 1, 0, 0
	for _, m := range minutes {
		n := failedIn(m)
		completed, failed = completed+m.Completed, failed+n
		most = max(most, m.Completed+n)
	}
	p.raw(`<p><span class="key done">■</span> `)
	p.number(completed)
	p.text(" completed ")
	p.raw(`<span class="key failed">■</span> `)
	p.number(failed)
	p.text(" not completed; most in a minute: ")
	p.number(most)
	p.raw(`</p><svg viewBox="0 0 720 140" width="720" height="140" role="img" aria-label="tasks by the minute">` +
		`<path class="axis" d="M0 120.5H720"/>`)
	for i, m := range minutes {
		p.bar(i, m.Completed, failedIn(m), most, m.Begin.UTC().Format("15:04"))
	}
	p.raw(`<text x="0" y="136">1 h ago</text><text x="720" y="136" text-anchor="end">now</text></svg>`)
}

func failedIn(m worker.Minute) (n int) {
	for _, one := range m.Failed {
		n += one
	}
	return n
}

func (p *page) bar(i, completed, failed, most int, at string) {
	done := completed * chartHeight / most
	lost := (completed+failed)*chartHeight/most - done
	if failed > 0 && lost < 2 { // one failure among thousands is to be seen
		lost = 2
		done = min(done, chartHeight-lost)
	}
	if done+lost == 0 && completed == 0 {
		return
	}
	done = max(done, 1)
	p.raw(`<g><title>`)
	p.text(at + " UTC: " + strconv.Itoa(completed) + " completed, " + strconv.Itoa(failed) + " not")
	p.raw(`</title>`)
	p.rect("done", i, chartHeight-done, done)
	p.rect("failed", i, chartHeight-done-lost, lost)
	p.raw(`</g>`)
}

func (p *page) rect(class string, i, y, height int) {
	if height == 0 {
		return
	}
	p.raw(`<rect class="` + class + `" x="`)
	p.number(i * barStep)
	p.raw(`" y="`)
	p.number(y)
	p.raw(`" width="`)
	p.number(barWidth)
	p.raw(`" height="`)
	p.number(height)
	p.raw(`"/>`)
}

// statusStyle uses blue and orange, which people who see no red and green tell
// apart.
const statusStyle = `:root{color-scheme:light dark;--done:#2f6fb3;--failed:#e07b00;--line:#8886;--rest:#8883}` +
	`body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}` +
	`h1{margin:0}h2{margin:2rem 0 .5rem;font-size:1.1rem}p{margin:.3rem 0}` +
	`table{border-collapse:collapse;margin:.5rem 0;width:100%}th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);` +
	`vertical-align:top;overflow-wrap:anywhere}th{font-weight:600}th.n,td.n{text-align:right}` +
	`.good{color:var(--done)}.bad{color:var(--failed);font-weight:600}.key.done{color:var(--done)}.key.failed{color:var(--failed)}` +
	`svg{max-width:100%;height:auto}svg text{font-size:12px;fill:currentColor}rect.done{fill:var(--done)}rect.failed{fill:var(--failed)}` +
	`rect.rest{fill:var(--rest)}.axis{stroke:var(--line)}`
