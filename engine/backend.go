package engine

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// Name is what the backend is registered under.
const Name = "cpu"

func init() { compute.Register(Name, New) }

// Backend is a compute.Backend for CPUs.
type Backend struct {
	compute.Backend // the go backend: buffers, capabilities
	tail            compute.Backend
	kernels         *kernel.Set
	winograd        bool
	workers         *workers
	ended           compute.Buffer // a finalized one: in the place of what was given away
	finalized       atomic.Bool
}

// New returns a backend. The config is empty or a list of options, separated by
// commas:
//
//	threads=N     threads to compute with; GOMAXPROCS when absent
//	isa=NAME      instructions: avx512, avx2, generic; the best of the machine when absent
//	winograd=off  no Winograd's algorithm for convolutions: slower, with a tenth of
//	              the rounding error; where weights are trained, the convolutions of the
//	              forward pass sum in float64, which takes two to three times as long
func New(config string) (compute.Backend, error) {
	b := &Backend{winograd: true}
	threads, isa := runtime.GOMAXPROCS(0), kernel.Available()[0]
	for option := range strings.SplitSeq(config, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "":
		case "threads":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return nil, errors.Errorf("cpu: threads should be a number of at least 1, found %q", value)
			}
			threads = n
		case "winograd":
			if value != "on" && value != "off" {
				return nil, errors.Errorf("cpu: winograd should be on or off, found %q", value)
			}
			b.winograd = value == "on"
		case "isa":
			isa = kernel.ISA(value)
		default:
			return nil, errors.Errorf("cpu: unknown option %q; options are threads=N, isa=avx512, avx2 or generic, and winograd=on or off", option)
		}
	}
	var err error
	if b.kernels, err = kernel.For(isa); err != nil {
		return nil, errors.WithMessage(err, "cpu")
	}
	if b.tail, err = gobackend.New("ops_sequential"); err != nil {
		return nil, err
	}
	b.Backend = b.tail
	if b.ended, err = b.tail.BufferFromFlatData(0, []float32{0}, shapes.Make(dtypes.Float32)); err != nil {
		return nil, err
	}
	if err := b.ended.Finalize(); err != nil {
		return nil, err
	}
	b.workers = newWorkers(threads)
	return b, nil
}

// Description says which kernels were chosen.
func (b *Backend) Description() string {
	speed := ""
	if b.kernels.ISA == kernel.Generic {
		speed = " (plain Go: slow)"
	}
	return fmt.Sprintf("CPU engine: %s%s, %d threads", b.kernels.ISA, speed, b.workers.count)
}

// Finalize ends the threads and releases the buffers. Programs of the backend
// return errors afterwards.
func (b *Backend) Finalize() {
	if b.finalized.CompareAndSwap(false, true) {
		b.tail.Finalize()
		b.workers.close()
	}
}

// IsFinalized reports whether Finalize was called.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }

func (b *Backend) Name() string   { return Name }
func (b *Backend) String() string { return Name }

func (b *Backend) Builder(name string) compute.Builder { return newBuilder(b, name) }

func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	return b.wrap(b.tail.BufferFromFlatData(device, flat, shape))
}

func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	inner, flat, err := b.tail.NewSharedBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return &buffer{inner, b}, flat, nil
}

// buffer is one of the go backend's that says that it belongs to this one.
type buffer struct {
	compute.Buffer
	backend *Backend
}

func (b *Backend) wrap(inner compute.Buffer, err error) (compute.Buffer, error) {
	if err != nil {
		return nil, err
	}
	return &buffer{inner, b}, nil
}

func (b *buffer) Backend() compute.Backend { return b.backend }

func (b *buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	return b.backend.wrap(b.Buffer.CopyToDevice(device))
}

// unwrap returns the go backend's buffers.
func (b *Backend) unwrap(buffers []compute.Buffer) ([]compute.Buffer, error) {
	inner := make([]compute.Buffer, len(buffers))
	for i, given := range buffers {
		ours, ok := given.(*buffer)
		if !ok || ours == nil || ours.backend != b {
			return nil, errors.Errorf("cpu: input %d should be a buffer of this backend, found %T", i, given)
		}
		inner[i] = ours.Buffer
	}
	return inner, nil
}

// Compile makes the program of what was recorded. Programs without convolutions
// are left to the go backend as they are.
func (b *builder) Compile() (compute.Executable, error) {
	b.compiled = true
	if b.opaque == "" && slices.ContainsFunc(b.main.nodes, func(n *node) bool { return n.op == compute.OpTypeConvGeneral }) {
		return plan(b)
	}
	inner, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	d := &delegated{Executable: inner, backend: b.backend}
	for _, c := range b.constants {
		buffer, err := b.backend.tail.BufferFromFlatData(0, c.node.attrs.(constantAttrs).flat, c.node.shapes[0])
		if err != nil {
			return nil, err
		}
		d.constants, d.at = append(d.constants, buffer), append(d.at, c.parameter)
	}
	b.forget()
	return d, nil
}

// delegated is a program that the go backend runs as a whole.
type delegated struct {
	compute.Executable
	backend   *Backend
	constants []compute.Buffer // given to it as inputs,
	at        []int            // at these places, which increase
}

func (d *delegated) Inputs() ([]string, []shapes.Shape) {
	names, all := d.Executable.Inputs()
	for _, at := range slices.Backward(d.at) {
		names, all = slices.Delete(slices.Clone(names), at, at+1), slices.Delete(slices.Clone(all), at, at+1)
	}
	return names, all
}

func (d *delegated) Finalize() {
	d.Executable.Finalize()
	for _, c := range d.constants {
		_ = c.Finalize()
	}
	d.constants, d.at = nil, nil
}

func (d *delegated) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	inner, err := d.backend.unwrap(inputs)
	if err != nil {
		return nil, err
	}
	if names, _ := d.Inputs(); len(inner) != len(names) {
		return nil, errors.Errorf("cpu: the program takes %d inputs, found %d", len(names), len(inner))
	}
	for i, at := range d.at {
		if inner = slices.Insert(inner, at, d.constants[i]); len(donate) > 0 {
			donate = slices.Insert(slices.Clone(donate), at, false)
		}
	}
	outputs, err := d.Executable.Execute(inner, donate, device)
	if err != nil {
		return nil, err
	}
	for i, o := range outputs {
		outputs[i] = &buffer{o, d.backend}
	}
	return outputs, nil
}
