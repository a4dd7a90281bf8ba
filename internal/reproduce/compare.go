package reproduce

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// compare computes a claim's differences; positive ones are on its side. There are none
// where nothing was measured.
func compare(f Finding) ([]Comparison, error) {
	switch f.Claim {
	case Residual:
		return compareResidual(f.Trials, f.classes)
	case Scaling:
		return compareScaling(f)
	case Averaging:
		if len(f.Trials) == 0 {
			return nil, nil
		}
		s := series{f.classes, f.Trials}
		return paired(difference{"top-1 error at the end, parameters less their averages", "points", s.raw(), s.final(), false})
	case Crops:
		return compareCrops(f.Crops)
	}
	return nil, nil
}

// A difference is of two lists of values, pair by pair.
type difference struct {
	what, unit string
	a, b       []float64
	aside      bool
}

func paired(all ...difference) ([]Comparison, error) {
	var comparisons []Comparison
	for _, d := range all {
		var a, b []float64
		for i := range min(len(d.a), len(d.b)) { // the last may be missing where the budget was spent
			if !math.IsNaN(d.a[i] - d.b[i]) {
				a, b = append(a, d.a[i]), append(b, d.b[i])
			}
		}
		if len(a) == 0 {
			continue
		}
		e, err := score.Paired(a, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.what, err)
		}
		comparisons = append(comparisons, Comparison{d.what, d.unit, e, d.aside})
	}
	return comparisons, nil
}

// compareResidual compares the pairings: each plain network with the residual one behind it.
func compareResidual(trials []*Trial, classes int) ([]Comparison, error) {
	arms := armsOf(trials)
	var all []difference
	for i := 0; i+1 < len(arms); i += 2 {
		plain, residual := series{classes, arms[i].of(trials)}, series{classes, arms[i+1].of(trials)}
		name := fmt.Sprintf("%s less %s", arms[i].Name, arms[i+1].Name)
		all = append(all,
			difference{"mean top-1 error on the way, " + name, "points", plain.onTheWay(), residual.onTheWay(), false},
			difference{"top-1 error at the end, " + name, "points", plain.final(), residual.final(), true})
	}
	return paired(all...)
}

// compareScaling compares the largest and the smallest scale of the deepest networks, and the
// smallest with a warm-up of the largest.
func compareScaling(f Finding) ([]Comparison, error) {
	arms := armsOf(f.Trials)
	if len(arms) == 0 {
		return nil, nil
	}
	unscaled := arms[0]
	deepest := slices.DeleteFunc(arms, func(a *Arm) bool { return !slices.Equal(a.Blocks, unscaled.Blocks) || a.Width != unscaled.Width })
	scaled := deepest[len(deepest)-1]
	all, _ := f.cells()
	cellOf := func(a *Arm) cell {
		return all[slices.IndexFunc(all, func(c cell) bool { return c.arm.Key == a.Key })]
	}
	s, u := cellOf(scaled), cellOf(unscaled)
	of := func(trials []*Trial) series { return series{f.classes, trials} }
	name := fmt.Sprintf("%s, times %g", sizeName(unscaled), scaled.ResidualScales[0])
	return paired(
		difference{"top-1 accuracy, " + name + " less times 1", "points", of(u.atRate).raw(), of(s.atRate).raw(), false},
		difference{"top-1 accuracy, " + name + " less times 1 after a warm-up", "points", of(u.warm).raw(), of(s.atRate).raw(), false},
		difference{"died without clipping, " + sizeName(unscaled) + fmt.Sprintf(", times 1 less times %g", scaled.ResidualScales[0]), "of 1", of(u.unclipped).died(), of(s.unclipped).died(), false},
		difference{"largest learning rate, " + name + " over times 1", "octaves", octaves(s.boundaries), octaves(u.boundaries), false},
		difference{"gradient's norm in the first ten steps, " + sizeName(unscaled) + ", times 1 over times " + fmt.Sprint(scaled.ResidualScales[0]), "octaves", of(u.atRate).gradients(), of(s.atRate).gradients(), true},
	)
}

// sizeName names the size of a network.
func sizeName(a *Arm) string {
	return fmt.Sprintf("%d, %d, %d blocks, width %g", a.Blocks[0], a.Blocks[1], a.Blocks[2], a.Width)
}

func compareCrops(all []CropErrors) ([]Comparison, error) {
	// Of each network the errors by crops; of each ensemble, those on 144 crops.
	singles := map[vision.Crops][]float64{}
	var members, together []float64
	for _, e := range all {
		var sum float64
		for i, m := range e.Members {
			sum += 100 * m.Top1.Rate
			if e.ofOne() {
				singles[e.Crops] = append(singles[e.Crops], 100*e.Members[i].Top1.Rate)
			}
		}
		if e.Crops == vision.Crops144 && len(e.Members) > 1 {
			members = append(members, sum/float64(len(e.Members)))
			together = append(together, 100*e.Ensemble.Top1.Rate)
		}
	}
	return paired(
		difference{"top-1 error, 1 crop less 12", "points", singles[vision.Crops1], singles[vision.Crops12], false},
		difference{"top-1 error, 12 crops less 144", "points", singles[vision.Crops12], singles[vision.Crops144], false},
		difference{"top-1 error on 144 crops, members less their ensemble", "points", members, together, false},
	)
}

// ofOne tells whether all members are one network, with several seeds.
func (e CropErrors) ofOne() bool {
	return !slices.ContainsFunc(e.Networks, func(n string) bool { return n != e.Networks[0] })
}

// armsOf lists the arms of trials in the order of their first.
func armsOf(trials []*Trial) []*Arm {
	var all []*Arm
	for _, t := range trials {
		if !slices.ContainsFunc(all, func(a *Arm) bool { return a.Key == t.Arm.Key }) {
			all = append(all, t.Arm)
		}
	}
	return all
}

// of are an arm's trials, in the order of their seeds.
func (a *Arm) of(trials []*Trial) []*Trial {
	return slices.DeleteFunc(slices.Clone(trials), func(t *Trial) bool { return t.Arm.Key != a.Key })
}

// A series is some trials. A training that failed counts as guessing from then on.
type series struct {
	classes int
	trials  []*Trial
}

func (s series) each(value func(t *Trial, guess float64) float64) []float64 {
	values := make([]float64, len(s.trials))
	for i, t := range s.trials {
		values[i] = value(t, 100*(1-1/float64(s.classes)))
	}
	return values
}

// onTheWay is the mean error in percent over all points.
func (s series) onTheWay() []float64 {
	return s.each(func(t *Trial, guess float64) float64 {
		var sum float64
		for _, p := range t.Points {
			sum += 100 * p.Top1.Rate
		}
		return (sum + float64(points-len(t.Points))*guess) / points
	})
}

// end is a value in percent of the last point.
func (s series) end(of func(Point) score.Errors) []float64 {
	return s.each(func(t *Trial, guess float64) float64 {
		if t.Failure != "" {
			return guess
		}
		return 100 * of(t.last()).Rate
	})
}

// final is the error with averages, raw that without.
func (s series) final() []float64 { return s.end(func(p Point) score.Errors { return p.Top1 }) }
func (s series) raw() []float64   { return s.end(func(p Point) score.Errors { return p.RawTop1 }) }

// died is 1 for each trial that died, and 0 for others.
func (s series) died() []float64 {
	return s.each(func(t *Trial, _ float64) float64 {
		if t.Died() {
			return 1
		}
		return 0
	})
}

// early is how many steps a gradient's norm is taken over.
const early = 10

// gradients are the binary logarithms of the mean norms in the first steps.
func (s series) gradients() []float64 {
	return s.each(func(t *Trial, _ float64) float64 { return math.Log2(t.firstGradients()) })
}

// firstGradients is the mean norm in the first steps; not a number of a trial that made none.
func (t *Trial) firstGradients() float64 {
	var norms []float64
	for _, s := range t.Curve[:min(early, len(t.Curve))] {
		norms = append(norms, s.GradientNorm)
	}
	return mean(norms)
}
