package quantize

import (
	"context"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// A Model is a float32 network with the values of its parameters, and what is to be said of
// it in a file.
type Model struct {
	Network *arch.Network
	// Values are those of each parameter in arch.Network.Parameters, by name.
	Values map[string][]float32
	// Metadata are those of the file that the values come from.
	Metadata weights.Metadata

	layers []arch.Layer
}

// New returns a model of the network, without an auxiliary head.
func New(network *arch.Network, values map[string][]float32, metadata weights.Metadata) (*Model, error) {
	o := network.Options()
	if o.Precision != "" && o.Precision != arch.Float32 {
		return nil, fmt.Errorf("quantise %s: expected a network in %s, found one in %s", network.Name(), arch.Float32, o.Precision)
	}
	o.AuxiliaryHead = false
	network, err := arch.New(network.Name(), o)
	if err != nil {
		return nil, err
	}
	d, err := network.Describe(299, 299)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Tensors {
		if found, ok := values[p.Name]; !ok || len(found) != p.Size() {
			return nil, fmt.Errorf("quantise %s: expected %d values for %s, found %d", network.Name(), p.Size(), p.Name, len(found))
		}
	}
	return &Model{Network: network, Values: values, Metadata: metadata, layers: d.Layers}, nil
}

// Open reads the float32 weights of a file.
func Open(ctx context.Context, path string, hint weights.Hint) (*Model, error) {
	checkpoint, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer checkpoint.Close()
	hint.AuxiliaryHead = false
	network, card, err := checkpoint.Identify(hint)
	if err != nil {
		return nil, err
	}
	if network.Options().Precision == arch.Int8 {
		return nil, fmt.Errorf("%s is quantised already, expected float32 weights", path)
	}
	parameters, err := network.Parameters()
	if err != nil {
		return nil, err
	}
	found, err := checkpoint.Match(parameters)
	if err != nil {
		return nil, err
	}
	values := map[string][]float32{}
	for _, t := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		values[t.Name] = make([]float32, t.Size())
		if err := t.Read(values[t.Name]); err != nil {
			return nil, err
		}
	}
	metadata := weights.MetadataOf(network, card, checkpoint.Metadata.Labels)
	return New(network, values, metadata)
}
