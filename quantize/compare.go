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
	// Lost is the share of images by which the quantised network's top-1 error is expected to
	// be higher, if the other's probabilities are right: by how much they are lower for its
	// class than for the other's own, on average. Of few images it tells more than counts of
	// errors do, and no classes need to be known. LostHigh is the upper end of its 95%
	// interval (score.Mean), at most 1.
	Lost     float64 `json:"lost"`
	LostHigh float64 `json:"lost_high"`
	// Float32 and Int8 are the top-1 errors on images whose class is known; nil where none
	// is.
	Float32 *score.Errors `json:"float32,omitempty"`
	Int8    *score.Errors `json:"int8,omitempty"`
}

// Outputs are what a network makes of photographs.
type Outputs struct {
	// Logits are those of each photograph.
	Logits [][]float32
	// Classes are the photographs' own, as indices of logits; -1 where one is not known.
	Classes []int
}

// Classify computes the logits of photographs. classes are those of the photographs' labels.
// Logits that are not finite are an error that wraps score.ErrNotFinite.
func Classify(ctx context.Context, c *predict.Classifier, classes []string, photographs iter.Seq2[Photograph, error]) (*Outputs, error) {
	class := classesOf(c, classes)
	o := &Outputs{}
	for photograph, err := range photographs {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		logits, err := c.Logits(ctx, photograph.Pixels)
		if err != nil {
			return nil, err
		}
		if !score.Finite(logits) {
			return nil, fmt.Errorf("compare %s: %w", c.Network().Name(), score.ErrNotFinite)
		}
		own := -1
		if photograph.Label >= 0 && class != nil {
			own = class[photograph.Label]
		}
		o.Logits, o.Classes = append(o.Logits, logits), append(o.Classes, own)
	}
	return o, nil
}

// Compare compares what a quantised network makes of photographs with what the network that
// it was made of makes of the same. Without photographs, or with other numbers of them, it is
// an error.
func Compare(original, quantized *Outputs) (*Comparison, error) {
	images := len(original.Logits)
	if images == 0 {
		return nil, errors.New("compare: expected photographs, found none")
	}
	if found := len(quantized.Logits); found != images {
		return nil, fmt.Errorf("compare: expected the quantised network's logits of the same %d photographs, found those of %d", images, found)
	}
	c := &Comparison{Images: images}
	var labelled int
	var wrong [2]int
	var p, q []float64
	lost := make([]float64, images)
	for i, own := range original.Classes {
		logits := [2][]float32{original.Logits[i], quantized.Logits[i]}
		p, q = score.Softmax(p, logits[0]), score.Softmax(q, logits[1])
		kl := 0.0
		for i := range p {
			if p[i] > 0 {
				kl += p[i] * (math.Log(p[i]) - math.Log(max(q[i], math.SmallestNonzeroFloat64)))
			}
		}
		kl = max(kl, 0) // the sum of roundings may be below
		c.KL, c.MostKL = c.KL+kl, max(c.MostKL, kl)
		top := [2]int{score.Top(logits[0], 1)[0], score.Top(logits[1], 1)[0]}
		if top[0] == top[1] {
			c.Agreement++
		}
		lost[i] = p[top[0]] - p[top[1]]
		if own >= 0 {
			labelled++
			for i := range logits {
				wrong[i] += min(1, score.Rank(logits[i], own))
			}
		}
	}
	c.Agreement, c.KL = c.Agreement/float64(images), c.KL/float64(images)
	mean, err := score.Mean(lost)
	if err != nil {
		return nil, err
	}
	c.Lost, c.LostHigh = mean.Mean, min(mean.High, 1)
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
