package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// TestInt8Networks compares small networks in int8 with the go backend's results, which
// compute as the graph says. Sums of integers are exact; one of float32 in another order, in
// the first convolution, now and then ends on another side of a rounding, and what follows
// from that is as large as the error of quantisation.
func TestInt8Networks(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	o := arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, Precision: arch.Int8}
	for _, name := range arch.Names() {
		for _, o := range poolings(name, o) {
			want := logits(t, theirs, name, o, 3, 91)
			for _, isa := range kernel.Available() {
				ours := newBackend(t, "isa="+string(isa))
				e := distance(logits(t, ours, name, o, 3, 91), want)
				t.Logf("%s, %s: relative L2 difference %.2g", name, isa, e)
				if !(e < 3e-2) {
					t.Errorf("%s, %s: relative L2 difference %g", name, isa, e)
				}
			}
		}
	}
}

// TestInt8Operations asserts that convolutions and pooling compute in integers, without
// conversions between layers, and that results depend neither on the number of threads nor on
// how images are divided into batches.
func TestInt8Operations(t *testing.T) {
	// Before the average over the grid, where integers or the last
	// residual sum become float32, and where a residual block begins with integers that are added to.
	conversions := map[string]int{"inception_v3": 1, "inception_v4": 1, "inception_resnet_v1": 4, "inception_resnet_v2": 4, "inception_resnet_v2_paper": 4}
	for _, name := range arch.Names() {
		o := arch.Options{Width: 0.5, Blocks: []int{1, 1, 1}, Precision: arch.Int8}
		program := compileNetwork(t, newBackend(t, "threads=2"), name, o, 1, 107)
		operations, err := engine.Operations(program)
		if err != nil {
			t.Fatal(err)
		}
		converted := 0
		for i, op := range operations {
			switch {
			case op.Name == "go backend" || op.Name == "elementwise":
				t.Errorf("%s: operation %d is %s: %s", name, i, op.Name, op.Algorithm)
			case op.Name == "convert":
				converted++
			case op.Name == "convolution" && !strings.Contains(op.Algorithm, "I8") && !strings.Contains(op.Algorithm, "of int8") && op.Input[3] != 3 && op.Output[3] != 1000:
				t.Errorf("%s: operation %d, a convolution of %v, is %s", name, i, op.Input, op.Algorithm)
			}
		}
		if converted != conversions[name] {
			t.Errorf("%s: %d conversions, want %d", name, converted, conversions[name])
		}
		program.Finalize()
		var want []float32
		for _, threads := range []string{"1", "2", "3"} {
			got := logits(t, newBackend(t, "winograd=off,threads="+threads), name, o, 3, 107)
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %s threads give other results than one", name, threads)
			}
		}
		backend := newBackend(t, "winograd=off,threads=2")
		three, one := compileNetwork(t, backend, name, o, 3, 107), compileNetwork(t, backend, name, o, 1, 107)
		all, err := images(t, backend, 3, 107)[0].Data()
		if err != nil {
			t.Fatal(err)
		}
		size := 107 * 107 * 3
		for i := range 3 {
			b, err := backend.BufferFromFlatData(0, all.([]float32)[i*size:][:size], shapes.Make(dtypes.Float32, 1, 107, 107, 3))
			if err != nil {
				t.Fatal(err)
			}
			got, err := execute(one, []compute.Buffer{b})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want[i*len(got):][:len(got)]) {
				t.Errorf("%s: image %d alone gives other results than with others", name, i)
			}
		}
		three.Finalize()
		one.Finalize()
	}
}

// TestInt8Winograd asserts that convolutions of 3x3, 1x7 and 7x1 are computed by Winograd's
// algorithm in integers where it is there, and that no bit of the results depends on it: of one
// convolution, and of networks.
func TestInt8Winograd(t *testing.T) {
	convolutions := false
	for _, isa := range kernel.Available() {
		kernels, err := kernel.For(isa)
		if err != nil {
			t.Fatal(err)
		}
		for _, window := range [][2]int{{3, 3}, {1, 7}, {7, 1}} {
			w := kernels.WinogradI8(window[0], window[1])
			if w == nil {
				continue
			}
			convolutions = true
			one := quantizedCase{in: 128, out: 128, height: window[0], width: window[1], stride: 1, relu: true, result: 1}
			got, algorithms := one.outputs(t, newBackend(t, "isa="+string(isa)))
			want, _ := one.outputs(t, newBackend(t, "winograd=off,isa="+string(isa)))
			if !slices.Contains(algorithms, "convolution "+w.Name) || !slices.Equal(got[0], want[0]) {
				t.Errorf("%s: other results than of a direct product, of %q", isa, algorithms)
			}
		}
		w := kernels.WinogradI8(3, 3)
		if w == nil || isa == kernel.Generic { // which takes long
			continue
		}
		for _, name := range arch.Names() {
			o := arch.Options{Width: 0.75, Blocks: []int{1, 1, 1}, Precision: arch.Int8}
			backend := newBackend(t, "isa="+string(isa))
			got, want := logits(t, backend, name, o, 2, 107), logits(t, newBackend(t, "winograd=off,isa="+string(isa)), name, o, 2, 107)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: other results than of direct products", name, isa)
			}
			program := compileNetwork(t, backend, name, o, 2, 107)
			operations, err := engine.Operations(program)
			program.Finalize()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(operations, func(o engine.Operation) bool { return o.Algorithm == w.Name }) {
				t.Errorf("%s, %s: no convolution by Winograd's algorithm", name, isa)
			}
		}
	}
	if !convolutions {
		t.Error("no set of kernels has the algorithm, expected at least that of plain Go")
	}
}

// quantizedCase is a convolution of integers and what is around it in a graph.
type quantizedCase struct {
	in, out, height, width, stride int
	valid, signed, relu, residual  bool
	divides                        bool // by the scale, where others multiply by its inverse
	factor                         bool // the weights are multiplied by their scales, not the sums
	result                         int  // 0 for bfloat16, 1 for integers, 2 for both, 3 for float32
	toSigned                       bool
	wide                           bool // the residual is float32
	used                           bool // something else reads the residual
}

// build makes a graph of the case: from x, and a residual, to its results.
func (c quantizedCase) build(g *graph.Graph, r *rand.Rand) []*graph.Node {
	const scale, to = float32(0.02), float32(0.05)
	round := func(x *graph.Node, scale float32, signed bool) *graph.Node {
		if c.divides {
			x = graph.DivScalar(x, float64(scale))
		} else {
			x = graph.MulScalar(x, float64(1/scale))
		}
		x = graph.Round(x)
		if signed {
			x = graph.AddScalar(x, 128)
		}
		if c.divides {
			x = graph.MaxScalar(graph.MinScalar(x, 255), 0)
		} else {
			x = graph.ClipScalar(x, 0, 255)
		}
		return graph.ConvertDType(x, dtypes.Uint8)
	}
	x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 13, 15, c.in))
	q := graph.ConvertDType(round(x, scale, c.signed), dtypes.Float32)
	if c.signed && c.divides {
		q = graph.SubScalar(q, 128)
	} else if c.signed {
		q = graph.AddScalar(q, -128)
	}
	integers := make([]int8, c.height*c.width*c.in*c.out)
	for i := range integers {
		integers[i] = int8(r.IntN(255) - 127)
	}
	weights := graph.ConvertDType(graph.Reshape(graph.Const(g, integers), c.height, c.width, c.in, c.out), dtypes.Float32)
	scales, biases := make([]float32, c.out), make([]float32, c.out)
	for j := range scales {
		scales[j] = float32((0.5 + r.Float64()) / (40 * math.Sqrt(float64(c.height*c.width*c.in))))
		biases[j] = float32(r.NormFloat64())
	}
	channels := func(values []float32) *graph.Node { return graph.Reshape(graph.Const(g, values), 1, 1, 1, c.out) }
	if c.factor {
		q, weights = graph.MulScalar(q, float64(scale)), graph.Mul(weights, channels(scales))
	}
	conv := graph.Convolve(q, weights).Strides(c.stride)
	if c.valid {
		conv = conv.NoPadding()
	} else {
		conv = conv.PadSame()
	}
	var sum *graph.Node
	var others []*graph.Node
	if c.residual {
		height, width := (13+c.stride-1)/c.stride, (15+c.stride-1)/c.stride
		if c.valid {
			height, width = (13-c.height)/c.stride+1, (15-c.width)/c.stride+1
		}
		sum = graph.Parameter(g, "residual", shapes.Make(dtypes.Float32, 2, height, width, c.out))
		if !c.wide {
			sum = graph.ConvertDType(graph.ConvertDType(sum, dtypes.BFloat16), dtypes.Float32)
		}
		if c.used {
			others = []*graph.Node{graph.Tanh(sum)}
		}
	}
	y := conv.Done()
	if !c.factor {
		for j := range scales {
			scales[j] *= scale
		}
		y = graph.Mul(y, channels(scales))
	}
	y = graph.Add(y, channels(biases))
	if c.residual {
		y = graph.Add(sum, y)
	}
	if c.relu {
		y = graph.MaxScalar(y, 0)
	}
	half := func() *graph.Node { return graph.ConvertDType(y, dtypes.BFloat16) }
	switch c.result {
	case 0:
		return append([]*graph.Node{half()}, others...)
	case 1:
		return append([]*graph.Node{round(y, to, c.toSigned)}, others...)
	case 2:
		return append([]*graph.Node{half(), round(y, to, c.toSigned)}, others...)
	}
	return append([]*graph.Node{y}, others...)
}

// outputs runs a case, and returns its results as float64.
func (c quantizedCase) outputs(t *testing.T, backend compute.Backend) (results [][]float64, algorithms []string) {
	t.Helper()
	g := graph.NewGraph(backend, "quantized")
	if err := g.Compile(c.build(g, rand.New(rand.NewPCG(1, 2)))...); err != nil {
		t.Fatal(err)
	}
	program := g.Executable()
	defer program.Finalize()
	buffers, err := program.Execute(generated(t, backend, program, "quantized"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buffers {
		flat, err := b.Data()
		if err != nil {
			t.Fatal(err)
		}
		var values []float64
		switch flat := flat.(type) {
		case []float32:
			for _, v := range flat {
				values = append(values, float64(v))
			}
		case []uint8:
			for _, v := range flat {
				values = append(values, float64(v))
			}
		case []bfloat16.BFloat16:
			for _, v := range flat {
				values = append(values, float64(v.Float32()))
			}
		}
		results = append(results, values)
	}
	if operations, err := engine.Operations(program); err == nil {
		for _, o := range operations {
			algorithms = append(algorithms, o.Name+" "+o.Algorithm)
		}
	}
	return results, algorithms
}

// TestInt8Graphs compares convolutions of integers, with all that a graph may have around them,
// with the go backend's results: float32 within their rounding, and integers and bfloat16 that
// differ by one at most, where a value is near the middle of two. What needs float32 is computed so.
func TestInt8Graphs(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	r := rand.New(rand.NewPCG(3, 4))
	winograd := map[string]bool{}
	for i := range 150 {
		c := quantizedCase{
			in: []int{4, 6, 8, 32, 36, 64}[r.IntN(6)], out: []int{1, 3, 16, 33, 64}[r.IntN(5)],
			height: []int{1, 1, 3}[r.IntN(3)], width: []int{1, 1, 3}[r.IntN(3)], stride: 1 + r.IntN(2),
			valid: r.IntN(2) == 0, signed: r.IntN(3) == 0, relu: r.IntN(2) == 0, residual: r.IntN(3) == 0,
			divides: r.IntN(2) == 0, factor: r.IntN(3) == 0, result: r.IntN(7) % 4, toSigned: r.IntN(3) == 0, wide: r.IntN(4) == 0, used: r.IntN(2) == 0,
		}
		if i < 18 { // by Winograd's algorithm, where there are no better instructions
			window := [][2]int{{3, 3}, {1, 7}, {7, 1}}[i/6]
			c = quantizedCase{in: 32 + 4*(i%6), out: 40 - i%6, height: window[0], width: window[1], stride: 1, valid: i%2 == 0, relu: i%3 == 0, toSigned: i%3 == 1, result: 1}
		}
		want, _ := c.outputs(t, theirs)
		for _, isa := range kernel.Available() {
			got, algorithms := c.outputs(t, newBackend(t, "isa="+string(isa)))
			what := fmt.Sprintf("%s %+v", isa, c)
			inIntegers := slices.ContainsFunc(algorithms, func(a string) bool { return strings.Contains(a, "I8") })
			if expected := c.in%4 == 0 && !c.factor && (!c.signed || c.height == 1 && c.width == 1) && c.result != 3 && !(c.residual && c.wide); inIntegers != expected {
				t.Errorf("%s: computed in integers is %t: %q", what, inIntegers, algorithms)
			}
			for _, a := range algorithms {
				if strings.Contains(a, "WinogradI8") {
					winograd[a] = true
				}
			}
			for i := range want {
				others, half := 0, c.result%2 == 0 && i == 0
				for j, v := range got[i] {
					if difference := math.Abs(v - want[i][j]); !(difference <= 2e-5*(1+math.Abs(want[i][j]))) {
						others++
						if half && !(difference <= 0x1p-7*math.Abs(want[i][j])) || !half && difference != 1 {
							t.Fatalf("%s: element %d of result %d is %g, want %g", what, j, i, v, want[i][j])
						}
					}
				}
				if others > 1+len(got[i])/200 {
					t.Errorf("%s: %d of %d elements of result %d differ", what, others, len(got[i]), i)
				}
			}
		}
	}
	if len(winograd) != 3 {
		t.Errorf("computed by Winograd's algorithm are %v, expected three windows", winograd)
	}
}

// TestInt8Pooling compares pooling and concatenation of integers, in every form that a graph
// may have them in, with the go backend's results.
func TestInt8Pooling(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	run := func(backend compute.Backend) (results [][]uint8, names []string) {
		g := graph.NewGraph(backend, "pooling")
		round := func(x *graph.Node, scale float64) *graph.Node {
			return graph.ConvertDType(graph.ClipScalar(graph.Round(graph.DivScalar(x, scale)), 0, 255), dtypes.Uint8)
		}
		wide := func(q *graph.Node, scale float64) *graph.Node {
			return graph.MulScalar(graph.ConvertDType(q, dtypes.Float32), scale)
		}
		x := graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2, 9, 9, 40))
		q, p := round(x, 0.004), round(graph.AddScalar(x, 0.3), 0.005)
		// A convolution, without which nothing is computed here.
		y := graph.Convolve(wide(q, 0.004), graph.Reshape(graph.Const(g, make([]float32, 40*8)), 1, 1, 40, 8)).Done()
		largest := graph.ConvertDType(graph.MaxPool(graph.ConvertDType(q, dtypes.Float32)).Window(3).Strides(2).NoPadding().Done(), dtypes.Uint8)
		rounded := round(graph.MaxPool(wide(p, 0.005)).Window(3).Strides(2).NoPadding().Done(), 0.005)
		mean := round(graph.MeanPool(wide(q, 0.004)).Window(3).Strides(1).PadSame().Done(), 0.0031)
		sum := round(graph.DivScalar(graph.SumPool(wide(p, 0.005)).Window(3).Strides(1).PadSame().Done(), 9), 0.005)
		joined := graph.Concatenate([]*graph.Node{q, mean, p, sum}, 3)
		if err := g.Compile(largest, rounded, joined, graph.Concatenate([]*graph.Node{largest, rounded}, 3), round(y, 1)); err != nil {
			t.Fatal(err)
		}
		program := g.Executable()
		defer program.Finalize()
		buffers, err := program.Execute(generated(t, backend, program, "pooling"), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range buffers {
			flat, err := b.Data()
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, slices.Clone(flat.([]uint8)))
		}
		if operations, err := engine.Operations(program); err == nil {
			for _, o := range operations {
				names = append(names, o.Name)
			}
		}
		return results, names
	}
	want, _ := run(theirs)
	for _, isa := range kernel.Available() {
		got, names := run(newBackend(t, "isa="+string(isa)))
		if slices.Contains(names, "go backend") {
			t.Errorf("%s: operations are %q", isa, names)
		}
		for i := range want {
			others := 0
			for j, v := range got[i] {
				if difference := int(v) - int(want[i][j]); difference < -1 || difference > 1 {
					t.Fatalf("%s: element %d of result %d is %d, want %d", isa, j, i, v, want[i][j])
				} else if difference != 0 {
					others++
				}
			}
			if others > len(want[i])/200 {
				t.Errorf("%s: %d of %d elements of result %d differ", isa, others, len(want[i]), i)
			}
		}
	}
}
