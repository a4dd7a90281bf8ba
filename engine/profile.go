package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/pkg/errors"
)

// A Step is what one step of a program does, and how long it takes.
type Step struct {
	// Operation is what is computed, such as "convolution", "batch norm gradient", or "go
	// backend" for a part that is not computed here.
	Operation string
	// Algorithm is how it is computed, such as "direct GemmF32_14x32"; for the go
	// backend, the operations.
	Algorithm string
	// Input and Output are pixels and channels: n, height, width, channels. Convolutions
	// that are computed together are one of all their output channels.
	Input, Output [4]int
	// Window and Stride are height and width; zero where there is none.
	Window, Stride [2]int
	// MultiplyAdds are those of the definition, whatever the algorithm needs.
	MultiplyAdds int64
	// Time is the median.
	Time time.Duration
}

// Steps lists the steps of a program of this backend without running it. A program
// that the go backend runs as a whole is one step.
func Steps(executable compute.Executable) ([]Step, error) {
	switch e := executable.(type) {
	case *program:
		all := make([]Step, len(e.steps))
		for i, s := range e.steps {
			all[i] = describe(s)
		}
		return all, nil
	case *delegated:
		return []Step{{Operation: "go backend", Algorithm: "the whole program"}}, nil
	}
	return nil, errors.Errorf("cpu: expected a program of this backend, found %T", executable)
}

// Profile runs a program several times and returns its steps with the time that
// each takes. The program may write over its inputs.
func Profile(executable compute.Executable, inputs []compute.Buffer, runs int) ([]Step, error) {
	all, err := Steps(executable)
	if err != nil {
		return nil, err
	}
	p, ok := executable.(*program)
	if !ok {
		return all, nil
	}
	inner, err := p.checkInputs(inputs, 0)
	if err != nil {
		return nil, err
	}
	r, err := p.take()
	if err != nil {
		return nil, err
	}
	defer p.give(r)
	given := slices.Repeat([]bool{true}, len(inner))
	times := make([][]time.Duration, len(all))
	for range runs {
		if err := r.load(inner, given); err != nil {
			return nil, err
		}
		for i, step := range r.steps {
			start := time.Now()
			if err := step(); err != nil {
				return nil, err
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	for i := range all {
		slices.Sort(times[i])
		all[i].Time = times[i][len(times[i])/2]
	}
	return all, nil
}

func describe(s step) Step {
	switch s := s.(type) {
	case *direct:
		d := describeConvolution(s.convolution)
		d.Algorithm = "direct " + s.gemm.Name
		return d
	case *winograd:
		d := describeConvolution(s.convolution)
		d.Algorithm = s.algorithm.Name
		return d
	case *phased:
		d := describeConvolution(s.convolution)
		d.Algorithm = "phases " + s.gemm.Name
		return d
	case *family:
		return s.describe()
	case *pool:
		d := Step{
			Operation: "sum pool", Algorithm: "window", Input: s.in.dims(), Output: s.out.dims(),
			Window: [2]int{s.height, s.width}, Stride: [2]int{s.strideY, s.strideX},
		}
		if s.maximum {
			d.Operation = "max pool"
		}
		return d
	case *pooled:
		d := Step{
			Operation: "sum pool gradient", Algorithm: "window", Input: s.out.dims(), Output: s.to.dims(),
			Window: [2]int{s.height, s.width}, Stride: [2]int{s.strideY, s.strideX},
		}
		if s.maximum {
			d.Operation = "max pool gradient"
		}
		return d
	case *copying:
		return Step{Operation: "copy", Algorithm: "plain", Input: s.in.dims(), Output: s.out.dims()}
	case *summed:
		d := describeConvolution(s.geometry)
		d.Operation, d.Algorithm = "weight gradient", s.kernel.Name
		return d
	case *winogradGradient:
		d := describeConvolution(s.geometry)
		d.Operation, d.Algorithm = "weight gradient", "gradient "+s.algorithm.Name
		return d
	case *elementwise:
		var names []string
		for begin, end := 0, 0; begin < len(s.code); begin = end {
			name := s.code[begin].op.String()
			for end = begin + 1; end < len(s.code) && s.code[end].op == s.code[begin].op; end++ {
			}
			if end-begin > 1 {
				name = fmt.Sprintf("%d %s", end-begin, name)
			}
			names = append(names, name)
		}
		return Step{Operation: "elementwise", Algorithm: strings.Join(names, ", "), Input: s.pixels, Output: s.pixels}
	case *padding:
		return Step{Operation: "pad", Algorithm: "plain", Input: s.in.dims(), Output: s.out.dims()}
	case *reshaping:
		return Step{Operation: "reshape", Algorithm: "plain", Input: s.in.dims(), Output: s.out.dims()}
	case *reduction:
		return Step{Operation: "reduction", Algorithm: "one pass", Input: s.in.dims(), Output: s.out.dims()}
	case *random:
		return Step{Operation: "random", Algorithm: "PCG", Output: s.out.dims()}
	case *normalization:
		passes := "two passes"
		if s.known || s.out == nil {
			passes = "one pass"
		}
		return Step{Operation: "batch norm", Algorithm: passes, Input: s.in.dims(), Output: s.in.dims()}
	case *normalizationGradient:
		return Step{Operation: "batch norm gradient", Algorithm: "two passes", Input: s.in.dims(), Output: s.toIn.dims()}
	case *tail:
		d := Step{Operation: "go backend"}
		for i, n := range s.nodes {
			if i > 0 {
				d.Algorithm += " "
			}
			d.Algorithm += n.op.String()
		}
		return d
	}
	return Step{Operation: fmt.Sprintf("%T", s)}
}

func describeConvolution(o *convolution) Step {
	return Step{
		Operation: "convolution", Input: o.in.dims(), Output: o.out.dims(),
		Window: [2]int{o.height, o.width}, Stride: [2]int{o.strideY, o.strideX},
		MultiplyAdds: int64(o.height*o.width) * int64(o.in.c) * int64(o.out.pixels()) * int64(o.out.c),
	}
}

func (t *tensor) dims() [4]int { return [4]int{t.n, t.h, t.w, t.c} }

// PeakFLOPS measures the most float32 operations a second that one thread of the
// backend can do.
func (b *Backend) PeakFLOPS() float64 {
	return 1e9 * b.kernels.PeakF32(200*time.Millisecond)
}

// Threads is how many threads compute.
func (b *Backend) Threads() int { return b.workers.count }
