package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// winogradBF16 is a convolution of bfloat16 values by Winograd's algorithm in float32: some
// images at a time are widened, convolved, and rounded. Where the algorithm saves more than
// half of the products, that is faster than bfloat16's.
type winogradBF16 struct {
	o      *plan.Convolution
	inner  *winograd    // of the images at a time, in float32
	groups int          // of images
	in     *plan.Tensor // memory for the widened images
	out    *plan.Tensor // memory for their result
}

func acceptsWinogradBF16(c *chooser, o *plan.Convolution) bool {
	return !o.Trained() && o.Residual == nil && o.Window.Kernel.Area() >= tuning.WinogradBF16Taps && acceptsWinograd(c, o)
}

func newWinogradBF16(c *chooser, o *plan.Convolution) *winogradBF16 {
	w := &winogradBF16{o: o, groups: 1}
	bytes := 4 * (o.In.Pixels()*o.In.C + o.Out.Pixels()*o.Out.C)
	for w.groups < o.In.N && (o.In.N%w.groups != 0 || bytes/w.groups > tuning.WinogradBF16Memory) {
		w.groups++
	}
	part := func(t *plan.Tensor) *plan.Tensor {
		return &plan.Tensor{N: t.N / w.groups, H: t.H, W: t.W, C: t.C, DType: dtypes.Float32}
	}
	w.in, w.out = part(o.In), part(o.Out)
	images := *o
	images.In, images.Out, images.Scale = w.in, w.out, nil
	w.inner = newWinograd(c, &images)
	return w
}

func (w *winogradBF16) algorithm() string { return w.inner.algorithm() + " of bfloat16" }

func (w *winogradBF16) Workspace() []*plan.Tensor { return []*plan.Tensor{w.in, w.out} }

func (w *winogradBF16) needs() needs { return w.inner.needs() }

func (w *winogradBF16) place() { w.inner.place() }

// pack rounds the weights, with their factors, as bfloat16 products have them.
func (w *winogradBF16) pack(dst []byte) {
	o, rounded := w.o, make([]float32, len(w.o.Weights))
	for i, v := range o.Weights {
		rounded[i] = kernel.FromBF16(kernel.ToBF16(v * o.Scale[i%len(o.Scale)]))
	}
	w.inner.o.Weights, o.Weights = rounded, nil
	w.inner.pack(dst)
}

func (w *winogradBF16) bind(r *run) func() error {
	group := 0
	widen := w.convert(r, &group, w.o.In, w.in, func(from, to view, i, strideFrom, j, strideTo, channels int) {
		r.machine.Kernels.ConvertFromBF16(to.floats()[j*strideTo:][:channels], from.bits()[i*strideFrom:][:channels])
	})
	narrow := w.convert(r, &group, w.o.Out, w.out, func(to, from view, i, strideTo, j, strideFrom, channels int) {
		r.machine.Kernels.ConvertToBF16(to.bits()[i*strideTo:][:channels], from.floats()[j*strideFrom:][:channels])
	})
	convolve := w.inner.bind(r)
	return func() error {
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
func (w *winogradBF16) convert(r *run, group *int, all, some *plan.Tensor, pixel func(all, some view, i, strideAll, j, strideSome, channels int)) func() error {
	viewAll, viewSome, strideAll, strideSome := r.view(all), r.view(some), all.Stride(), some.Stride()
	pixels := some.Pixels()
	parts := min(pixels, 4*r.machine.Threads)
	return r.parallel(parts, func(part, _ int) {
		for j := part * pixels / parts; j < (part+1)*pixels/parts; j++ {
			pixel(viewAll, viewSome, *group*pixels+j, strideAll, j, strideSome, all.C)
		}
	})
}
