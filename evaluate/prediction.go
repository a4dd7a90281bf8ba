package evaluate

import (
	"slices"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/score"
)

// A Prediction is what an evaluation says of one image.
type Prediction struct {
	// Index is the image's place in the set.
	Index int `json:"index"`
	// Name is its name there, in UTF-8, with other bytes as \xff.
	Name string `json:"name"`
	// Label is its class among the report's; negative where it is not known.
	Label int `json:"label"`
	// Top are the most probable classes, the first five or as many as there are: of each
	// member, then of the ensemble where there are several.
	Top [][]Class `json:"top"`
	// Logs are the logarithms of the probabilities of all classes, by the last row; nil where
	// the label is not known.
	Logs Logs `json:"logs,omitempty"`
}

// prediction is that of an image of the set, without classes.
func (e *evaluation) prediction(index int) Prediction {
	return Prediction{Index: index, Name: printable.UTF8(e.set.Name(index)), Label: e.label(index)}
}

// misses tells whether the label is none of the first, and none of the five, by a row.
func (p Prediction) misses(row int) (top1, top5 bool) {
	classes := p.Top[row]
	return classes[0].Label != p.Label, !slices.ContainsFunc(classes, func(c Class) bool { return c.Label == p.Label })
}

// A Class is one label with its probability: the mean of the softmax over crops, and
// over the members of an ensemble.
type Class struct {
	Label       int     `json:"label"`
	Probability float64 `json:"probability"`
}

// Best returns the labels of the most probable classes of each image, the first first, by
// the last row: five, or as many as there are. Images without a prediction are left out.
func (r *Report) Best() [][]int {
	best := make([][]int, len(r.Predictions))
	for i, p := range r.Predictions {
		for _, c := range p.Top[len(p.Top)-1] {
			best[i] = append(best[i], c.Label)
		}
	}
	return best
}

// top returns the five most probable classes, the first first; of equal ones the lower
// label.
func top(probabilities []float64) []Class {
	var classes []Class
	for _, label := range score.Top(probabilities, score.Five) {
		classes = append(classes, Class{label, probabilities[label]})
	}
	return classes
}
