package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// conversion converts rows of pixels.
type conversion struct {
	plain
	o     *plan.Conversion
	c     *chooser
	pixel convertPixel
}

// convertPixel converts the channels of pixels that begin at elements of their tensors.
type convertPixel func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt int)

// conversions lists those that there are.
var conversions = map[[2]dtypes.DType]convertPixel{
	{dtypes.Float32, dtypes.BFloat16}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt int) {
		c.Kernels.ConvertToBF16(to.bits()[toAt:][:o.In.C], from.floats()[fromAt:][:o.In.C])
	},
	{dtypes.BFloat16, dtypes.Float32}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt int) {
		c.Kernels.ConvertFromBF16(to.floats()[toAt:][:o.In.C], from.bits()[fromAt:][:o.In.C])
	},
	{dtypes.Float32, dtypes.Uint8}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt int) {
		c.Kernels.ConvertToU8(to.bytes()[toAt:][:o.In.C], from.floats()[fromAt:][:o.In.C], o.To.Inverse, o.To.ZeroPoint)
	},
	{dtypes.Uint8, dtypes.Float32}: func(c *chooser, o *plan.Conversion, to, from view, toAt, fromAt int) {
		c.Kernels.ConvertFromU8(to.floats()[toAt:][:o.In.C], from.bytes()[fromAt:][:o.In.C], o.Scale, o.ZeroPoint)
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

func (c *conversion) bind(r *run) func() error {
	o := c.o
	in, out := r.view(o.In), r.view(o.Out)
	strideIn, strideOut := o.In.Stride(), o.Out.Stride()
	pixels := o.In.Pixels()
	parts := min(pixels, 8*r.machine.Threads)
	return r.parallel(parts, func(part, _ int) {
		for i := part * pixels / parts; i < (part+1)*pixels/parts; i++ {
			c.pixel(c.c, o, out, in, i*strideOut, i*strideIn)
		}
	})
}
