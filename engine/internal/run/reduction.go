package run

import (
	"slices"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// reduction reduces rows of channels one by one, and pixels in blocks.
type reduction struct {
	plain
	o *plan.Reduction
}

func newReduction(_ *chooser, o *plan.Reduction) *reduction { return &reduction{o: o} }

func (d *reduction) algorithm() string { return "one pass" }

func (d *reduction) needs() needs { return needs{shared: 8 * sums(d.o.In)} }

func (d *reduction) bind(r *run) func() error {
	if d.o.Over == plan.OverChannels {
		return d.bindChannels(r)
	}
	o := d.o
	pixels, channels, stride := o.In.Pixels(), o.In.C, o.In.Stride()
	in, outView := r.view(o.In), r.view(o.Out)
	parts, zero := r.sharedDoubles()[:sums(o.In)], make([]float32, channels)
	work := r.parallel(tuning.SumBlocks, func(block, thread int) {
		p := &r.statistics[thread]
		p.Channels, p.X, p.Pitch, p.Shift = channels, in.floats(), stride, zero
		p.Sum, p.Squares = blockSums(parts, channels, block)
		first, last := blockOf(pixels, block)
		r.machine.Kernels.Statistics(p, first, last)
	})
	return func() error {
		if err := work(); err != nil {
			return err
		}
		out, all := outView.floats(), 0.0
		for c := range channels {
			sum, squares := total(parts, channels, c)
			if o.Squares {
				sum = squares
			}
			if o.Over == plan.OverPixels {
				out[c] = float32(sum)
			}
			all += sum
		}
		if o.Over == plan.OverAll {
			out[0] = float32(all)
		}
		return nil
	}
}

func (d *reduction) bindChannels(r *run) func() error {
	o := d.o
	pixels, channels, stride := o.In.Pixels(), o.In.C, o.In.Stride()
	inView, outView := r.view(o.In), r.view(o.Out)
	parts := min(pixels, 4*r.machine.Threads)
	return r.parallel(parts, func(part, _ int) {
		in, out := inView.floats(), outView.floats()
		for i := part * pixels / parts; i < (part+1)*pixels/parts; i++ {
			row := in[i*stride:][:channels]
			// Pixels of one channel, or one pixel: side by side.
			if o.Maximum {
				out[i] = slices.Max(row)
				continue
			}
			sum := 0.0
			for _, v := range row {
				sum += float64(v)
			}
			out[i] = float32(sum)
		}
	})
}
