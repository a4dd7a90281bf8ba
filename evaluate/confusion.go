package evaluate

import (
	"errors"
	"fmt"
	"image/color"
	"image/png"
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

// Up to how many classes a confusion matrix has their names beside it, and the shares of
// its cells in them.
const (
	mostNames = 60
	mostTexts = 20
)

// DrawConfusion writes a PNG picture of the confusion matrix of the last row: a line for
// each class, a column for each that it was taken for, and how dark a cell is tells which
// share of the line's images are in it.
func (r *Report) DrawConfusion(w io.Writer) error {
	if r.Confusion == nil {
		return errors.New("without labels there is no confusion matrix to draw")
	}
	n := len(r.Classes)
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s, %d images: top-1 error %.2f%%", r.Rows[len(r.Rows)-1].Name, r.Images, 100*r.Rows[len(r.Rows)-1].Top1.Rate)
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text, p.Y.Label.Text = "classified as", "class"
	shares := plotter.NewHeatMap(confusionGrid(r.Confusion), blues())
	shares.Min, shares.Max = 0, 1
	shares.Rasterized = n > mostNames // otherwise drawn cell by cell, which is sharp at any size
	p.Add(shares)
	// The side of the grid, and with it the size of all: a cell has room for its text, and
	// is a pixel at least.
	side := vg.Points(max(420, 36*float64(min(n, mostTexts)), 13*float64(min(n, mostNames)), 0.75*float64(n)))
	if n <= mostNames {
		p.NominalX(r.Classes...)
		p.NominalY(reversed(r.Classes)...)
		p.X.Tick.Label.Rotation = math.Pi / 3
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	} else {
		p.HideAxes()
	}
	if n <= mostTexts {
		labels, err := confusionTexts(r.Confusion, p.X.Tick.Label.Font)
		if err != nil {
			return err
		}
		p.Add(labels)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(side+vg.Points(110), side+vg.Points(110)), vgimg.UseDPI(96))
	p.Draw(draw.New(canvas))
	return png.Encode(w, canvas.Image())
}

// confusionGrid is the matrix as shares of its lines, the first line at the top.
type confusionGrid [][]int

func (g confusionGrid) Dims() (columns, rows int) { return len(g), len(g) }
func (g confusionGrid) X(column int) float64      { return float64(column) }
func (g confusionGrid) Y(row int) float64         { return float64(row) }
func (g confusionGrid) Z(column, row int) float64 {
	return share(g[len(g)-1-row], column)
}

// share is that of one cell of its line; 0 in a line without images.
func share(line []int, column int) float64 {
	total := 0
	for _, count := range line {
		total += count
	}
	return float64(line[column]) / float64(max(total, 1))
}

// confusionTexts are the shares in percent, in the middle of their cells.
func confusionTexts(matrix [][]int, face font.Font) (*plotter.Labels, error) {
	var texts plotter.XYLabels
	var styles []text.Style
	for line := range matrix {
		for column := range matrix {
			s := share(matrix[line], column)
			if s == 0 {
				continue
			}
			texts.XYs = append(texts.XYs, plotter.XY{X: float64(column), Y: float64(len(matrix) - 1 - line)})
			texts.Labels = append(texts.Labels, fmt.Sprintf("%.0f", 100*s))
			style := text.Style{Color: color.Black, Font: face, Handler: plot.DefaultTextHandler, XAlign: draw.XCenter, YAlign: draw.YCenter}
			if s > 0.25 {
				style.Color = color.White
			}
			styles = append(styles, style)
		}
	}
	labels, err := plotter.NewLabels(texts)
	if err != nil {
		return nil, err
	}
	labels.TextStyle = styles
	return labels, nil
}

// bluePalette goes from white to dark blue.
type bluePalette []color.Color

func (p bluePalette) Colors() []color.Color { return p }

func blues() bluePalette {
	const steps = 256
	palette := make(bluePalette, steps)
	for i := range palette {
		// The square root shows small shares, which most errors are.
		t := math.Sqrt(float64(i) / (steps - 1))
		mix := func(from, to float64) uint8 { return uint8(math.Round(from + t*(to-from))) }
		palette[i] = color.NRGBA{mix(255, 8), mix(255, 48), mix(255, 107), 255}
	}
	return palette
}

func reversed(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[len(names)-1-i] = name
	}
	return all
}
