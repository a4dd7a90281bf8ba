package predict

import (
	"strconv"

	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
)

// A Result is what the network says of one photograph.
type Result struct {
	// Logits has one value a class, before softmax, or before the logistic function where
	// any number of classes may be right (arch.OutputSigmoid).
	Logits []float32
	// Features are those of the stage Pooled, where BatcherOptions.Features asked for them.
	Features []float32

	labels     []recipe.Label
	multilabel bool
}

// A Prediction is one class with its score.
type Prediction struct {
	Index  int    `json:"index"`
	Synset string `json:"synset"`
	Label  string `json:"label"`
	// Logit is the network's output for the class.
	Logit float32 `json:"logit"`
	// Probability is the class's share of the softmax over all classes, in [0,1]; or its
	// own, by the logistic function, where any number of classes may be right.
	Probability float64 `json:"probability"`
}

// Top returns the k classes with the largest logits, the largest first; of equal
// ones the smaller index first. There are no more than there are classes.
func (r Result) Top(k int) []Prediction {
	order := score.Top(r.Logits, k)
	shares := r.Probabilities()
	top := make([]Prediction, len(order))
	for i, index := range order {
		top[i] = Prediction{
			Index:       index,
			Label:       "class " + strconv.Itoa(index),
			Logit:       r.Logits[index],
			Probability: shares[index],
		}
		if r.labels != nil {
			top[i].Synset, top[i].Label = r.labels[index].Synset, r.labels[index].Name
		}
	}
	return top
}

// Probabilities returns those of all classes, in index order, as Prediction has them.
func (r Result) Probabilities() []float64 {
	if r.multilabel {
		return score.Sigmoid(nil, r.Logits)
	}
	return score.Softmax(nil, r.Logits)
}
