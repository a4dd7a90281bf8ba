package measure

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// A Network is what is measured: a network on a backend, for images of one size.
type Network struct {
	network     *arch.Network
	backend     compute.Backend
	size        int
	description *arch.Description
}

// New prepares to measure a network on square images with sides of size pixels.
func New(backend compute.Backend, network *arch.Network, size int) (*Network, error) {
	if err := network.CheckSize(size, size); err != nil {
		return nil, err
	}
	d, err := network.Describe(size, size)
	if err != nil {
		return nil, err
	}
	return &Network{network, backend, size, d}, nil
}

// Options says what is measured.
type Options struct {
	// Batch is the number of images at a time, at least 1.
	Batch int
	// Runs is how often the program is run for its time, at least 1.
	Runs int
	// Train measures a training step of the paper (section 4) in place of a classification:
	// forward, backward, RMSProp and the averages of the parameters.
	Train bool
	// Recompute trains with less memory: activations are computed again for the gradients.
	Recompute bool
	// Ready is called when the first training step is done, and all memory that stays has
	// been allocated; it may be nil.
	Ready func()
}

func (o *Options) check() error {
	if o.Batch < 1 || o.Runs < 1 {
		return fmt.Errorf("the batch and the runs must be at least 1, found %d and %d", o.Batch, o.Runs)
	}
	if o.Recompute && !o.Train {
		return errors.New("activations are computed again only where a network is trained")
	}
	return nil
}

// fill makes random images, in [-1,1].
func fill(pixels []float32) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range pixels {
		pixels[i] = 2*random.Float32() - 1
	}
}
