// Package picture draws plots side by side into an SVG file.
package picture

import (
	"bytes"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// New returns an empty plot in a sans-serif font.
func New(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	for _, style := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.Legend.TextStyle,
		&p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		style.Font.Variant = "Sans"
	}
	return p
}

// Write draws plots into a file, row by row, in tiles of the given size.
func Write(file string, plots []*plot.Plot, columns int, width, height vg.Length) error {
	const gap = 4 * vg.Millimeter
	rows := (len(plots) + columns - 1) / columns
	canvas := vgsvg.New(vg.Length(columns)*width, vg.Length(rows)*height)
	all := draw.New(canvas)
	all.FillPolygon(color.White, []vg.Point{{}, {X: all.Max.X}, all.Max, {Y: all.Max.Y}})
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 2 * gap, PadY: gap, PadTop: gap, PadBottom: gap, PadLeft: gap, PadRight: gap}
	for i, p := range plots {
		p.BackgroundColor = nil
		p.Draw(tiles.At(all, i%columns, i/columns))
	}
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	// Fallbacks for readers without the font that the text is measured with.
	svg := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,sans-serif"))
	return os.WriteFile(file, svg, 0o644) //nolint:gosec // to be read by all
}
