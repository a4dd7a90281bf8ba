package reproduce

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A figure is a quantity of both arms' trials by epoch, as in figures 21 to 26.
type figure struct {
	name, title, unit string
	value             func(Point) float64
}

func figuresOf(c Claim) []figure {
	top1 := figure{"top1", "Top-1 error, averaged parameters, single crop", "%", func(p Point) float64 { return 100 * p.Top1.Rate }}
	switch c {
	case Residual:
		return []figure{top1,
			{"top5", "Top-5 error, averaged parameters, single crop", "%", func(p Point) float64 { return 100 * p.Top5.Rate }},
			{"loss", "Loss on the distorted images of training", "", func(p Point) float64 { return p.Loss }},
		}
	case Scaling:
		return []figure{top1,
			{"activation", "Mean of the last layer before the average pooling", "", func(p Point) float64 { return p.Activation }},
			{"loss", "Loss on the distorted images of training", "", func(p Point) float64 { return p.Loss }},
		}
	case Averaging:
		return []figure{{"raw", "Top-1 error, parameters themselves, single crop", "%", func(p Point) float64 { return 100 * p.RawTop1.Rate }}, top1}
	}
	return nil
}

// draw returns the figure as SVG: a line for each trial, in its arm's colour.
func (f figure) draw(trials []*Trial) ([]byte, error) {
	p := plot.New()
	p.Title.Text = f.title
	p.Title.Padding = vg.Points(6)
	p.X.Label.Text = "epoch"
	p.Y.Label.Text = f.unit
	p.X.Min, p.Y.Min = 0, 0
	p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, vg.Points(6), vg.Points(6) // below curves that fall from the top
	p.Add(plotter.NewGrid())
	colours := [2]color.Color{color.NRGBA{0xd6, 0x27, 0x28, 255}, color.NRGBA{0x1f, 0x77, 0xb4, 255}}
	for i, t := range trials {
		var xys plotter.XYs
		for _, point := range t.Points {
			xys = append(xys, plotter.XY{X: point.Epoch, Y: f.value(point)})
		}
		if len(xys) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(xys)
		if err != nil {
			return nil, fmt.Errorf("draw %s: %w", f.name, err)
		}
		line.Color, dots.Color = colours[i%2], colours[i%2]
		line.Width, dots.Radius = vg.Points(1.2), vg.Points(2)
		dots.Shape = draw.CircleGlyph{}
		p.Add(line, dots)
		if i < 2 {
			p.Legend.Add(t.Arm.Name, line)
		}
	}
	canvas := vgsvg.New(vg.Points(420), vg.Points(280))
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}
