package engine_test

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// expectError fails unless an error has all the words; a panic is a failure.
func expectError(t *testing.T, what string, do func() error, words ...string) {
	t.Helper()
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("%s: panic: %v\n%s", what, r, debug.Stack())
				err = fmt.Errorf("%s", words)
			}
		}()
		return do()
	}()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error is %q, want one with %q", what, err, word)
		}
	}
}

// programs makes one of each kind: planned, and left to the go backend. Both take x,
// [1, 4, 4, 2], and y, [1, 4, 4, 3].
func programs(t *testing.T, backend compute.Backend) map[string]compute.Executable {
	t.Helper()
	all := map[string]compute.Executable{}
	for _, kind := range []string{"planned", "delegated"} {
		b := backend.Builder(kind)
		r := b.Main()
		value := func(v compute.Value, err error) compute.Value {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		x := value(r.Parameter("x", shapes.Make(dtypes.Float32, 1, 4, 4, 2), nil))
		y := value(r.Parameter("y", shapes.Make(dtypes.Float32, 1, 4, 4, 3), nil))
		if kind == "planned" {
			w := value(r.Constant(make([]float32, 6), 1, 1, 2, 3))
			x = value(r.Add(value(r.ConvGeneral(x, w, nhwc(), nil, nil, nil, nil, 1, 1)), y))
		} else {
			x = value(r.Concatenate(3, x, y))
		}
		if err := r.Return([]compute.Value{x}, nil); err != nil {
			t.Fatal(err)
		}
		program, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = program
	}
	return all
}

func zeros(t *testing.T, backend compute.Backend, dtype dtypes.DType, dims ...int) compute.Buffer {
	t.Helper()
	b, _, err := backend.NewSharedBuffer(0, shapes.Make(dtype, dims...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBadInput(t *testing.T) {
	backend, other := newBackend(t, "threads=2"), newBackend(t, "threads=1")
	goBackend, err := gobackend.New("")
	if err != nil {
		t.Fatal(err)
	}
	x, y := zeros(t, backend, dtypes.Float32, 1, 4, 4, 2), zeros(t, backend, dtypes.Float32, 1, 4, 4, 3)
	finalized := zeros(t, backend, dtypes.Float32, 1, 4, 4, 3)
	if err := finalized.Finalize(); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		inputs []compute.Buffer
		words  []string
	}{
		"no buffers":               {nil, []string{"2", "0"}},
		"too few buffers":          {[]compute.Buffer{x}, []string{"2", "1"}},
		"too many buffers":         {[]compute.Buffer{x, y, y}, []string{"2", "3"}},
		"another shape":            {[]compute.Buffer{x, x}, []string{"y", "[1, 4, 4, 3]", "[1, 4, 4, 2]"}},
		"another rank":             {[]compute.Buffer{x, zeros(t, backend, dtypes.Float32, 48)}, []string{"y", "[1, 4, 4, 3]", "[48]"}},
		"another type":             {[]compute.Buffer{x, zeros(t, backend, dtypes.Int32, 1, 4, 4, 3)}, []string{"y", "Float32", "Int32"}},
		"no buffer":                {[]compute.Buffer{x, nil}, []string{"input 1", "buffer of this backend", "nil"}},
		"buffer of the go backend": {[]compute.Buffer{x, zeros(t, goBackend, dtypes.Float32, 1, 4, 4, 3)}, []string{"input 1", "buffer of this backend", "*gobackend.Buffer"}},
		"another backend's buffer": {[]compute.Buffer{x, zeros(t, other, dtypes.Float32, 1, 4, 4, 3)}, []string{"input 1", "buffer of this backend"}},
		"finalized buffer":         {[]compute.Buffer{x, finalized}, []string{"input"}},
	} {
		for kind, program := range programs(t, backend) {
			expectError(t, kind+": "+what, func() error {
				_, err := program.Execute(test.inputs, nil, 0)
				return err
			}, test.words...)
			if _, err := program.Execute([]compute.Buffer{x, y}, nil, 0); err != nil {
				t.Errorf("%s: the right inputs after %s: %v", kind, what, err)
			}
		}
	}
	expectError(t, "another device", func() error {
		_, err := programs(t, backend)["planned"].Execute([]compute.Buffer{x, y}, nil, 1)
		return err
	}, "device 0", "1")
	shape := shapes.Make(dtypes.Float32, 3)
	expectError(t, "data of another type", func() error {
		_, err := backend.BufferFromFlatData(0, make([]int32, 3), shape)
		return err
	}, "int32", "Float32")
	expectError(t, "data for another device", func() error {
		_, err := backend.BufferFromFlatData(1, make([]float32, 3), shape)
		return err
	}, "0", "1")
	expectError(t, "shared buffer of another device", func() error {
		_, _, err := backend.NewSharedBuffer(1, shape)
		return err
	}, "0", "1")
	expectError(t, "steps of another backend's program", func() error {
		_, err := engine.Operations(programs(t, goBackend)["planned"])
		return err
	}, "program of this backend", "*gobackend.Executable")
}

// TestDonatedInput uses an input that a run was given.
func TestDonatedInput(t *testing.T) {
	backend := newBackend(t, "threads=2")
	for kind, program := range programs(t, backend) {
		inputs := []compute.Buffer{zeros(t, backend, dtypes.Float32, 1, 4, 4, 2), zeros(t, backend, dtypes.Float32, 1, 4, 4, 3)}
		if _, err := program.Execute(inputs, []bool{false, true}, 0); err != nil {
			t.Fatal(err)
		}
		expectError(t, kind+": donated input", func() error {
			_, err := program.Execute(inputs, nil, 0)
			return err
		}, "input")
	}
}

// TestAfterFinalize uses what has been finalized.
func TestAfterFinalize(t *testing.T) {
	backend := newBackend(t, "threads=2")
	inputs := []compute.Buffer{zeros(t, backend, dtypes.Float32, 1, 4, 4, 2), zeros(t, backend, dtypes.Float32, 1, 4, 4, 3)}
	execute := func(program compute.Executable) func() error {
		return func() error {
			_, err := program.Execute(inputs, nil, 0)
			return err
		}
	}
	ended, left := programs(t, backend)["planned"], programs(t, backend)
	ended.Finalize()
	ended.Finalize()
	expectError(t, "finalized program", execute(ended), "finalized")
	for kind, program := range left {
		if err := execute(program)(); err != nil {
			t.Errorf("%s, after the end of another: %v", kind, err)
		}
	}
	c := newConvolutionCase([]byte{1, 20, 20, 32, 32, 1}, []byte{3, 3}, []byte{norm})
	shape := shapes.Make(dtypes.Float32, 3)
	backend.Finalize()
	backend.Finalize()
	if !backend.IsFinalized() {
		t.Error("the backend does not know that it is finalized")
	}
	for kind, program := range left {
		expectError(t, kind+" program of a finalized backend", execute(program))
		program.Finalize()
	}
	expectError(t, "program of a finalized backend", execute(ended), "finalized")
	for what, do := range map[string]func() error{
		"buffer from data": func() error { _, err := backend.BufferFromFlatData(0, make([]float32, 3), shape); return err },
		"shared buffer":    func() error { _, _, err := backend.NewSharedBuffer(0, shape); return err },
		"data of a buffer": func() error { _, err := inputs[0].Data(); return err },
		"a new program":    func() error { _, _, err := c.run(backend, true, false); return err },
	} {
		expectError(t, what+" of a finalized backend", do, "backend")
	}
}
