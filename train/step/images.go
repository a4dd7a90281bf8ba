package step

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// images are those of a micro-batch in the backend's memory: in the same at each step,
// where that can be written, since they may take more than all else that a step leaves
// behind.
type images struct {
	backend compute.Backend
	tensor  *tensors.Tensor
	pixels  []float32 // of tensor, where they can be written
}

func imagesShape(batch, side int) shapes.Shape {
	return shapes.Make(dtypes.Float32, batch, side, side, 3)
}

// show puts images into the backend's memory.
func (i *images) show(pixels []float32, shape shapes.Shape) error {
	if i.backend.HasSharedBuffers() {
		room, err := i.room(shape)
		copy(room, pixels)
		return err
	}
	i.close()
	var err error
	i.tensor, err = onBackend(i.backend, pixels, shape.Dimensions...)
	return err
}

// Brought are the images of a micro-batch that are on the device already.
type Brought struct{ tensor *tensors.Tensor }

// Close releases images that no step uses.
func (b *Brought) Close() { _ = b.tensor.FinalizeAll() }

// Bring copies the images of a micro-batch, [batch, side, side, 3], to the device, where
// that has memory of its own: a step that is to use them need not wait for that. It may be
// called while a step runs, from another goroutine. It returns nil on a backend that shares its
// memory, in which a step would have to leave them anyway.
func (s *Step) Bring(images []float32, batch int) (*Brought, error) {
	if s.backend.HasSharedBuffers() {
		return nil, nil
	}
	t, err := onBackend(s.backend, images, imagesShape(batch, sideOf(images, batch)).Dimensions...)
	if err != nil {
		return nil, err
	}
	return &Brought{t}, nil
}

// Use makes the images of the next micro-batch those that were brought. Accumulate and Apply do
// not read the ones that they are given then.
func (s *Step) Use(b *Brought) { s.brought = b }

// take has the device's images be those that were brought.
func (i *images) take(b *Brought) {
	i.close()
	i.tensor = b.tensor
}

func sideOf(images []float32, batch int) int { return int(math.Sqrt(float64(len(images) / batch / 3))) }

// room returns the memory of images on a backend that shares its own.
func (i *images) room(shape shapes.Shape) ([]float32, error) {
	if i.tensor != nil {
		if i.tensor.Shape().Equal(shape) {
			return i.pixels, nil
		}
		i.close()
	}
	buffer, flat, err := i.backend.NewSharedBuffer(0, shape)
	if err != nil {
		return nil, err
	}
	i.tensor, err = tensors.FromBuffer(buffer)
	i.pixels = flat.([]float32)
	return i.pixels, err
}

func (i *images) close() {
	if i.tensor != nil {
		_ = i.tensor.FinalizeAll()
		i.tensor, i.pixels = nil, nil
	}
}

// onBackend returns a copy of values in the backend's memory.
func onBackend(backend compute.Backend, flat []float32, dims ...int) (*tensors.Tensor, error) {
	buffer, err := backend.BufferFromFlatData(0, flat, shapes.Make(dtypes.Float32, dims...))
	if err != nil {
		return nil, err
	}
	return tensors.FromBuffer(buffer)
}
