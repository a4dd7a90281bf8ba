package gallery

import (
	"fmt"
	"math"

	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/score"
)

// A comparison is what many crops, or all networks together, changed.
type comparison struct {
	Before, After             string
	BeforeErrors, AfterErrors score.Errors
	Corrected, Spoiled        change
}

// A change is the images of which one side is right and the other is not.
type change struct {
	Images int
	Photos []*photo
	More   int // that are not shown
}

// comparisons are of the last row: with a single crop, and with each network by itself.
func (g *gallery) comparisons() (all []comparison) {
	r := g.report
	last := len(r.Rows) - 1
	if s := g.options.Single; s != nil {
		at := make(map[int]evaluate.Prediction, len(s.Predictions))
		for _, p := range s.Predictions {
			at[p.Index] = p
		}
		all = append(all, g.compare("1 crop", fmt.Sprintf("%d crops", r.Crops), s.Rows[last].Top1, func(p evaluate.Prediction) (int, bool) {
			before, ok := at[p.Index]
			if !ok {
				return 0, false
			}
			return before.Top[last][0].Label, true
		}))
	}
	for row := range last {
		all = append(all, g.compare(r.Rows[row].Name, r.Rows[last].Name, r.Rows[row].Top1, func(p evaluate.Prediction) (int, bool) { return p.Top[row][0].Label, true }))
	}
	return all
}

// compare compares the last row with what images were taken for before, false where that is
// not known.
func (g *gallery) compare(before, after string, errors score.Errors, takenBefore func(evaluate.Prediction) (int, bool)) comparison {
	c := comparison{Before: before, After: after, BeforeErrors: errors, AfterErrors: g.report.Rows[len(g.report.Rows)-1].Top1}
	for _, p := range g.report.Predictions {
		label, ok := takenBefore(p)
		was, is := label == p.Label, taken(p) == p.Label
		if !ok || was == is {
			continue
		}
		to := &c.Corrected
		if was {
			to = &c.Spoiled
		}
		to.Images++
		if len(to.Photos) == mostChanged {
			to.More++
			continue
		}
		shown := g.photo(p)
		shown.Before = g.report.Classes[label]
		to.Photos = append(to.Photos, shown)
	}
	return c
}

// probability is that of a class by the last row.
func probability(p evaluate.Prediction, label int) float64 {
	return math.Exp(float64(p.Logs[label]))
}

// level is how strong the colour of a share is, in percent.
func level(images, of int) int {
	return int(math.Round(100 * math.Sqrt(float64(images)/float64(max(of, 1)))))
}
