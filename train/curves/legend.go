package curves

import (
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A legend names lines in rows above a plot, where it hides nothing.
type legend struct {
	style   text.Style
	lines   []line
	columns []vg.Length // their widths: entries stand below each other
	width   vg.Length   // of all columns
}

const (
	sampleWidth = 26
	sampleSpace = 6
	entrySpace  = 18
	rowHeight   = 16
)

// newLegend arranges the entries in as many columns as the width allows.
func newLegend(lines []line, width vg.Length) legend {
	l := legend{style: textStyle(), lines: lines}
	for n := len(lines); n > 0; n-- {
		l.columns, l.width = make([]vg.Length, n), -entrySpace
		for i, entry := range lines {
			l.columns[i%n] = max(l.columns[i%n], sampleWidth+sampleSpace+l.style.Width(entry.name)+entrySpace)
		}
		for _, column := range l.columns {
			l.width += column
		}
		if l.width <= width {
			break
		}
	}
	return l
}

func (l legend) height() vg.Length {
	rows := (len(l.lines) + len(l.columns) - 1) / len(l.columns)
	return rowHeight * vg.Length(rows)
}

// draw puts the legend into the middle of c, from its top.
func (l legend) draw(c draw.Canvas) {
	left := (c.Min.X + c.Max.X - l.width) / 2
	x, y := left, c.Max.Y-rowHeight/2
	for i, entry := range l.lines {
		if i > 0 && i%len(l.columns) == 0 {
			x, y = left, y-rowHeight
		}
		c.StrokeLine2(entry.style(), x, y, x+sampleWidth, y)
		if entry.look.glyph != nil {
			c.DrawGlyph(entry.mark(), vg.Point{X: x + sampleWidth/2, Y: y})
		}
		c.FillText(l.style, vg.Point{X: x + sampleWidth + sampleSpace, Y: y}, entry.name)
		x += l.columns[i%len(l.columns)]
	}
}
