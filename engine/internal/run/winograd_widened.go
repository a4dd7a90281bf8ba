package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// winogradWidened is a convolution of 8-bit integers by Winograd's algorithm in float32: some
// images at a time are widened, convolved, and rounded. The transformed weights are many times
// as many bytes as the integers: these are kept, and transformed before each run.
type winogradWidened struct {
	o             *plan.Convolution
	inner         *winograd    // of the images at a time, in float32
	groups        int          // of images
	in            *plan.Tensor // memory for the widened images
	out           *plan.Tensor // memory for their result
	kernel        *plan.Tensor // memory for the widened weights
	weights       []uint8      // and weightZero
	widen, narrow *plan.Conversion
	c             *chooser
}

// weightZero is added to weights, which makes them unsigned.
const weightZero = 128

// acceptsWinogradWidened is for machines without instructions that add four products of 8-bit
// integers in a lane, and results that are integers alone.
func acceptsWinogradWidened(c *chooser, o *plan.Convolution) bool {
	return acceptsI8(c, o) && !c.Kernels.GemmI8.Faster && o.ZeroPoint == 0 && o.Out.DType == dtypes.Uint8 &&
		o.Residual == nil && o.Window.Kernel.Area() >= tuning.WidenedTaps && acceptsWinograd(c, o)
}

func newWinogradWidened(c *chooser, o *plan.Convolution) *winogradWidened {
	w := &winogradWidened{o: o, groups: 1, c: c}
	bytes := 4 * (o.In.Pixels()*o.In.C + o.Out.Pixels()*o.Out.C)
	for w.groups < o.In.N && (o.In.N%w.groups != 0 || bytes/w.groups > tuning.WidenedMemory) {
		w.groups++
	}
	part := func(t *plan.Tensor) *plan.Tensor {
		return &plan.Tensor{N: t.N / w.groups, H: t.H, W: t.W, C: t.C, DType: dtypes.Float32}
	}
	w.in, w.out = part(o.In), part(o.Out)
	w.widen = &plan.Conversion{In: o.In, Out: w.in, Scale: 1}
	w.narrow = &plan.Conversion{In: w.out, Out: o.Out, To: o.To}
	images := *o
	size := o.Window.Kernel
	w.kernel = &plan.Tensor{N: size.Y, H: size.X, W: o.In.C, C: o.Out.C, DType: dtypes.Float32}
	images.In, images.Out, images.Kernel, images.Integers = w.in, w.out, w.kernel, nil
	w.inner = newWinograd(c, &images)
	return w
}

func (w *winogradWidened) algorithm() string { return w.inner.algorithm() + " of int8" }

func (w *winogradWidened) Workspace() []*plan.Tensor {
	return append([]*plan.Tensor{w.in, w.out, w.kernel}, w.inner.Workspace()...)
}

func (w *winogradWidened) needs() needs {
	n := w.inner.needs()
	n.packed = w.kernel.Pixels() * w.kernel.C
	return n
}

func (w *winogradWidened) place() { w.inner.place() }

func (w *winogradWidened) pack(dst []byte) {
	for i, v := range w.o.Integers {
		dst[i] = uint8(int(v) + weightZero)
	}
	w.o.Integers = nil
}

func (w *winogradWidened) hold(packed []byte) { w.weights = packed }

func (w *winogradWidened) bind(r *run) func() error {
	group := 0
	widen := w.convert(r, w.widen, &group)
	narrow := w.convert(r, w.narrow, &group)
	convolve := w.inner.bind(r)
	weigh := w.widenWeights(r)
	return func() error {
		if err := weigh(); err != nil {
			return err
		}
		for group = 0; group < w.groups; group++ {
			for _, do := range []func() error{widen, convolve, narrow} {
				if err := do(); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// convert returns what converts the pixels of a group of images, between a tensor of all
// images and one of the group.
func (w *winogradWidened) convert(r *run, o *plan.Conversion, group *int) func() error {
	in, out, strideIn, strideOut := r.view(o.In), r.view(o.Out), o.In.Stride(), o.Out.Stride()
	pixel := conversionOf(o)
	pixels := min(o.In.Pixels(), o.Out.Pixels()) // of the group
	parts := min(pixels, 4*r.machine.Threads)
	return r.parallel(parts, func(part, _ int) {
		first := *group * pixels
		fromFirst, toFirst := first%o.In.Pixels(), first%o.Out.Pixels()
		for j := part * pixels / parts; j < (part+1)*pixels/parts; j++ {
			pixel(w.c, o, out, in, (toFirst+j)*strideOut, (fromFirst+j)*strideIn)
		}
	})
}

// widenWeights returns what makes float32 of the weights.
func (w *winogradWidened) widenWeights(r *run) func() error {
	to, stride, columns := r.view(w.kernel), w.kernel.Stride(), w.kernel.C
	rows := w.kernel.Pixels()
	parts := min(rows, 4*r.machine.Threads)
	return r.parallel(parts, func(part, _ int) {
		for row := part * rows / parts; row < (part+1)*rows/parts; row++ {
			r.machine.Kernels.ConvertFromU8(to.floats()[row*stride:][:columns], w.weights[row*columns:][:columns], 1, weightZero)
		}
	})
}
