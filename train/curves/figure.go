package curves

import (
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// A figure has panels side by side, each under a legend of its own or all under one.
type figure struct {
	panels []panel
	shared bool
}

// A panel has lines over epochs.
type panel struct {
	yLabel string
	lines  []line
}

type line struct {
	name   string
	look   look
	thin   bool
	points []point
}

type point = plotter.XY

const (
	panelWidth  = 5 * vg.Inch
	panelHeight = 3.4 * vg.Inch
	margin      = 10 * vg.Millimeter / 4
	dotsPerInch = 200
)

func (f figure) write(w io.Writer) error {
	width := panelWidth * vg.Length(len(f.panels))
	header := vg.Length(0) // of the tallest legend
	for _, p := range f.panels {
		header = max(header, newLegend(p.lines, f.legendWidth(width)).height())
	}
	canvas := vgimg.NewWith(vgimg.UseWH(width, panelHeight+header), vgimg.UseDPI(dotsPerInch), vgimg.UseBackgroundColor(color.White))
	whole := draw.Crop(draw.New(canvas), margin, -margin, margin, -margin)
	if f.shared {
		newLegend(f.panels[0].lines, f.legendWidth(width)).draw(whole)
	}
	for i, p := range f.panels {
		part := whole
		each := (whole.Max.X - whole.Min.X) / vg.Length(len(f.panels))
		part.Min.X += vg.Length(i) * each
		part.Max.X = part.Min.X + each
		if i > 0 {
			part.Min.X += 2 * margin
		}
		if !f.shared {
			newLegend(p.lines, f.legendWidth(width)).draw(part)
		}
		part.Max.Y -= header + 2*margin
		plotted, err := p.plot()
		if err != nil {
			return err
		}
		plotted.Draw(part)
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

// legendWidth is what a legend may take of a figure's width.
func (f figure) legendWidth(width vg.Length) vg.Length {
	if !f.shared {
		width /= vg.Length(len(f.panels))
	}
	return width - 4*margin
}

func (p panel) plot() (*plot.Plot, error) {
	plotted := plot.New()
	for _, style := range []*text.Style{
		&plotted.X.Label.TextStyle, &plotted.Y.Label.TextStyle, &plotted.X.Tick.Label, &plotted.Y.Tick.Label,
	} {
		style.Font.Variant = sans
		style.Font.Size = fontSize
		style.Color = ink
	}
	plotted.X.Label.Text, plotted.Y.Label.Text = "Epoch", p.yLabel
	for _, axis := range []*plot.Axis{&plotted.X, &plotted.Y} {
		axis.Color, axis.Tick.Color = ink, ink
		axis.Label.Padding = margin
		axis.Padding = 0
		axis.Tick.Length = 4
		axis.Tick.Marker = roundTicks{}
	}
	grid := plotter.NewGrid()
	for _, style := range []*draw.LineStyle{&grid.Horizontal, &grid.Vertical} {
		style.Color, style.Width = color.Gray{0xE4}, 0.5
	}
	plotted.Add(grid)
	for _, l := range p.lines {
		drawn, err := plotter.NewLine(plotter.XYs(l.points))
		if err != nil {
			return nil, err
		}
		drawn.LineStyle = l.style()
		plotted.Add(drawn)
		if l.look.glyph == nil {
			continue
		}
		marks, err := plotter.NewScatter(plotter.XYs(everyNth(l.points)))
		if err != nil {
			return nil, err
		}
		marks.GlyphStyle = l.mark()
		plotted.Add(marks)
	}
	plotted.X.Min, plotted.X.Max, plotted.Y.Min, plotted.Y.Max = p.ranges()
	return plotted, nil
}

// everyNth leaves out marks of a line that has too many for its width.
func everyNth(points []point) []point {
	const most = 25
	n := (len(points) + most - 1) / most
	var chosen []point
	for i := len(points) - 1; i >= 0; i -= n { // the last, where the run ended, has one
		chosen = append(chosen, points[i])
	}
	return chosen
}

// ranges returns those of the axes. The first tenth of the epochs, when a network knows
// nothing, may lie above, so that it does not flatten what follows.
func (p panel) ranges() (xMin, xMax, yMin, yMax float64) {
	yMin, yMax = math.Inf(1), math.Inf(-1)
	for _, l := range p.lines {
		xMax = max(xMax, l.points[len(l.points)-1].X)
	}
	for _, l := range p.lines {
		for i, at := range l.points {
			yMin = min(yMin, at.Y)
			if at.X >= xMax/10 || i == len(l.points)-1 {
				yMax = max(yMax, at.Y)
			}
		}
	}
	if xMax == 0 {
		xMax = 1
	}
	if yMin > 0 && yMin < yMax/2 {
		yMin = 0
	}
	space := 0.04 * (yMax - yMin)
	if space == 0 {
		space = 1
	}
	if yMin != 0 {
		yMin -= space
	}
	return 0, xMax, yMin, yMax + space
}

func (l line) style() draw.LineStyle {
	width := vg.Length(1.6)
	if l.thin {
		width = 1
	}
	return draw.LineStyle{Color: l.look.color, Width: width, Dashes: l.look.dash}
}

func (l line) mark() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.look.color, Radius: 2.4, Shape: l.look.glyph}
}

const (
	sans     = "Sans"
	fontSize = 10
)

// ink is the colour of axes and text.
var ink = color.Gray{0x20}

func textStyle() text.Style {
	return text.Style{
		Color: ink, Font: font.From(font.Font{Typeface: "Liberation", Variant: sans}, fontSize),
		YAlign: draw.YCenter, Handler: plot.DefaultTextHandler,
	}
}
