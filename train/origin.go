package train

import (
	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// An origin is the network of a run with the values that its parameters begin with.
type origin struct {
	network    *arch.Network
	parameters parameters
	values     func(dst []float32, p arch.Parameter) error
	close      func() error
}

// options are those of the network that a recipe describes.
func options(r recipe.Training, classes int) arch.Options {
	return arch.Options{
		Classes: classes, Width: r.Width, Blocks: r.Blocks, ResidualScales: r.ResidualScales,
		AuxiliaryHead: r.AuxiliaryHead, DropoutKeep: r.DropoutKeep, BatchNormDecay: r.BatchNormDecay,
	}
}

// newOrigin returns a network with random values.
func newOrigin(backend compute.Backend, r recipe.Training, classes int) (*origin, error) {
	network, err := arch.New(r.Network, options(r, classes))
	if err != nil {
		return nil, err
	}
	if err := network.CheckSize(r.Size, r.Size); err != nil {
		return nil, err
	}
	all, err := network.Parameters(backend)
	if err != nil {
		return nil, err
	}
	return &origin{
		network: network, parameters: divide(all, frozenBy(nil)), close: func() error { return nil },
		values: func(dst []float32, p arch.Parameter) error {
			initialValues(dst, p, r.Seed)
			return nil
		},
	}, nil
}
