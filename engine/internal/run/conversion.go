package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// conversion converts rows of pixels.
type conversion struct {
	plain
	o     *plan.Conversion
	c     *chooser
	pixel convertPixel
}

// convertPixel converts as many channels of pixels, which begin at elements of their tensors. It may
// use scratch, of tuning.ElementTile elements.
type convertPixel func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, scratch []float32)

// conversions lists those that there are.
var conversions = map[[2]dtypes.DType]convertPixel{
	{dtypes.Float32, dtypes.BFloat16}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, _ []float32) {
		c.Kernels.ConvertToBF16(to.bits()[toAt:][:channels], from.floats()[fromAt:][:channels])
	},
	{dtypes.BFloat16, dtypes.Float32}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, _ []float32) {
		c.Kernels.ConvertFromBF16(to.floats()[toAt:][:channels], from.bits()[fromAt:][:channels])
	},
	{dtypes.Float32, dtypes.Uint8}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, _ []float32) {
		c.Kernels.ConvertToU8(to.bytes()[toAt:][:channels], from.floats()[fromAt:][:channels], o.To.Inverse, o.To.ZeroPoint)
	},
	{dtypes.Uint8, dtypes.Float32}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, _ []float32) {
		c.Kernels.ConvertFromU8(to.floats()[toAt:][:channels], from.bytes()[fromAt:][:channels], o.Scale, o.ZeroPoint)
	},
	{dtypes.Uint8, dtypes.BFloat16}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt, channels int, scratch []float32) {
		for done := 0; done < channels; done += len(scratch) {
			some := scratch[:min(len(scratch), channels-done)]
			c.Kernels.ConvertFromU8(some, from.bytes()[fromAt+done:], o.Scale, o.ZeroPoint)
			c.Kernels.ConvertToBF16(to.bits()[toAt+done:][:len(some)], some)
		}
	},
}

// conversionOf is what converts the pixels of an operation, or nil.
func conversionOf(o *plan.Conversion) convertPixel {
	return conversions[[2]dtypes.DType{o.In.DType, o.Out.DType}]
}

func acceptsConversion(_ *chooser, o *plan.Conversion) bool { return conversionOf(o) != nil }

func newConversion(c *chooser, o *plan.Conversion) *conversion {
	return &conversion{o: o, c: c, pixel: conversionOf(o)}
}

func (c *conversion) algorithm() string { return "plain" }

func (c *conversion) needs() needs { return needs{scratch: 4 * tuning.ElementTile} }

func (c *conversion) bind(r *run) func() error {
	o := c.o
	in, out := r.view(o.In), r.view(o.Out)
	strideIn, strideOut := o.In.Stride(), o.Out.Stride()
	pixels, channels := o.In.Pixels(), o.In.C
	parts := min(pixels, 8*r.machine.Threads)
	return r.parallel(parts, func(part, thread int) {
		first, last := part*pixels/parts, (part+1)*pixels/parts
		if strideIn == channels && strideOut == channels {
			c.pixel(c.c, o, out, in, first*channels, first*channels, (last-first)*channels, r.scratchFloats(thread)[:tuning.ElementTile])
			return
		}
		for i := first; i < last; i++ {
			c.pixel(c.c, o, out, in, i*strideOut, i*strideIn, channels, r.scratchFloats(thread)[:tuning.ElementTile])
		}
	})
}
