package run

import "github.com/seed-fb2c0fa6/inception/engine/internal/plan"

// copying copies pixels into a part of a whole.
type copying struct {
	plain
	o *plan.Copying
}

func newCopying(_ *chooser, o *plan.Copying) *copying { return &copying{o: o} }

func (c *copying) algorithm() string { return "plain" }

func (c *copying) bind(r *run) func() error {
	in, out := r.view(c.o.In), r.view(c.o.Out)
	width, pitchIn, pitchOut := c.o.In.C*c.o.In.DType.Size(), c.o.In.Pitch(), c.o.Out.Pitch()
	return func() error {
		from, to := in.bytes(), out.bytes()
		for i := range c.o.In.Pixels() {
			copy(to[i*pitchOut:][:width], from[i*pitchIn:])
		}
		return nil
	}
}

// reshaping copies what is contiguous on both sides.
type reshaping struct {
	plain
	o *plan.Reshaping
}

func newReshaping(_ *chooser, o *plan.Reshaping) *reshaping { return &reshaping{o: o} }

func (s *reshaping) algorithm() string { return "plain" }

func (s *reshaping) bind(r *run) func() error {
	in, out := r.view(s.o.In), r.view(s.o.Out)
	channelsIn, channelsOut, strideIn, strideOut := s.o.In.C, s.o.Out.C, s.o.In.Stride(), s.o.Out.Stride()
	return func() error {
		from, to := in.floats(), out.floats()
		for i, j, size := 0, 0, s.o.In.Pixels()*channelsIn; i < size; {
			a, b := i%channelsIn, j%channelsOut
			count := min(channelsIn-a, channelsOut-b)
			copy(to[j/channelsOut*strideOut+b:][:count], from[i/channelsIn*strideIn+a:][:count])
			i, j = i+count, j+count
		}
		return nil
	}
}

// padding writes row by row of pixels.
type padding struct {
	plain
	o *plan.Padding
}

func newPadding(_ *chooser, o *plan.Padding) *padding { return &padding{o: o} }

func (p *padding) algorithm() string { return "plain" }

func (p *padding) bind(r *run) func() error {
	o, by := p.o, p.o.Dilation
	in, out, strideIn, strideOut := r.view(o.In), r.view(o.Out), o.In.Stride(), o.Out.Stride()
	return r.parallel(o.Out.N*o.Out.H, func(row, _ int) {
		from, to := in.floats(), out.floats()
		n, y := row/o.Out.H, row%o.Out.H-o.Before.Y
		inside := y >= 0 && y%by.Y == 0 && y/by.Y < o.In.H
		for column := range o.Out.W {
			pixel := to[(row*o.Out.W+column)*strideOut:][:o.Out.C]
			x := column - o.Before.X
			if inside && x >= 0 && x%by.X == 0 && x/by.X < o.In.W {
				copy(pixel, from[((n*o.In.H+y/by.Y)*o.In.W+x/by.X)*strideIn:])
				continue
			}
			for c := range pixel {
				pixel[c] = o.Value
			}
		}
	})
}
