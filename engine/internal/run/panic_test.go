package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// faulty doubles its input, and panics in some part where it is told to.
type faulty struct {
	plain
	in, out *plan.Tensor
	part    int // that panics; -1 for none
}

func (f *faulty) algorithm() string { return "faulty" }

func (f *faulty) bind(r *run) func() error {
	in, out := r.view(f.in), r.view(f.out)
	return r.parallel(f.in.H, func(part, _ int) {
		if part == f.part {
			var nothing []int
			_ = nothing[part]
		}
		from, to := in.floats(), out.floats()
		to[part] = 2 * from[part]
	})
}

// doubling is a plan of one operation, with its implementation.
func doubling(m *Machine, rows int) (*plan.Plan, *faulty) {
	shape := shapes.Make(dtypes.Float32, 1, rows, 1, 1)
	in, out := plan.TensorOf(shape), plan.TensorOf(shape)
	in.Place = plan.Input{Index: 0}
	f := &faulty{in: in, out: out, part: -1}
	p := &plan.Plan{
		Operations: []plan.Operation{&plan.Copying{In: in, Out: out}},
		Inputs:     []plan.ProgramInput{{Name: "x", Shape: shape, Tensor: in}},
		Outputs:    []plan.ProgramOutput{{Shape: shape, Tensor: out}},
		Choose:     func(plan.Operation) (plan.Implementation, error) { return f, nil },
	}
	return p, f
}

// TestPanics lets a worker panic in each part in turn: Execute returns an error that names
// the operation, and the program, and another one of the same workers, go on working.
func TestPanics(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	kernels, err := kernel.For(kernel.Generic)
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Kernels: kernels, Delegate: backend}
	m.Divide(3, 1)
	defer m.Close()
	const rows = 12
	build := func() (*Program, *faulty) {
		p, f := doubling(m, rows)
		if err := plan.BuildVerified(p); err != nil {
			t.Fatal(err)
		}
		program, err := New(m, p)
		if err != nil {
			t.Fatal(err)
		}
		return program, f
	}
	program, f := build()
	other, _ := build()
	values := make([]float32, rows)
	for i := range values {
		values[i] = float32(i)
	}
	x, err := backend.BufferFromFlatData(0, values, shapes.Make(dtypes.Float32, 1, rows, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	works := func(p *Program) {
		t.Helper()
		outputs, err := p.Execute([]compute.Buffer{x}, nil, Calls{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := outputs[0].Data()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got.([]float32) {
			if v != 2*values[i] {
				t.Errorf("element %d is %g, want %g", i, v, 2*values[i])
			}
		}
	}
	works(program)
	for part := range rows {
		f.part = part
		_, err := program.Execute([]compute.Buffer{x}, nil, Calls{})
		var panicked *PanicError
		if !errors.As(err, &panicked) || !strings.Contains(err.Error(), "operation 1 of 1 (copy") || !strings.Contains(err.Error(), "index out of range") {
			t.Fatalf("a panic in part %d: error is %v, want one that names the operation and the panic", part, err)
		}
		if !strings.Contains(string(panicked.Stack), "panic_test.go") {
			t.Errorf("the stack is\n%s\nwithout the place of the panic", panicked.Stack)
		}
		f.part = -1
		works(program)
		works(other)
	}
}
