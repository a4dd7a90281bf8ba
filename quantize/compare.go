package quantize

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
)

// A Comparison tells how the classes of a quantised network differ from those of the network
// that it was made of.
type Comparison struct {
	// Images is how many were classified.
	Images int `json:"images"`
	// Agreement is the share of images whose most probable class is the same.
	Agreement float64 `json:"agreement"`
	// KL is the mean Kullback-Leibler divergence of the quantised network's softmax from the
	// other's, in nats, and MostKL the greatest.
	KL     float64 `json:"kl"`
	MostKL float64 `json:"most_kl"`
	// Float32 and Int8 are the top-1 errors on images whose class is known; nil where none
	// is.
	Float32 *score.Errors `json:"float32,omitempty"`
	Int8    *score.Errors `json:"int8,omitempty"`
}

// Compare classifies photographs with a network and with what it was quantised to. classes
// are those of the photographs' labels.
func Compare(ctx context.Context, original, quantized *predict.Classifier, classes []string, photographs iter.Seq2[Photograph, error]) (*Comparison, error) {
	class := classesOf(original, classes)
	c := &Comparison{}
	var labelled int
	var wrong [2]int
	var p, q []float64
	for photograph, err := range photographs {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		var logits [2][]float32
		for i, classifier := range []*predict.Classifier{original, quantized} {
			if logits[i], err = classifier.Logits(ctx, photograph.Pixels); err != nil {
				return nil, err
			}
			if !score.Finite(logits[i]) {
				return nil, fmt.Errorf("compare %s: %w", classifier.Network().Name(), score.ErrNotFinite)
			}
		}
		p, q = score.Softmax(p, logits[0]), score.Softmax(q, logits[1])
		kl := 0.0
		for i := range p {
			if p[i] > 0 {
				kl += p[i] * math.Log(p[i]/max(q[i], math.SmallestNonzeroFloat64))
			}
		}
		kl = max(kl, 0) // the sum of roundings may be below
		c.Images++
		c.KL, c.MostKL = c.KL+kl, max(c.MostKL, kl)
		if score.Top(logits[0], 1)[0] == score.Top(logits[1], 1)[0] {
			c.Agreement++
		}
		if photograph.Label >= 0 && class != nil {
			labelled++
			for i := range logits {
				wrong[i] += min(1, score.Rank(logits[i], class[photograph.Label]))
			}
		}
	}
	if c.Images == 0 {
		return nil, errors.New("compare: expected photographs, found none")
	}
	c.Agreement, c.KL = c.Agreement/float64(c.Images), c.KL/float64(c.Images)
	if labelled > 0 {
		float32s, int8s := score.ErrorsOf(wrong[0], labelled), score.ErrorsOf(wrong[1], labelled)
		c.Float32, c.Int8 = &float32s, &int8s
	}
	return c, nil
}

// classesOf returns the classifier's class of each of a set, by name or synset, or by number
// where neither has names; nil where one has none.
func classesOf(c *predict.Classifier, set []string) []int {
	labels, count := c.Labels(), c.Network().Options().Classes
	for _, key := range []func(recipe.Label) string{
		func(l recipe.Label) string { return l.Synset },
		func(l recipe.Label) string { return l.Name },
	} {
		at := map[string]int{}
		for i := range count {
			if labels == nil {
				at[strconv.Itoa(i)] = i
			} else {
				at[key(labels[i])] = i
			}
		}
		classes := make([]int, 0, len(set))
		for _, name := range set {
			if i, ok := at[name]; ok {
				classes = append(classes, i)
			}
		}
		if len(classes) == len(set) {
			return classes
		}
	}
	return nil
}
