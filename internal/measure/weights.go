package measure

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// randomWeights are the network's parameters: for int8 those that random float32 ones are
// quantised to.
func (n *Network) randomWeights(ctx context.Context) (*model.Store, error) {
	random := rand.New(rand.NewPCG(1, 2))
	value := func(p arch.Parameter) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(randomValues(random, p), p.Shape...)
	}
	if n.network.Options().Precision == arch.Int8 {
		q, err := n.quantized(ctx)
		if err != nil {
			return nil, err
		}
		value = q.Value
	}
	store := model.NewStore()
	device.Place(n.backend, store)
	for _, p := range n.description.Tensors {
		if _, err := store.CreateVariable(p.Name, value(p)); err != nil {
			return nil, err
		}
	}
	if n.network.Options().Precision == arch.Int8 {
		// What is measured is the network that was quantised, as from a file.
		debug.FreeOSMemory()
		resetPeakRSS()
	}
	return store, nil
}

// randomValues are of the size that He's initialisation gives, so that activations neither
// vanish nor overflow.
func randomValues(random *rand.Rand, p arch.Parameter) []float32 {
	values := make([]float32, p.Size())
	scale := math.Sqrt(2 / float64(p.Size()/p.Shape[len(p.Shape)-1]))
	for i := range values {
		switch {
		case len(p.Shape) > 1:
			values[i] = float32(random.NormFloat64() * scale)
		case strings.HasSuffix(p.Name, "/gamma"), strings.HasSuffix(p.Name, "/moving_variance"):
			values[i] = 1
		}
	}
	return values
}

// calibrated is how many random images the ranges of activations are found on.
const calibrated = 2

// quantized is what the network with random weights is quantised to.
func (n *Network) quantized(ctx context.Context) (*quantize.Quantized, error) {
	options := n.network.Options()
	options.Precision = arch.Float32
	network, err := arch.New(n.network.Name(), options)
	if err != nil {
		return nil, err
	}
	parameters, err := network.Parameters()
	if err != nil {
		return nil, err
	}
	random, values := rand.New(rand.NewPCG(1, 2)), map[string][]float32{}
	for _, p := range parameters {
		values[p.Name] = randomValues(random, p)
	}
	m, err := quantize.New(network, values, weights.Metadata{})
	if err != nil {
		return nil, err
	}
	statistics, err := m.Observe(ctx, n.backend, n.size, n.images(calibrated))
	if err != nil {
		return nil, err
	}
	return m.Quantize(statistics, quantize.Options{Ranges: quantize.Max, Headroom: 1})
}

// images yields random ones.
func (n *Network) images(count int) iter.Seq2[[]float32, error] {
	pixels := make([]float32, count*n.size*n.size*3)
	fill(pixels)
	return func(yield func([]float32, error) bool) {
		for ; len(pixels) > 0; pixels = pixels[n.size*n.size*3:] {
			if !yield(pixels[:n.size*n.size*3], nil) {
				return
			}
		}
	}
}
