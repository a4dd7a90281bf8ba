package step

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// InitialValues fills dst with the value that training begins with, which follows from
// the seed and the parameter's name. As in TF-slim's release, weights of convolutions
// are drawn from a normal distribution cut off at two standard deviations, of a variance
// of 2 by the number of inputs (He et al., arXiv 1502.01852), and those of logits
// uniformly (Glorot and Bengio, 2010).
func InitialValues(dst []float32, p arch.Parameter, seed uint64) {
	switch name := p.Name[strings.LastIndex(p.Name, "/")+1:]; {
	case name == "gamma" || name == "moving_variance":
		for i := range dst {
			dst[i] = 1
		}
		return
	case len(p.Shape) == 1: // beta, moving_mean, biases
		clear(dst)
		return
	}
	random := rand.New(rand.NewPCG(seed, hashOf(p.Name)))
	outputs := p.Shape[len(p.Shape)-1]
	inputs := p.Size() / outputs
	if len(p.Shape) == 2 {
		limit := math.Sqrt(6 / float64(inputs+outputs))
		for i := range dst {
			dst[i] = float32(limit * (2*random.Float64() - 1))
		}
		return
	}
	// Cutting off leaves a variance of 1/1.3, which is TensorFlow's rounding of it.
	deviation := math.Sqrt(1.3 * 2 / float64(inputs))
	for i := range dst {
		v := random.NormFloat64()
		for math.Abs(v) > 2 {
			v = random.NormFloat64()
		}
		dst[i] = float32(deviation * v)
	}
}

func hashOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return h.Sum64()
}
