package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// conversion converts rows of pixels.
type conversion struct {
	plain
	o *plan.Conversion
}

func acceptsConversion(_ *chooser, o *plan.Conversion) bool {
	from, to := o.In.DType, o.Out.DType
	return from == dtypes.Float32 && to == dtypes.BFloat16 || from == dtypes.BFloat16 && to == dtypes.Float32
}

func newConversion(_ *chooser, o *plan.Conversion) *conversion { return &conversion{o: o} }

func (c *conversion) algorithm() string { return "plain" }

func (c *conversion) bind(r *run) func() error {
	o := c.o
	in, out := r.view(o.In), r.view(o.Out)
	channels, strideIn, strideOut := o.In.C, o.In.Stride(), o.Out.Stride()
	pixels := o.In.Pixels()
	parts := min(pixels, 8*r.machine.Threads)
	kernels := r.machine.Kernels
	return r.parallel(parts, func(part, _ int) {
		for i := part * pixels / parts; i < (part+1)*pixels/parts; i++ {
			if o.In.DType == dtypes.Float32 {
				from, to := in.floats()[i*strideIn:][:channels], out.bits()[i*strideOut:][:channels]
				kernels.ConvertToBF16(to, from)
				continue
			}
			from, to := in.bits()[i*strideIn:][:channels], out.floats()[i*strideOut:][:channels]
			kernels.ConvertFromBF16(to, from)
		}
	})
}
