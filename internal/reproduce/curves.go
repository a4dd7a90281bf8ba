package reproduce

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A chart is a figure of lines.
type chart struct {
	file, title, x, y string
	lines             []line
	// logarithmic is the y axis; names are of x at 0, 1, 2 and so on.
	logarithmic bool
	names       []string
}

type line struct {
	name   string // in the legend; empty for none
	colour int
	points plotter.XYs
	style  style
}

// A style is how a line is drawn.
type style int

const (
	bold style = iota // a mean
	thin              // one of what the mean is of
	dashed
	dots
	crosses
)

var palette = []color.NRGBA{{0xd6, 0x27, 0x28, 255}, {0x1f, 0x77, 0xb4, 255}, {0x2c, 0xa0, 0x2c, 255}, {0xe3, 0x77, 0x00, 255}, {0x94, 0x67, 0xbd, 255}}

// empty tells whether there is nothing to draw.
func (c chart) empty() bool {
	return !slices.ContainsFunc(c.lines, func(l line) bool { return len(l.points) > 0 })
}

// draw returns the chart as SVG.
func (c chart) draw() ([]byte, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	p.Title.Padding = vg.Points(6)
	p.Legend.Top, p.Legend.XOffs, p.Legend.YOffs = true, vg.Points(-6), vg.Points(-4)
	p.Legend.TextStyle.Font.Size, p.Legend.Padding = vg.Points(9), vg.Points(2)
	p.Add(plotter.NewGrid())
	for _, l := range c.lines {
		if len(l.points) == 0 {
			continue
		}
		if err := l.add(p); err != nil {
			return nil, fmt.Errorf("draw %s: %w", c.file, err)
		}
	}
	if c.names != nil {
		p.NominalX(c.names...)
		p.X.Min, p.X.Max = -0.5, float64(len(c.names))-0.5
	} else {
		p.X.Min = 0
	}
	if c.logarithmic {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Min, p.Y.Max = p.Y.Min/1.2, p.Y.Max*1.2
	}
	// Room for the legend above the lines.
	if !c.logarithmic {
		p.Y.Max += 0.25 * (p.Y.Max - p.Y.Min)
	}
	canvas := vgsvg.New(vg.Points(420), vg.Points(300))
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}

func (l line) add(p *plot.Plot) error {
	shade := palette[l.colour%len(palette)]
	if l.style == dots || l.style == crosses {
		s, err := plotter.NewScatter(l.points)
		if err != nil {
			return err
		}
		s.Color, s.Radius, s.Shape = shade, vg.Points(2.2), draw.CircleGlyph{}
		if l.style == crosses {
			s.Radius, s.Shape = vg.Points(3), draw.CrossGlyph{}
		}
		p.Add(s)
		if l.name != "" {
			p.Legend.Add(l.name, s)
		}
		return nil
	}
	drawn, err := plotter.NewLine(l.points)
	if err != nil {
		return err
	}
	drawn.Width = vg.Points(1.8)
	switch l.style {
	case thin:
		drawn.Width, shade.A = vg.Points(0.7), 110
	case dashed:
		drawn.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	}
	drawn.Color = shade
	p.Add(drawn)
	if l.name != "" {
		p.Legend.Add(l.name, drawn)
	}
	return nil
}

// bySeed draws a quantity of an arm's trials: each thin, and their mean.
func bySeed(name string, colour int, mean style, trials []*Trial, of func(*Trial) plotter.XYs) []line {
	var lines []line
	var sum plotter.XYs
	count := 0
	for _, t := range trials {
		points := of(t)
		if t.Failure != "" || len(points) == 0 {
			continue
		}
		if len(trials) > 1 && mean == bold {
			lines = append(lines, line{"", colour, points, thin})
		}
		if count++; count == 1 {
			sum = slices.Clone(points)
			continue
		}
		sum = sum[:min(len(sum), len(points))]
		for i := range sum {
			sum[i].Y += points[i].Y
		}
	}
	for i := range sum {
		sum[i].Y /= float64(count)
	}
	return append(lines, line{name, colour, sum, mean})
}

// onPoints is a quantity of the measurements by epoch.
func onPoints(of func(Point) float64) func(*Trial) plotter.XYs {
	return func(t *Trial) (xys plotter.XYs) {
		for _, p := range t.Points {
			xys = append(xys, plotter.XY{X: p.Epoch, Y: of(p)})
		}
		return xys
	}
}

// onSteps is a quantity of the steps, in at most so many means of neighbours.
func onSteps(most int, of func(Sample) float64) func(*Trial) plotter.XYs {
	return func(t *Trial) (xys plotter.XYs) {
		n := max(1, (len(t.Curve)+most-1)/most)
		for i := 0; i+n <= len(t.Curve); i += n {
			var sum float64
			for _, s := range t.Curve[i : i+n] {
				sum += of(s)
			}
			xys = append(xys, plotter.XY{X: float64(i) + float64(n+1)/2, Y: sum / float64(n)})
		}
		return xys
	}
}

func top1(p Point) float64 { return 100 * p.Top1.Rate }
func top5(p Point) float64 { return 100 * p.Top5.Rate }
func raw1(p Point) float64 { return 100 * p.RawTop1.Rate }

// charts are those of a claim.
func (f Finding) charts() []chart {
	if len(f.Trials) == 0 {
		return nil
	}
	switch f.Claim {
	case Residual:
		return chartsOfResidual(f.Trials)
	case Averaging:
		return chartsOfAveraging(f.Trials)
	case Scaling:
		return f.chartsOfScaling()
	}
	return nil
}

// chartsOfResidual are figures 21 to 26: each pairing's errors, and those of all.
func chartsOfResidual(trials []*Trial) []chart {
	arms := armsOf(trials)
	var all []chart
	add := func(file, title string, of func(Point) float64, from, to int, mean style) {
		c := chart{file: file, title: title, x: "epoch", y: "error, %"}
		for i := from; i < to; i++ {
			c.lines = append(c.lines, bySeed(arms[i].Name, i, mean, arms[i].of(trials), onPoints(of))...)
		}
		all = append(all, c)
	}
	for i := 0; i+1 < len(arms); i += 2 {
		pair := arms[i].Name + " and " + arms[i+1].Name
		add(fmt.Sprintf("figure%d", 21+i), "Top-1 error, "+pair, top1, i, i+2, bold)
		add(fmt.Sprintf("figure%d", 22+i), "Top-5 error, "+pair, top5, i, i+2, bold)
	}
	if len(arms) > 2 {
		add("figure25", "Top-5 error of all, means", top5, 0, len(arms), dashed)
		add("figure26", "Top-1 error of all, means", top1, 0, len(arms), dashed)
	}
	return all
}

func chartsOfAveraging(trials []*Trial) []chart {
	c := chart{file: "averages", title: "Top-1 error, averages (whole lines) and parameters (dashed)", x: "epoch", y: "error, %"}
	for i, arm := range armsOf(trials) {
		own := arm.of(trials)
		averaged := bySeed(arm.Name, i, bold, own, onPoints(top1))
		c.lines = append(c.lines, averaged[len(averaged)-1])
		c.lines = append(c.lines, bySeed("", i, dashed, own, onPoints(raw1))...)
	}
	return []chart{c}
}
