package quantize

import (
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// DefaultPercentile is that of the ranges by percentile where none is given.
const DefaultPercentile = 99.999

// DefaultHeadroom is what ranges are multiplied by where nothing is given. On photographs
// like those that the ranges were found on it costs a little accuracy; on others it avoids
// that large activations are cut off.
const DefaultHeadroom = 1.5

// Options say how a model is quantised. The zero value is what was measured to keep accuracy
// best on photographs unlike those that the ranges are found on; Choose finds out whether a
// model needs tighter ranges.
type Options struct {
	// Ranges is how the ranges of activations are chosen; MSE when empty.
	Ranges Ranges
	// Percentile is the share of values within the range, in percent, for ranges by
	// percentile; DefaultPercentile when zero.
	Percentile float64
	// Headroom is what the ranges are multiplied by, at least 1; DefaultHeadroom when zero.
	Headroom float64
	// KeepBiases leaves biases as they are. Otherwise what rounding the weights adds to
	// the mean of each channel is taken from them.
	KeepBiases bool
}

// Check returns an error unless the options are in their ranges.
func (o Options) Check() error {
	_, err := o.withDefaults()
	return err
}

func (o Options) withDefaults() (Options, error) {
	if o.Headroom == 0 {
		o.Headroom = DefaultHeadroom
	}
	if !(o.Headroom >= 1 && o.Headroom <= 16) {
		return o, fmt.Errorf("the headroom must be from 1 to 16, found %g", o.Headroom)
	}
	if o.Ranges == "" {
		o.Ranges = MSE
	}
	if _, err := ParseRanges(string(o.Ranges)); err != nil {
		return o, err
	}
	if o.Ranges != Percentile && o.Percentile != 0 {
		return o, fmt.Errorf("the percentile is for ranges by %s, found %g for those by %s", Percentile, o.Percentile, o.Ranges)
	}
	if o.Ranges == Percentile && o.Percentile == 0 {
		o.Percentile = DefaultPercentile
	}
	if o.Percentile < 0 || o.Percentile > 100 || math.IsNaN(o.Percentile) {
		return o, fmt.Errorf("the percentile must be in (0,100], found %g", o.Percentile)
	}
	return o, nil
}

// Quantized is an int8 network with the values of its parameters.
type Quantized struct {
	Network *arch.Network
	// Metadata are those of a file of it.
	Metadata weights.Metadata

	parameters []arch.Parameter
	floats     map[string][]float32
	integers   map[string][]int8
}

// Quantize rounds the model's weights, and chooses the ranges of its activations.
func (m *Model) Quantize(s *Statistics, o Options) (*Quantized, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	options := m.Network.Options()
	options.Precision = arch.Int8
	network, err := arch.New(m.Network.Name(), options)
	if err != nil {
		return nil, err
	}
	q := &Quantized{Network: network, Metadata: m.Metadata, floats: map[string][]float32{}, integers: map[string][]int8{}}
	q.Metadata.Network, q.Metadata.Options = network.Name(), network.Options()
	q.Metadata.Quantization = &weights.Quantization{
		Precision: arch.Int8, Photographs: s.Images, Ranges: string(o.Ranges), Percentile: o.Percentile, Headroom: o.Headroom, BiasCorrection: !o.KeepBiases,
	}
	if q.parameters, err = network.Parameters(); err != nil {
		return nil, err
	}
	activations, err := network.Activations()
	if err != nil {
		return nil, err
	}
	for _, a := range activations {
		q.floats[a.Name] = []float32{m.scaleOf(a, s, o)}
	}
	q.Metadata.Quantization.Branches = m.branches(s, o)
	means := m.means(s)
	for _, f := range m.fold() {
		q.floats[f.name+"/biases"] = f.biases
		if f.input < 0 {
			q.floats[f.name+"/weights"] = f.weights
			continue
		}
		integers, scales := f.round()
		if !o.KeepBiases {
			f.correct(integers, scales, means[f.input])
		}
		q.integers[f.name+"/weights"], q.floats[f.name+"/"+arch.WeightScale] = integers, scales
	}
	for _, p := range q.parameters {
		if q.floats[p.Name] != nil || q.integers[p.Name] != nil {
			continue
		}
		if !strings.Contains(p.Name, "/Logits") {
			return nil, fmt.Errorf("quantise %s: no rule for the parameter %s", network.Name(), p.Name)
		}
		q.floats[p.Name] = m.Values[p.Name]
	}
	return q, nil
}

// scaleOf returns the scale of an activation.
func (m *Model) scaleOf(a arch.Activation, s *Statistics, o Options) float32 {
	var all histogram
	for _, i := range a.Layers {
		// The values of the others are their inputs', which are members, too.
		switch kind := m.layers[i].Kind; kind {
		case arch.Convolution, arch.AveragePool, arch.Sum:
			all.merge(&s.layers[i].histogram)
		}
	}
	levels := arch.MaxActivation
	if a.Signed {
		levels = arch.MaxWeight
	}
	return float32(o.Headroom * o.rangeOf(&all, a.Signed) / float64(levels))
}

// branches returns the scales of the convolutions that are only added to sums, by name.
func (m *Model) branches(s *Statistics, o Options) map[string]float32 {
	scales := map[string]float32{}
	for _, layer := range m.layers {
		if layer.Kind == arch.Sum {
			branch := layer.Inputs[1]
			of := o.Headroom * o.rangeOf(&s.layers[branch].histogram, true) / arch.MaxWeight
			scales[m.layers[branch].Name] = float32(layer.Scale * of)
		}
	}
	return scales
}

// means returns the means of each layer's channels.
func (m *Model) means(s *Statistics) [][]float64 {
	means := make([][]float64, len(m.layers))
	for i, layer := range m.layers {
		switch {
		case s.layers[i] != nil:
			means[i] = s.layers[i].means()
		case layer.Kind == arch.Concat:
			for _, in := range layer.Inputs {
				means[i] = append(means[i], means[in]...)
			}
		}
	}
	return means
}

// Value returns that of a parameter.
func (q *Quantized) Value(p arch.Parameter) *tensors.Tensor {
	if p.DType == dtypes.Int8 {
		return tensors.FromFlatDataAndDimensions(q.integers[p.Name], p.Shape...)
	}
	return tensors.FromFlatDataAndDimensions(q.floats[p.Name], p.Shape...)
}

// Write writes a file of the network, whole or not at all.
func (q *Quantized) Write(path string) error {
	sources := make([]weights.Source, len(q.parameters))
	for i, p := range q.parameters {
		sources[i] = weights.Source{Parameter: p}
		if p.DType == dtypes.Int8 {
			sources[i].Int8s = func(dst []int8) error { copy(dst, q.integers[p.Name]); return nil }
		} else {
			sources[i].Values = func(dst []float32) error { copy(dst, q.floats[p.Name]); return nil }
		}
	}
	return weights.Write(path, weights.Native, q.Metadata, sources)
}
