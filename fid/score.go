package fid

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-fb2c0fa6/inception/score"
)

// A Score is an Inception Score.
type Score struct {
	// Mean and Deviation are over the parts, the latter divided by their number.
	Mean      float64 `json:"inception_score"`
	Deviation float64 `json:"inception_score_std"`
	Parts     int     `json:"splits"`
	Pictures  int     `json:"pictures"`
}

// InceptionScore is the exponential of the mean divergence of each picture's classes from those
// of all: exp(E KL(p(y|x) || p(y))), for each of some parts of nearly the same size, in a random
// order, as pictures in folders may be sorted by what they show.
func InceptionScore(logits [][]float32, parts int, seed uint64) (Score, error) {
	if parts < 1 || parts > len(logits) {
		return Score{}, fmt.Errorf("a score takes 1 part at least and no more than pictures, found %d of %d", parts, len(logits))
	}
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(logits))
	s := Score{Parts: parts, Pictures: len(logits)}
	var squares float64
	for part := range parts {
		of := order[part*len(order)/parts : (part+1)*len(order)/parts]
		all := make([][]float64, len(of))
		marginal := make([]float64, len(logits[0]))
		for i, at := range of {
			all[i] = score.Softmax(nil, logits[at])
			for class, p := range all[i] {
				marginal[class] += p / float64(len(of))
			}
		}
		divergence := 0.0
		for _, p := range all {
			for class, v := range p {
				if v > 0 {
					divergence += v * (math.Log(v) - math.Log(marginal[class]))
				}
			}
		}
		v := math.Exp(divergence / float64(len(of)))
		s.Mean += v / float64(parts)
		squares += v * v / float64(parts)
	}
	s.Deviation = math.Sqrt(max(0, squares-s.Mean*s.Mean))
	return s, nil
}
