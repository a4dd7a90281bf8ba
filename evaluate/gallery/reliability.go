package gallery

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed-fb2c0fa6/inception/score"
)

// The colours of a diagram, and what the page has in their place, in light and dark.
var (
	accuracyColour = color.NRGBA{0x1f, 0x5f, 0xbf, 0xff}
	gapColour      = color.NRGBA{0xd2, 0x5a, 0x4c, 0xff}
	pageColours    = strings.NewReplacer("#000000", "currentColor", "#1F5FBF", "var(--right)", "#D25A4C", "var(--wrong)")
)

// reliability draws the accuracy of each bin against its confidence, as an SVG element: a bar
// for the accuracy, and what it lacks of the confidence, or has above it, on the bar.
func reliability(c score.Calibration) (template.HTML, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text, p.Y.Label.Text = "confidence", "accuracy"
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	for _, b := range c.Bins {
		if b.Images == 0 {
			continue
		}
		for _, part := range []struct {
			from, to float64
			colour   color.NRGBA
		}{{0, b.Accuracy, accuracyColour}, {b.Accuracy, b.Confidence, gapColour}} {
			box, err := plotter.NewPolygon(plotter.XYs{{X: b.Low, Y: part.from}, {X: b.High, Y: part.from}, {X: b.High, Y: part.to}, {X: b.Low, Y: part.to}})
			if err != nil {
				return "", err
			}
			box.Color, box.LineStyle.Width = part.colour, 0
			p.Add(box)
		}
	}
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return "", err
	}
	diagonal.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(diagonal)
	canvas := vgsvg.New(vg.Points(280), vg.Points(260))
	p.Draw(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	// Within a page an SVG begins with its element.
	_, element, found := strings.Cut(b.String(), "<svg")
	if !found {
		return "", fmt.Errorf("the diagram has no element <svg>")
	}
	return template.HTML(`<svg role="img" aria-label="Accuracy against confidence; the numbers are in the table of the bins"` + pageColours.Replace(element)), nil
}
