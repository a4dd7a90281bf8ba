package curves

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

// Draw draws runs as a PNG file with two panels. Of one run they show the loss, and the
// top-1 and top-5 errors, of training and of validation. Of several they show the top-1
// and the top-5 error, one line a run: that of validation where every run has one,
// or else of training. Runs should have different names. A run without any of these
// values is an error.
func Draw(w io.Writer, runs ...Run) error {
	f := figure{shared: len(runs) > 1}
	switch {
	case len(runs) == 0:
		return errors.New("expected at least one run to draw, found none")
	case f.shared:
		f.panels = compare(runs)
	default:
		f.panels = alone(runs[0])
	}
	for _, p := range f.panels {
		for i, run := range runs {
			if len(p.lines) == 0 || f.shared && len(p.lines[i].points) == 0 {
				return fmt.Errorf("run %s has nothing to draw as %q; wait until it has, or draw it alone", run.Name, p.yLabel)
			}
		}
	}
	return f.write(w)
}

// The colours are those of Okabe and Ito, which the colour-blind can tell apart; in
// print without colour, dashes and glyphs differ.
var (
	blue      = color.NRGBA{0x00, 0x72, 0xB2, 0xFF}
	vermilion = color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	green     = color.NRGBA{0x00, 0x9E, 0x73, 0xFF}
	purple    = color.NRGBA{0xAA, 0x4C, 0x8F, 0xFF}
	orange    = color.NRGBA{0xE6, 0x9F, 0x00, 0xFF}
	skyBlue   = color.NRGBA{0x56, 0xB4, 0xE9, 0xFF}
	black     = color.NRGBA{0x20, 0x20, 0x20, 0xFF}
)

// A look is what tells one line from others.
type look struct {
	color color.NRGBA
	dash  []vg.Length
	glyph draw.GlyphDrawer
}

// looks are those of the runs in a comparison, of which more begin again.
var looks = []look{
	{blue, nil, draw.CircleGlyph{}},
	{vermilion, []vg.Length{6, 2}, draw.SquareGlyph{}},
	{green, []vg.Length{2, 1.5}, draw.PyramidGlyph{}},
	{purple, []vg.Length{7, 2, 1.5, 2}, draw.RingGlyph{}},
	{orange, []vg.Length{10, 3}, draw.BoxGlyph{}},
	{skyBlue, []vg.Length{4, 2, 1, 2, 1, 2}, draw.TriangleGlyph{}},
	{black, []vg.Length{1, 1}, draw.CrossGlyph{}},
}

// alone shows one run. Training, which is measured batch by batch, is in the
// background.
func alone(run Run) []panel {
	training := func(l line) line {
		l.look.color.A, l.look.glyph, l.thin = 0x80, nil, true
		l.points = smooth(l.points)
		return l
	}
	top1, top5 := looks[0], looks[1]
	panels := []panel{
		{yLabel: "Loss", lines: []line{
			training(line{"training", top1, false, series(run, func(p rundir.Point) float64 { return p.Training.Loss })}),
			{"validation", top1, false, series(run, func(p rundir.Point) float64 { return p.Validation.Loss })},
		}},
		{yLabel: "Error (%)", lines: []line{
			training(line{"top-1, training", top1, false, series(run, func(p rundir.Point) float64 { return percent(p.Training.Top1) })}),
			{"top-1, validation", top1, false, series(run, func(p rundir.Point) float64 { return percent(p.Validation.Top1) })},
			training(line{"top-5, training", top5, false, series(run, func(p rundir.Point) float64 { return percent(p.Training.Top5) })}),
			{"top-5, validation", top5, false, series(run, func(p rundir.Point) float64 { return percent(p.Validation.Top5) })},
		}},
	}
	for i, p := range panels {
		var measured []line
		for _, l := range p.lines {
			if len(l.points) > 0 {
				measured = append(measured, l)
			}
		}
		panels[i].lines = measured
	}
	return panels
}

// compare shows several runs, as figures 21-26 do.
func compare(runs []Run) []panel {
	return []panel{
		errorPanel("Top-1 error", runs, func(m rundir.Measures) float64 { return m.Top1 }),
		errorPanel("Top-5 error", runs, func(m rundir.Measures) float64 { return m.Top5 }),
	}
}

func errorPanel(name string, runs []Run, of func(rundir.Measures) float64) panel {
	p := panel{yLabel: name + " on validation (%)"}
	validated := true
	for i, run := range runs {
		l := line{name: run.Name, look: looks[i%len(looks)]}
		l.points = series(run, func(at rundir.Point) float64 { return percent(of(at.Validation)) })
		validated = validated && len(l.points) > 0
		p.lines = append(p.lines, l)
	}
	if validated {
		return p
	}
	p.yLabel = name + " on training (%)"
	for i, run := range runs {
		p.lines[i].look.glyph = nil
		p.lines[i].points = smooth(series(run, func(at rundir.Point) float64 { return percent(of(at.Training)) }))
	}
	return p
}

func percent(share float64) float64 { return 100 * (1 - share) }

// series returns what was measured, by epoch.
func series(run Run, of func(rundir.Point) float64) []point {
	var points []point
	for _, p := range run.Points {
		if v := of(p); !math.IsNaN(v) && !math.IsInf(v, 0) {
			points = append(points, point{X: p.Epoch, Y: v})
		}
	}
	return points
}

// smooth averages points within equal parts of the axis, so that what is measured on
// single batches shows its course.
func smooth(points []point) []point {
	const parts = 60
	if len(points) <= parts {
		return points
	}
	first, last := points[0].X, points[len(points)-1].X
	var smoothed []point
	var sum point
	part, n := 0, 0.0
	end := func() {
		if n > 0 {
			smoothed = append(smoothed, point{X: sum.X / n, Y: sum.Y / n})
		}
		sum, n = point{}, 0
	}
	for _, p := range points {
		if at := int(parts * (p.X - first) / (last - first)); at != part {
			end()
			part = at
		}
		sum.X += p.X
		sum.Y += p.Y
		n++
	}
	end()
	return smoothed
}
