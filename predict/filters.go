package predict

import (
	"context"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// Filters are the weights of a convolution.
type Filters struct {
	Network *arch.Network
	// Layer is the convolution, for images of 299 x 299.
	Layer arch.Layer
	// Shape is height, width, channels of the input, channels of the output, of which each has
	// a filter.
	Shape []int
	// Values has that shape, the last axis fastest. Integers are multiplied with their scales.
	Values []float32
}

// ReadFilters reads the weights of a convolution (arch.Description.Convolution), of the first
// where its name is empty. Of the config, what says which network the weights are of counts.
// No backend is needed.
func ReadFilters(ctx context.Context, config Config, layer string) (*Filters, error) {
	checkpoint, err := weights.Open(config.Weights)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	network, _, err := checkpoint.Identify(weights.Hint{Network: config.Network, Card: config.Card, Headless: config.Headless, AuxiliaryHead: true})
	if err != nil {
		return nil, err
	}
	d, err := network.Describe(299, 299)
	if err != nil {
		return nil, err
	}
	f := &Filters{Network: network}
	if f.Layer, err = d.Convolution(layer); err != nil {
		return nil, err
	}
	found, err := checkpoint.Match(d.Tensors)
	if err != nil {
		return nil, err
	}
	var scales []float32 // of the output's channels, where weights are integers
	for _, t := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch t.Name {
		case f.Layer.Name + "/weights":
			f.Shape, f.Values = t.Shape, make([]float32, t.Size())
			if t.DType == dtypes.Int8 {
				integers := make([]int8, t.Size())
				err = t.ReadInt8s(integers)
				for i, v := range integers {
					f.Values[i] = float32(v)
				}
			} else {
				err = t.Read(f.Values)
			}
		case f.Layer.Name + "/" + arch.WeightScale:
			scales = make([]float32, t.Size())
			err = t.Read(scales)
		}
		if err != nil {
			return nil, err
		}
	}
	if scales != nil {
		for i := range f.Values {
			f.Values[i] *= scales[i%len(scales)]
		}
	}
	return f, nil
}
