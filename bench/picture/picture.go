// Package picture draws plots side by side into an SVG file.
package picture

import (
	"bytes"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	sans = "Sans"
	gap  = 4 * vg.Millimeter
	line = 6 * vg.Millimeter // of the title, and of the legend
)

// New returns a plot in a sans-serif font, with a grid. Unit names the y axis.
func New(title, unit string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, 2*vg.Millimeter
	p.Y.Label.Text = unit
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.RGBA{0xdd, 0xdd, 0xdd, 0xff}
	p.Add(grid)
	for _, style := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Y.Label.TextStyle,
	} {
		style.Font.Variant = sans
	}
	p.Title.TextStyle.Font.Size = 12
	return p
}

// Page is the frame of some plots.
type Page struct {
	Title         string  // may be empty
	Legend        []Entry // may be empty
	Columns       int
	Width, Height vg.Length // of a plot
}

// Entry names a colour.
type Entry struct {
	Name   string
	Colour color.Color
}

// Write draws plots into a file, row by row.
func (p Page) Write(file string, plots []*plot.Plot) error {
	rows := (len(plots) + p.Columns - 1) / p.Columns
	head := gap
	if p.Title != "" {
		head += line
	}
	if len(p.Legend) > 0 {
		head += line
	}
	canvas := vgsvg.New(vg.Length(p.Columns)*p.Width, vg.Length(rows)*p.Height+head)
	all := draw.New(canvas)
	all.FillPolygon(color.White, []vg.Point{{}, {X: all.Max.X}, all.Max, {Y: all.Max.Y}})
	p.head(all)
	tiles := draw.Tiles{Rows: rows, Cols: p.Columns, PadX: 2 * gap, PadY: gap, PadTop: head, PadBottom: gap, PadLeft: gap, PadRight: 2 * gap}
	for i, one := range plots {
		one.BackgroundColor = nil
		one.Draw(tiles.At(all, i%p.Columns, i/p.Columns))
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	// Fallbacks for readers without the font that the text is measured with.
	svg := bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,sans-serif"))
	return os.WriteFile(file, svg, 0o644) //nolint:gosec // to be read by all
}

// head draws the title and the legend.
func (p Page) head(all draw.Canvas) {
	style := Style(11)
	style.YAlign = draw.YCenter
	y := all.Max.Y - gap/2 - line/2
	if p.Title != "" {
		all.FillText(style, vg.Point{X: 2 * gap, Y: y}, p.Title)
		y -= line
	}
	x := 2 * gap
	for _, e := range p.Legend {
		const box = 3 * vg.Millimeter
		all.FillPolygon(e.Colour, []vg.Point{{X: x, Y: y - box/2}, {X: x + box, Y: y - box/2}, {X: x + box, Y: y + box/2}, {X: x, Y: y + box/2}})
		x += box + gap/2
		all.FillText(style, vg.Point{X: x, Y: y}, e.Name)
		x += style.Width(e.Name) + 2*gap
	}
}

// Style is the style of a text of a size in points.
func Style(size float64) draw.TextStyle {
	return draw.TextStyle{
		Color: color.Black, Font: font.From(font.Font{Typeface: plot.DefaultFont.Typeface, Variant: sans}, font.Length(size)),
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}
