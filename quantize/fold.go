package quantize

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// batchNormEpsilon is that of package arch.
const batchNormEpsilon = 1e-3

// A folded is a convolution with its batch norm, or the scale of its residual branch,
// multiplied into it.
type folded struct {
	name    string
	layer   int       // in arch.Description
	input   int       // layer that it reads; -1 for the images
	rows    int       // kernel height x kernel width x input channels
	inputs  int       // input channels, which vary fastest among the rows
	weights []float32 // [rows, channels]
	biases  []float32 // [channels]
}

func (f *folded) channels() int { return len(f.biases) }

// fold returns all convolutions, folded.
func (m *Model) fold() []*folded {
	scales := map[int]float64{} // of residual branches, by layer
	for _, layer := range m.layers {
		if layer.Kind == arch.Sum {
			scales[layer.Inputs[1]] = layer.Scale
		}
	}
	var all []*folded
	for i, layer := range m.layers {
		if layer.Kind != arch.Convolution {
			continue
		}
		channels := layer.Output[len(layer.Output)-1]
		w := m.Values[layer.Name+"/weights"]
		f := &folded{
			name: layer.Name, layer: i, input: layer.Inputs[0], rows: len(w) / channels,
			weights: make([]float32, len(w)), biases: make([]float32, channels),
		}
		f.inputs = f.rows / (layer.Kernel[0] * layer.Kernel[1])
		factors := make([]float64, channels)
		for c := range channels {
			if scale, ok := scales[i]; ok {
				factors[c] = scale
				f.biases[c] = float32(scale * float64(m.Values[layer.Name+"/biases"][c]))
				continue
			}
			norm := func(leaf string) float64 { return float64(m.Values[layer.Name+"/BatchNorm/"+leaf][c]) }
			factors[c] = norm("gamma") / math.Sqrt(norm("moving_variance")+batchNormEpsilon)
			f.biases[c] = float32(norm("beta") - norm("moving_mean")*factors[c])
		}
		for at := range w {
			f.weights[at] = float32(float64(w[at]) * factors[at%channels])
		}
		all = append(all, f)
	}
	return all
}
