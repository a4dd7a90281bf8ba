package reproduce

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// compare computes a claim's differences; positive ones are on its side.
func compare(f Finding, classes int) ([]Comparison, error) {
	first, second := series{classes: classes}, series{classes: classes}
	for i, trial := range f.Trials {
		if i%2 == 0 {
			first.trials = append(first.trials, trial)
		} else {
			second.trials = append(second.trials, trial)
		}
	}
	var all []Comparison
	add := func(what, unit string, a, b []float64) error {
		d, err := score.Paired(a, b)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		all = append(all, Comparison{what, unit, d})
		return nil
	}
	var err error
	switch f.Claim {
	case Residual:
		err = add("mean top-1 error on the way, plain less residual", "points", second.onTheWay(), first.onTheWay())
		if err == nil {
			err = add("top-1 error at the end, plain less residual", "points", second.final(), first.final())
		}
	case Scaling:
		err = add("top-1 error at the end, unscaled less scaled", "points", second.final(), first.final())
		if err == nil {
			err = add("mean before pooling at the end, scaled less unscaled", "", first.activation(), second.activation())
		}
	case Averaging:
		both := series{classes, f.Trials}
		err = add("top-1 error at the end, parameters less their averages", "points", both.raw(), both.final())
	case Crops:
		by := func(crops vision.Crops, value func(CropErrors) float64) []float64 {
			var values []float64
			for _, c := range f.Crops {
				if c.Crops == crops {
					values = append(values, value(c))
				}
			}
			return values
		}
		single := func(c CropErrors) float64 { return 50 * (c.Members[0].Rate + c.Members[1].Rate) }
		ensemble := func(c CropErrors) float64 { return 100 * c.Ensemble.Rate }
		err = add("top-1 error, 1 crop less 12", "points", by(vision.Crops1, single), by(vision.Crops12, single))
		if err == nil {
			err = add("top-1 error, 12 crops less 144", "points", by(vision.Crops12, single), by(vision.Crops144, single))
		}
		if err == nil {
			err = add("top-1 error on 144 crops, one network less both", "points", by(vision.Crops144, single), by(vision.Crops144, ensemble))
		}
	}
	return all, err
}

// A series is the trials of one arm. A training that failed counts as guessing from then
// on.
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

func (s series) final() []float64 {
	return s.each(func(t *Trial, guess float64) float64 {
		if t.Failure != nil {
			return guess
		}
		return 100 * t.Points[len(t.Points)-1].Top1.Rate
	})
}

func (s series) raw() []float64 {
	return s.each(func(t *Trial, guess float64) float64 {
		if t.Failure != nil {
			return guess
		}
		return 100 * t.Points[len(t.Points)-1].RawTop1.Rate
	})
}

// deadActivation is the mean activation below which a network is dead: a thousandth of
// what batch norm and ReLU give at first.
const deadActivation = 4e-4

// Died tells whether the last layer before pooling has gone to zeros, or the loss was no
// number any more.
func (t *Trial) Died() bool {
	return t.Failure != nil || t.Points[len(t.Points)-1].Activation < deadActivation
}

// activation is 0 of a training that failed, as of one whose last layer has.
func (s series) activation() []float64 {
	return s.each(func(t *Trial, _ float64) float64 {
		if t.Failure != nil {
			return 0
		}
		return t.Points[len(t.Points)-1].Activation
	})
}
