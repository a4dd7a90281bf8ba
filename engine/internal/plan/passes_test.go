package plan

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

func image(channels int) *Tensor {
	return &Tensor{N: 1, H: 4, W: 4, C: channels, DType: dtypes.Float32}
}

func pointwiseOf(in *Tensor, channels int) *Convolution {
	return &Convolution{In: in, Out: image(channels), Window: kernel.Sliding(kernel.Square(1)), Bias: make([]float32, channels), ReLU: true}
}

// planOf is a plan of operations, with tensors as inputs and outputs.
func planOf(operations []Operation, inputs, outputs []*Tensor) *Plan {
	p := &Plan{Operations: operations}
	for i, t := range inputs {
		t.Place = Input{i}
		p.Inputs = append(p.Inputs, ProgramInput{Tensor: t})
	}
	for _, t := range outputs {
		p.Outputs = append(p.Outputs, ProgramOutput{Tensor: t})
	}
	return p
}

// after returns the operations that a pass leaves.
func after(t *testing.T, pass func(*Plan) error, operations []Operation, inputs, outputs []*Tensor) []Operation {
	t.Helper()
	p := planOf(operations, inputs, outputs)
	if err := pass(p); err != nil {
		t.Fatal(err)
	}
	return p.Operations
}

// TestJoinSiblings joins what reads the same pixels, and leaves the others as they are.
func TestJoinSiblings(t *testing.T) {
	x := image(8)
	first, second, third := pointwiseOf(x, 4), pointwiseOf(x, 5), pointwiseOf(x, 6)
	wide := pointwiseOf(x, 4)
	wide.Window.Kernel.X, wide.Out.W = 2, 3
	added := pointwiseOf(x, 4)
	added.Residual = first.Out
	trained := pointwiseOf(x, 4)
	trained.Kernel = image(4)
	next := pointwiseOf(first.Out, 4)
	got := after(t, joinSiblings, []Operation{first, wide, second, next, added, trained, third}, nil, nil)
	if len(got) != 5 {
		t.Fatalf("%d operations, want 5", len(got))
	}
	joined, ok := got[0].(*Siblings)
	if !ok || !slices.Equal(joined.Convolutions, []*Convolution{first, second, third}) {
		t.Fatalf("the first operation is %#v, want three siblings", got[0])
	}
	if !slices.Equal(got[1:], []Operation{wide, next, added, trained}) {
		t.Error("the others are not in their places")
	}
}

func TestProjectFirst(t *testing.T) {
	type graph struct {
		pool    *Pooling
		project *Convolution
		outputs []*Tensor
		more    []Operation
	}
	for name, c := range map[string]struct {
		change func(*graph)
		want   bool
	}{
		"fewer channels":             {func(*graph) {}, true},
		"as many channels":           {func(g *graph) { g.project.Out.C = 8 }, false},
		"a maximum":                  {func(g *graph) { g.pool.Maximum = true }, false},
		"fewer pixels":               {func(g *graph) { g.pool.Out.H = 2; g.project.Out.H = 2 }, false},
		"sums are an output":         {func(g *graph) { g.outputs = append(g.outputs, g.pool.Out) }, false},
		"sums are read twice":        {func(g *graph) { g.more = []Operation{pointwiseOf(g.pool.Out, 3)} }, false},
		"sums are a part of a whole": {func(g *graph) { g.pool.Out.Place = Part{Of: image(9)} }, false},
		"weights are trained":        {func(g *graph) { g.project.Kernel = image(4) }, false},
		"a residual is added":        {func(g *graph) { g.project.Residual = image(4) }, false},
	} {
		g := &graph{pool: &Pooling{In: image(8), Out: image(8)}}
		g.pool.Again = true
		g.project = pointwiseOf(g.pool.Out, 4)
		g.outputs = []*Tensor{g.project.Out}
		c.change(g)
		operations := after(t, projectFirst, append([]Operation{g.pool, g.project}, g.more...), nil, g.outputs)
		projected, ok := operations[0].(*Convolution)
		if ok != c.want {
			t.Errorf("%s: the convolution goes first: %t, want %t", name, ok, c.want)
		}
		if !ok {
			continue
		}
		pooled := operations[1].(*Pooling)
		if projected.In != g.pool.In || projected.Out != pooled.In || pooled.Out != g.project.Out || projected.Out.C != 4 {
			t.Errorf("%s: the operations do not follow each other", name)
		}
		if projected.Bias != nil || projected.ReLU || pooled.Bias == nil || !pooled.ReLU {
			t.Errorf("%s: what follows the convolution is not done to the sums alone", name)
		}
		if !pooled.Again || projected.Again {
			t.Errorf("%s: the marks did not stay with their operations", name)
		}
	}
}

// TestJoinTrainedSiblings joins convolutions whose weights are inputs, with each other
// alone.
func TestJoinTrainedSiblings(t *testing.T) {
	x := image(8)
	var inputs []*Tensor
	trained := func() *Convolution {
		c := pointwiseOf(x, 4)
		c.Kernel = image(4)
		inputs = append(inputs, c.Kernel)
		return c
	}
	first, constant, second := trained(), pointwiseOf(x, 4), trained()
	got := after(t, joinSiblings, []Operation{first, constant, second}, inputs, nil)
	if len(got) != 2 || got[1] != Operation(constant) {
		t.Fatalf("operations are %#v, want two siblings and one convolution", got)
	}
	joined, ok := got[0].(*Siblings)
	if !ok || !slices.Equal(joined.Convolutions, []*Convolution{first, second}) {
		t.Fatalf("the first operation is %#v, want two siblings", got[0])
	}
	if !slices.Equal(joined.Reads(), []*Tensor{x, first.Kernel, second.Kernel}) {
		t.Error("siblings do not say what they read")
	}
}

// TestJoinNothingComputedAgain leaves convolutions that are computed again for gradients
// apart from what was computed of the same pixels at first.
func TestJoinNothingComputedAgain(t *testing.T) {
	x := image(8)
	var all []Operation
	for i := range 4 {
		all = append(all, pointwiseOf(x, 4))
		all[i].Marked().Again = i >= 2
	}
	got := after(t, joinSiblings, all, nil, nil)
	if len(got) != 2 {
		t.Fatalf("%d operations, want two pairs of siblings", len(got))
	}
	for i, o := range got {
		joined, ok := o.(*Siblings)
		if !ok || len(joined.Convolutions) != 2 || Operation(joined.Convolutions[0]) != all[2*i] || Operation(joined.Convolutions[1]) != all[2*i+1] {
			t.Fatalf("operation %d is %#v, want a pair of siblings", i, o)
		}
		if joined.Again != (i == 1) {
			t.Errorf("the pair %d is computed again: %t", i, joined.Again)
		}
	}
}

// TestComputeLate moves what is computed again before its first reader, with what only
// that reads, unless an operand would have to be kept for it.
func TestComputeLate(t *testing.T) {
	x, dy := image(8), image(8)
	first := pointwiseOf(x, 8)
	second := pointwiseOf(first.Out, 8)
	other := pointwiseOf(dy, 8)
	gradientOf := func(in *Tensor) Operation { return &WeightGradient{In: in, Gradient: other.Out, To: image(8)} }
	use, useFirst, useX := gradientOf(second.Out), gradientOf(first.Out), gradientOf(x)
	for name, c := range map[string]struct {
		operations []Operation
		again      []Operation
		want       []Operation
	}{
		"a chain":                {[]Operation{first, second, other, use, useFirst, useX}, []Operation{first, second}, []Operation{other, first, second, use, useFirst, useX}},
		"the first reads once":   {[]Operation{first, second, other, use, useFirst}, []Operation{first, second}, []Operation{first, other, second, use, useFirst}},
		"nothing is again":       {[]Operation{first, second, other, use, useFirst, useX}, nil, []Operation{first, second, other, use, useFirst, useX}},
		"nothing reads the last": {[]Operation{first, second, other}, []Operation{second}, []Operation{first, second, other}},
	} {
		for _, o := range c.operations {
			o.Marked().Again = slices.Contains(c.again, o)
		}
		if got := after(t, computeLate, c.operations, nil, nil); !slices.Equal(got, c.want) {
			t.Errorf("%s: the order is %#v, want %#v", name, got, c.want)
		}
	}
}

// sumOf is an elementwise with the sum of two tensors, or the difference.
func sumOf(op kernel.ElementOp, a, b *Tensor) *Elementwise {
	return &Elementwise{
		Dims: a.Dims(), Operands: []Operand{{Tensor: a}, {Tensor: b}},
		Code:    []Instruction{{op, 0, 1, 0}},
		Results: []Result{{Register: 2, Tensor: image(a.C)}},
	}
}

// TestJoinElementwise computes an update, whose parts are outputs, in one pass; a value
// that something else reads before stays where it is.
func TestJoinElementwise(t *testing.T) {
	gradient, slot, weight := image(8), image(8), image(8)
	moved := sumOf(kernel.Add, slot, gradient)
	updated := sumOf(kernel.Sub, weight, moved.Results[0].Tensor)
	outputs := []*Tensor{moved.Results[0].Tensor, updated.Results[0].Tensor}
	got := after(t, joinElementwise, []Operation{moved, updated}, nil, outputs)
	if len(got) != 1 {
		t.Fatalf("%d operations, want 1", len(got))
	}
	e := got[0].(*Elementwise)
	if len(e.Operands) != 3 || len(e.Code) != 2 || !slices.Equal(e.Writes(), outputs) {
		t.Fatalf("joined are %d operands, %d instructions, %d results", len(e.Operands), len(e.Code), len(e.Results))
	}
	add, sub := e.Code[0], e.Code[1]
	if e.Operands[add.A].Tensor != slot || e.Operands[add.B].Tensor != gradient || e.Operands[sub.A].Tensor != weight || sub.B != len(e.Operands) {
		t.Errorf("instructions are %v of other operands", e.Code)
	}

	first := sumOf(kernel.Add, slot, gradient)
	reader := pointwiseOf(first.Results[0].Tensor, 4)
	second := sumOf(kernel.Sub, weight, first.Results[0].Tensor)
	if got := after(t, joinElementwise, []Operation{first, reader, second}, nil, []*Tensor{second.Results[0].Tensor}); len(got) != 3 {
		t.Errorf("%d operations, want 3: the first is read before the last", len(got))
	}
	alone := sumOf(kernel.Add, slot, gradient)
	last := sumOf(kernel.Sub, weight, alone.Results[0].Tensor)
	got = after(t, joinElementwise, []Operation{alone, last}, nil, []*Tensor{last.Results[0].Tensor})
	if e := got[0].(*Elementwise); len(got) != 1 || len(e.Results) != 1 {
		t.Errorf("a value that nothing else reads is kept: %d results", len(e.Results))
	}
}

// TestUpdateEarly moves an update before what comes after its gradient and after the
// last that reads the variable, and leaves activations where they are.
func TestUpdateEarly(t *testing.T) {
	x, weight, dy := image(8), image(4), image(4)
	gradient := &WeightGradient{In: x, Gradient: dy, To: image(4)}
	gradient.To.Dense = true
	back := pointwiseOf(dy, 8)
	back.Kernel = weight
	later := pointwiseOf(x, 4)
	activation := sumOf(kernel.Add, later.Out, dy)
	update := sumOf(kernel.Sub, weight, gradient.To)
	got := after(t, updateEarly, []Operation{gradient, back, later, activation, update}, []*Tensor{weight}, []*Tensor{update.Results[0].Tensor})
	if !slices.Equal(got, []Operation{gradient, back, update, later, activation}) {
		t.Errorf("the order is %#v", got)
	}
}

// TestUpdateInPlace lets an output be over an input that nothing reads later.
func TestUpdateInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		before, after bool // the variable is read
		want          bool
	}{
		"read before": {before: true, want: true},
		"read after":  {after: true},
	} {
		weight, gradient := image(8), image(8)
		update := sumOf(kernel.Sub, weight, gradient)
		operations := []Operation{update}
		if c.before {
			operations = append([]Operation{pointwiseOf(weight, 4)}, operations...)
		}
		if c.after {
			operations = append(operations, pointwiseOf(weight, 4))
		}
		p := planOf(operations, []*Tensor{weight}, []*Tensor{update.Results[0].Tensor})
		if err := placeOutputs(p); err != nil {
			t.Fatal(err)
		}
		if err := updateInPlace(p); err != nil {
			t.Fatal(err)
		}
		place := p.Outputs[0].Tensor.Place.(Output)
		if (place.Over == weight) != c.want || place.Over != nil && !c.want {
			t.Errorf("%s: the output may be over %v, want over the input: %t", name, place.Over, c.want)
		}
	}
}

// TestWriteOver writes a sum over the first of its operands that is not needed any more.
func TestWriteOver(t *testing.T) {
	type graph struct {
		a, b, to *Tensor
		o        Operation
		after    []Operation
		outputs  []*Tensor
	}
	sum := func(g *graph) { g.o = sumOf(kernel.Add, g.a, g.b); g.to = g.o.Writes()[0] }
	reader := func(v *Tensor) []Operation { return []Operation{pointwiseOf(v, 4)} }
	const neither, first, second = 0, 1, 2
	for name, c := range map[string]struct {
		change func(*graph)
		want   int
	}{
		"both end":                  {func(g *graph) {}, first},
		"one is read later":         {func(g *graph) { g.after = reader(g.a) }, second},
		"both are read later":       {func(g *graph) { g.after = append(reader(g.a), reader(g.b)...) }, neither},
		"one is an output":          {func(g *graph) { g.outputs = []*Tensor{g.a} }, second},
		"one is in a buffer":        {func(g *graph) { g.a.Place = Input{} }, second},
		"one is a part of a whole":  {func(g *graph) { g.a.Place = Part{Of: image(9)} }, second},
		"one is of another type":    {func(g *graph) { g.a.DType = dtypes.BFloat16 }, second},
		"one thing twice":           {func(g *graph) { g.b = g.a; sum(g) }, neither},
		"two in the same memory":    {func(g *graph) { g.a.Place = Over{g.b} }, neither},
		"the sum is a part":         {func(g *graph) { g.to.Place = Part{Of: image(9)} }, neither},
		"the sum is in a buffer":    {func(g *graph) { g.to.Place = Output{} }, neither},
		"the sum has no gaps":       {func(g *graph) { g.to.Dense, g.b.Dense = true, true }, second},
		"a convolution, residual":   {func(g *graph) { convolve(&g.o, g.a, g.b, g.to) }, second},
		"a convolution, read later": {func(g *graph) { convolve(&g.o, g.a, g.b, g.to); g.after = reader(g.b) }, neither},
	} {
		g := &graph{a: image(8), b: image(8)}
		sum(g)
		c.change(g)
		after(t, writeOver, append([]Operation{g.o}, g.after...), nil, g.outputs)
		got := neither
		if over, ok := g.to.Place.(Over); ok {
			if got = second; over.Of == g.a {
				got = first
			}
		}
		if got != c.want {
			t.Errorf("%s: the sum is over operand %d, want %d", name, got, c.want)
		}
		if e, ok := g.o.(*Elementwise); ok {
			if operand, over := e.Overwritten(0); over != (c.want != neither) || over && operand+1 != c.want {
				t.Errorf("%s: the instructions take operand %d for overwritten, want %d", name, operand+1, c.want)
			}
		}
	}

	// What takes the place of an operand is needed as long as itself.
	for _, later := range []bool{true, false} {
		one := sumOf(kernel.Add, image(8), image(8))
		y := one.Results[0].Tensor
		two := sumOf(kernel.Add, y, image(8))
		two.Operands[1].Tensor.Place = Input{}
		operations := []Operation{one, two}
		if later {
			operations = append(operations, reader(y)...)
		}
		after(t, writeOver, operations, nil, nil)
		if over := two.Results[0].Tensor.Place == (Over{y}); y.Place == nil || over == later {
			t.Errorf("a sum that is read later, %t, is written over: %t", later, over)
		}
	}
}

// convolve makes an operation the convolution of a tensor added to another.
func convolve(o *Operation, in, residual, to *Tensor) {
	c := pointwiseOf(in, 8)
	c.Residual, c.Out = residual, to
	*o = c
}
