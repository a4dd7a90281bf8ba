package engine

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// buffer is one of the go backend's that says that it belongs to this one.
type buffer struct {
	compute.Buffer
	backend *Backend
}

func (b *buffer) Backend() compute.Backend { return b.backend }

func (b *buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	return b.backend.wrap(b.Buffer.CopyToDevice(device))
}

func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	return b.wrap(b.Backend.BufferFromFlatData(device, flat, shape))
}

func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	inner, flat, err := b.Backend.NewSharedBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return &buffer{inner, b}, flat, nil
}

func (b *Backend) wrap(inner compute.Buffer, err error) (compute.Buffer, error) {
	if err != nil {
		return nil, err
	}
	return &buffer{inner, b}, nil
}

// unwrap returns the go backend's buffers.
func (b *Backend) unwrap(buffers []compute.Buffer) ([]compute.Buffer, error) {
	inner := make([]compute.Buffer, len(buffers))
	for i, given := range buffers {
		ours, ok := given.(*buffer)
		if !ok || ours == nil || ours.backend != b {
			return nil, fmt.Errorf("cpu: input %d should be a buffer of this backend, found %T", i, given)
		}
		inner[i] = ours.Buffer
	}
	return inner, nil
}
