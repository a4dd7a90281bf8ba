package export

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// Options says what an exported model takes and gives. The zero value is a model that takes
// normalised images and gives logits.
type Options struct {
	// Probabilities adds softmax, or the logistic function where the network's output is
	// arch.OutputSigmoid.
	Probabilities bool
	// Pixels takes photographs as bytes, [batch, height, width, 3] of R, G, B, and
	// normalises them inside.
	Pixels bool
	// KeepBatchNorm leaves batch norm as operations of their own, so that the values are those
	// of the parameters bit for bit; else it is folded into what is before it.
	KeepBatchNorm bool
	// External puts the values into a file beside the model, whose name has
	// onnx.DataEnding behind the model's. More than 2 GB always go there.
	External bool
}

// The names of a model's input, and of its output by what it is.
const (
	// Images are normalised, shaped [batch, 3, height, width].
	Images = "images"
	// Pixels are bytes, shaped [batch, height, width, 3].
	Pixels        = "pixels"
	Logits        = "logits"
	Probabilities = "probabilities"
	Features      = "features"
	Embedding     = "embedding"
)

// batch is the name of the axis whose length is left open.
const batch = "batch"

// ONNX writes a network as an ONNX model at path, in the network's precision: with
// operators of version 17, or in bfloat16 of 22. The sources are its parameters, and may be
// more: an auxiliary head is left out. The metadata must have a preprocessing, whose size
// the model's images have; all of it goes into metadata_props under the keys that files of
// weights have. Batch norm is folded into the convolutions, unless it is to be kept.
// Operations and initialisers have TF-slim's names. The file appears whole or not at all.
//
// An int8 network's integers are pairs of QuantizeLinear and DequantizeLinear around
// operations in float32. Sums of residual blocks are of integers, too, which they are not in
// this program: the scales of the summands are in the metadata's quantization.
func ONNX(path string, network *arch.Network, sources []weights.Source, metadata weights.Metadata, o Options) error {
	m, err := model(network, sources, metadata, o)
	if err != nil {
		return fmt.Errorf("export %s: %w", path, err)
	}
	return onnx.Write(path, *m, o.External)
}

func model(network *arch.Network, sources []weights.Source, metadata weights.Metadata, o Options) (*onnx.Model, error) {
	options := network.Options()
	if o.Probabilities && !options.HasClasses() {
		return nil, fmt.Errorf("there are no probabilities: the output of the network is its %s, not classes", options.Head.Output)
	}
	if n := len(metadata.Labels); n > 0 && options.HasClasses() && n != options.Classes {
		return nil, fmt.Errorf("expected one label a class, found %d labels for %d classes", n, options.Classes)
	}
	if precision := options.Precision; o.KeepBatchNorm && precision != "" && precision != arch.Float32 {
		return nil, fmt.Errorf("the weights are in %s, in which batch norm is folded, expected %s for it to be kept", precision, arch.Float32)
	}
	p := metadata.Preprocessing
	if p == nil {
		return nil, fmt.Errorf("expected a preprocessing in the metadata, found none: say what the network takes")
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	options.AuxiliaryHead = false
	network, err := arch.New(network.Name(), options)
	if err != nil {
		return nil, err
	}
	description, err := network.Describe(p.Size, p.Size)
	if err != nil {
		return nil, err
	}
	metadata.Network, metadata.Options = network.Name(), network.Options()
	text, err := metadata.Text()
	if err != nil {
		return nil, err
	}
	b, err := newBuilder(description, sources, options.AveragePoolCountsPadding)
	if err != nil {
		return nil, err
	}
	if b.arithmetic, err = b.choose(network, description, metadata.Quantization); err != nil {
		return nil, err
	}
	b.Name, b.Metadata, b.Opset, b.keepsNorm = network.Name(), text, b.arithmetic.opset, o.KeepBatchNorm
	b.input(o, p)
	for i, layer := range description.Layers {
		if err := b.layer(layer, b.last(i, len(description.Layers), o, options)); err != nil {
			return nil, fmt.Errorf("%s: %w", layer.Name, err)
		}
	}
	if o.Probabilities {
		b.probabilities(options)
	}
	name := b.outputName(o, options)
	b.Outputs = []onnx.Port{{Name: name, Type: onnx.Float32, Batch: batch, Shape: []int{options.Classes}}}
	return &b.Model, nil
}
