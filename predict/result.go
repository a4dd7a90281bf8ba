package predict

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A Result is what the network says of one photograph.
type Result struct {
	// Logits has one value a class, before softmax.
	Logits []float32

	labels []recipe.Label
}

// A Prediction is one class with its score.
type Prediction struct {
	Index  int    `json:"index"`
	Synset string `json:"synset"`
	Label  string `json:"label"`
	// Logit is the network's output for the class.
	Logit float32 `json:"logit"`
	// Probability is the class's share of the softmax over all classes, in [0,1].
	Probability float64 `json:"probability"`
}

// Top returns the k classes with the largest logits, the largest first; of equal
// ones the smaller index first. There are no more than there are classes.
func (r Result) Top(k int) []Prediction {
	order := make([]int, len(r.Logits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Logits[b], r.Logits[a]), a-b)
	})
	// Relative to the largest logit no exponential overflows.
	largest := float64(r.Logits[order[0]])
	var sum float64
	for _, logit := range r.Logits {
		sum += math.Exp(float64(logit) - largest)
	}
	top := make([]Prediction, min(max(k, 0), len(order)))
	for i := range top {
		index := order[i]
		top[i] = Prediction{
			Index:       index,
			Label:       "class " + strconv.Itoa(index),
			Logit:       r.Logits[index],
			Probability: math.Exp(float64(r.Logits[index])-largest) / sum,
		}
		if r.labels != nil {
			top[i].Synset, top[i].Label = r.labels[index].Synset, r.labels[index].Name
		}
	}
	return top
}
