package reproduce

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"

	"github.com/seed-fb2c0fa6/inception/score"
)

// A cell is what was measured of an arm of the claim Scaling.
type cell struct {
	arm *Arm
	// size and scale count the arms' sizes and scales in the order of depth, and of trials.
	size, scale int
	// trials are without a treatment, atRate those of them at the paper's rate; warm and
	// unclipped are those with one.
	trials, atRate, warm, unclipped []*Trial
	boundaries                      []Boundary
}

// cells are of all arms; sizes are the labels of the sizes, the shallowest first.
func (f Finding) cells() (all []cell, sizes []string) {
	arms := armsOf(f.Trials)
	deep := slices.Clone(arms)
	slices.SortStableFunc(deep, func(a, b *Arm) int { return int(a.MultiplyAdds - b.MultiplyAdds) })
	var scales []float64
	for _, a := range deep {
		if size := a.size(); !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
	}
	for _, a := range arms {
		if !slices.Contains(scales, a.ResidualScales[0]) {
			scales = append(scales, a.ResidualScales[0])
		}
		c := cell{arm: a, size: slices.Index(sizes, a.size()), scale: slices.Index(scales, a.ResidualScales[0])}
		for _, t := range a.of(f.Trials) {
			switch {
			case t.Treatment.WarmUp > 0:
				c.warm = append(c.warm, t)
			case t.Treatment.Unclipped:
				c.unclipped = append(c.unclipped, t)
			default:
				c.trials = append(c.trials, t)
				if t.Rate == paperRate {
					c.atRate = append(c.atRate, t)
				}
			}
		}
		for _, b := range f.Boundaries {
			if b.Arm.Key == a.Key {
				c.boundaries = append(c.boundaries, b)
			}
		}
		all = append(all, c)
	}
	return all, sizes
}

// size names the size of a network, in short.
func (a *Arm) size() string {
	return fmt.Sprintf("%d, %d, %d\nwidth %g", a.Blocks[0], a.Blocks[1], a.Blocks[2], a.Width)
}

// x is where a cell stands in a chart over sizes: scales side by side.
func (c cell) x() float64 { return float64(c.size) + 0.1*float64(c.scale-1) }

func (c cell) scaleName() string { return fmt.Sprintf("times %g", c.arm.ResidualScales[0]) }

// accuracies are those of trials at the end, in percent.
func accuracies(trials []*Trial, classes int) []float64 {
	values := series{classes, trials}.raw()
	for i := range values {
		values[i] = 100 - values[i]
	}
	return values
}

// octaves are the boundaries above the paper's rate.
func octaves(all []Boundary) []float64 {
	var values []float64
	for _, b := range all {
		values = append(values, b.octaves())
	}
	return values
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// estimateText is a mean with its interval; empty of no values.
func estimateText(values []float64, format string) string {
	e, err := score.Mean(values)
	if err != nil {
		return ""
	}
	text := fmt.Sprintf(format, e.Mean)
	if e.N > 1 {
		text += fmt.Sprintf(" ("+format+" to "+format+")", e.Low, e.High)
	}
	return text
}

// scalingTable has a row for each cell.
func (f Finding) scalingTable() table {
	steps := f.Settled["depth"].Steps
	t := table{
		Title: fmt.Sprintf("At the paper's learning rate of %g, after %d steps; means with 95%% intervals over the seeds. Died: only zeros before pooling, or no finite loss", paperRate, steps),
		Head:  []string{"network", "residuals", "multiply-adds", "seeds", "died", "learned", "top-1 accuracy", "gradient's norm, first ten steps", "mean before pooling", "zeros there", "largest rate that learns", "died at any rate"},
	}
	row := func(name, scale string, c cell, trials []*Trial, more ...string) {
		if len(trials) == 0 {
			return
		}
		var activations, zeros, norms []float64
		learned, died := 0, 0
		for _, trial := range trials {
			if trial.Died() {
				died++
			} else if trial.Learned(f.classes) {
				learned++
			}
			if trial.Failure == "" {
				activations, zeros = append(activations, trial.last().Activation), append(zeros, 100*trial.last().Zeros)
			}
			if n := trial.firstGradients(); !math.IsNaN(n) {
				norms = append(norms, n)
			}
		}
		t.Rows = append(t.Rows, append([]string{
			name, scale, fmt.Sprintf("%.1f M", float64(c.arm.MultiplyAdds)/1e6), fmt.Sprint(len(trials)), fmt.Sprint(died), fmt.Sprint(learned),
			estimateText(accuracies(trials, f.classes), "%.1f%%"), estimateText(norms, "%.3g"), estimateText(activations, "%.3g"), estimateText(zeros, "%.0f%%"),
		}, more...))
	}
	all, _ := f.cells()
	for _, c := range all {
		name := strings.ReplaceAll(c.arm.size(), "\n", ", ")
		died := 0
		for _, trial := range c.trials {
			if trial.Died() {
				died++
			}
		}
		row(name, c.scaleName(), c, c.atRate, boundaryText(c.boundaries), fmt.Sprintf("%d of %d", died, len(c.trials)))
		row(name, c.scaleName()+", gradients not clipped", c, c.unclipped, "", "")
		if len(c.warm) > 0 {
			row(name, fmt.Sprintf("%s, after %d steps of warm-up", c.scaleName(), c.warm[0].Treatment.WarmUp), c, c.warm, "", "")
		}
	}
	return t
}

// recipeTable names the recipes on both sides of the deepest networks' boundaries.
func (f Finding) recipeTable() table {
	t := table{
		Title: "Recipes beside the boundary of the first seed, for inception train --recipe FILE",
		Head:  []string{"residuals", "learns", "does not"},
	}
	for _, b := range f.Boundaries {
		if b.Seed != 1 || sizeName(b.Arm) != sizeName(f.Trials[0].Arm) {
			continue
		}
		file := func(rate float64) string {
			if rate == 0 {
				return "none found"
			}
			return fmt.Sprintf("%.3g: %s", rate, filepath.ToSlash(filepath.Join(folderOf(b.Arm, b.Seed, rate, treatment{}), recipeName)))
		}
		t.Rows = append(t.Rows, []string{fmt.Sprintf("times %g", b.Arm.ResidualScales[0]), file(b.Learns), file(b.Fails)})
	}
	return t
}

// boundaryText is the geometric mean of boundaries with its interval.
func boundaryText(all []Boundary) string {
	e, err := score.Mean(octaves(all))
	if err != nil {
		return "not bisected"
	}
	text := fmt.Sprintf("%.3g", paperRate*math.Exp2(e.Mean))
	if e.N > 1 {
		text += fmt.Sprintf(" (%.3g to %.3g)", paperRate*math.Exp2(e.Low), paperRate*math.Exp2(e.High))
	}
	if none := len(all) - len(slices.DeleteFunc(slices.Clone(all), func(b Boundary) bool { return b.Learns == 0 })); none > 0 {
		text += fmt.Sprintf("; no rate learned with %d of %d seeds", none, len(all))
	}
	return text
}

// chartsOfScaling are the boundary, and what is behind it.
func (f Finding) chartsOfScaling() []chart {
	all, sizes := f.cells()
	deepest := all[0].arm
	boundary := chart{file: "boundary", title: fmt.Sprintf("Largest rate that learns, by size; at %.1g: none did; crosses: died", paperRate*math.Exp2(-widest)), y: "learning rate", logarithmic: true, names: sizes}
	accuracy := chart{file: "accuracy", title: fmt.Sprintf("Top-1 accuracy after %d steps at %g", f.Settled["depth"].Steps, paperRate), y: "%", names: sizes}
	gradient := chart{file: "gradient", title: "Gradient's norm, " + sizeName(deepest), x: "step", y: "L2", logarithmic: true}
	learning := chart{file: "learning", title: "Top-1 accuracy in training, " + sizeName(deepest), x: "step", y: "%"}
	slices.SortStableFunc(all, func(a, b cell) int { return 1000*(a.scale-b.scale) + a.size - b.size })
	for at := 0; at < len(all); {
		colour, name := all[at].scale, all[at].scaleName()
		var edges, edge, died, ends plotter.XYs
		for ; at < len(all) && all[at].scale == colour; at++ {
			c := all[at]
			for _, b := range c.boundaries {
				edge = append(edge, plotter.XY{X: c.x(), Y: paperRate * math.Exp2(b.octaves())})
			}
			if len(c.boundaries) > 0 {
				edges = append(edges, plotter.XY{X: c.x(), Y: paperRate * math.Exp2(mean(octaves(c.boundaries)))})
			}
			for _, t := range c.trials {
				if t.Died() {
					died = append(died, plotter.XY{X: c.x(), Y: t.Rate})
				}
			}
			if len(c.atRate) > 0 {
				ends = append(ends, plotter.XY{X: c.x(), Y: mean(accuracies(c.atRate, f.classes))})
			}
			if sizeName(c.arm) == sizeName(deepest) {
				gradient.lines = append(gradient.lines, bySeed(name, colour, bold, c.atRate, onSteps(60, func(s Sample) float64 { return max(s.GradientNorm, 1e-6) }))...)
				learning.lines = append(learning.lines, bySeed(name, colour, bold, c.atRate, onSteps(12, func(s Sample) float64 { return 100 * s.Top1 }))...)
			}
		}
		boundary.lines = append(boundary.lines, line{name, colour, edges, bold}, line{"", colour, edge, dots}, line{"", colour, died, crosses})
		accuracy.lines = append(accuracy.lines, line{name, colour, ends, bold}, line{"", colour, ends, dots})
	}
	return []chart{boundary, accuracy, gradient, learning}
}
