package main

import (
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Measures of the picture, in its own units.
const (
	charWidth  = 8.0
	lineHeight = 18.0
	margin     = 18.0
)

// fill is the colour of a run on the dark ground; the contrast of each with it
// is at least 4.5 to 1 (WCAG 2.2, 1.4.3).
func fill(a attribute) string {
	switch a.colour {
	case "31":
		return "#ff7b72"
	case "32":
		return "#7ee787"
	case "33":
		return "#e3b341"
	case "34":
		return "#79c0ff"
	case "36":
		return "#76e3ea"
	}
	switch {
	case a.dim:
		return "#9198a1"
	case a.bold:
		return "#ffffff"
	}
	return "#d1d7e0"
}

// draw gives the picture of a screen.
func draw(lines [][]run) string {
	columns := 0
	for _, line := range lines {
		for _, r := range line {
			columns = max(columns, r.column+utf8.RuneCountInString(r.text))
		}
	}
	width := 2*margin + float64(columns)*charWidth
	height := 2*margin + float64(len(lines))*lineHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="terminal">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" rx="8" fill="#151b23"/>`+"\n", width, height)
	b.WriteString(`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13.3" xml:space="preserve">` + "\n")
	for i, line := range lines {
		for _, r := range line {
			b.WriteString(element(i, r))
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// element is one run, stretched to the width that its characters have in the
// grid, whatever font there is.
func element(row int, r run) string {
	text := strings.TrimRight(r.text, " ")
	trimmed := strings.TrimLeft(text, " ")
	if trimmed == "" {
		return ""
	}
	column := r.column + len(text) - len(trimmed)
	weight := ""
	if r.bold {
		weight = ` font-weight="bold"`
	}
	var escaped strings.Builder
	// A strings.Builder takes whatever is written to it.
	_ = xml.EscapeText(&escaped, []byte(trimmed))
	return fmt.Sprintf(`<text x="%g" y="%g" textLength="%g" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
		margin+float64(column)*charWidth, margin+float64(row)*lineHeight+13, float64(utf8.RuneCountInString(trimmed))*charWidth,
		fill(r.attribute), weight, escaped.String())
}
