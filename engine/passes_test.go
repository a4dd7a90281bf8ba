package engine

import (
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

func image(channels int) *tensor { return &tensor{n: 1, h: 4, w: 4, c: channels} }

func pointwiseOf(in *tensor, channels int) *convolution {
	return &convolution{
		in: in, out: image(channels), height: 1, width: 1,
		strideY: 1, strideX: 1, spreadY: 1, spreadX: 1, holeY: 1, holeX: 1,
		bias: make([]float32, channels), relu: true,
	}
}

// TestJoinSiblings joins what reads the same pixels, and leaves the others as they are.
func TestJoinSiblings(t *testing.T) {
	x := image(8)
	first, second, third := pointwiseOf(x, 4), pointwiseOf(x, 5), pointwiseOf(x, 6)
	wide := pointwiseOf(x, 4)
	wide.width, wide.out.w = 2, 3
	added := pointwiseOf(x, 4)
	added.residual = first.out
	trained := pointwiseOf(x, 4)
	trained.kernel = image(4)
	after := pointwiseOf(first.out, 4)
	got := joinSiblings([]operation{first, wide, second, after, added, trained, third}, nil, nil)
	if len(got) != 5 {
		t.Fatalf("%d operations, want 5", len(got))
	}
	joined, ok := got[0].(*siblings)
	if !ok || len(joined.convolutions) != 3 {
		t.Fatalf("the first operation is %#v, want three siblings", got[0])
	}
	for i, want := range []*convolution{first, second, third} {
		if joined.convolutions[i] != want {
			t.Errorf("sibling %d is not in its place", i)
		}
	}
	for i, want := range []operation{wide, after, added, trained} {
		if got[1+i] != want {
			t.Errorf("operation %d is not in its place", 1+i)
		}
	}
}

func TestProjectFirst(t *testing.T) {
	type graph struct {
		pool    *pooling
		project *convolution
		outputs []*tensor
		more    []operation
	}
	for name, c := range map[string]struct {
		change func(*graph)
		want   bool
	}{
		"fewer channels":             {func(*graph) {}, true},
		"as many channels":           {func(g *graph) { g.project.out.c = 8 }, false},
		"a maximum":                  {func(g *graph) { g.pool.maximum = true }, false},
		"fewer pixels":               {func(g *graph) { g.pool.out.h = 2; g.project.out.h = 2 }, false},
		"sums are an output":         {func(g *graph) { g.outputs = append(g.outputs, g.pool.out) }, false},
		"sums are read twice":        {func(g *graph) { g.more = []operation{pointwiseOf(g.pool.out, 3)} }, false},
		"sums are a part of a whole": {func(g *graph) { g.pool.out.within = image(9) }, false},
		"weights are trained":        {func(g *graph) { g.project.kernel = image(4) }, false},
		"a residual is added":        {func(g *graph) { g.project.residual = image(4) }, false},
	} {
		g := &graph{pool: &pooling{in: image(8), out: image(8)}}
		g.project = pointwiseOf(g.pool.out, 4)
		g.outputs = []*tensor{g.project.out}
		c.change(g)
		operations := append([]operation{g.pool, g.project}, g.more...)
		projectFirst(operations, g.outputs)
		projected, ok := operations[0].(*convolution)
		if ok != c.want {
			t.Errorf("%s: the convolution goes first: %t, want %t", name, ok, c.want)
		}
		if !ok {
			continue
		}
		pooled := operations[1].(*pooling)
		if projected.in != g.pool.in || projected.out != pooled.in || pooled.out != g.project.out || projected.out.c != 4 {
			t.Errorf("%s: the operations do not follow each other", name)
		}
		if projected.bias != nil || projected.relu || pooled.bias == nil || !pooled.relu {
			t.Errorf("%s: what follows the convolution is not done to the sums alone", name)
		}
	}
}

// TestJoinTrainedSiblings joins convolutions whose weights are inputs, with each other
// alone.
func TestJoinTrainedSiblings(t *testing.T) {
	x := image(8)
	var inputs []*tensor
	trained := func() *convolution {
		c := pointwiseOf(x, 4)
		c.kernel = image(4)
		inputs = append(inputs, c.kernel)
		return c
	}
	first, constant, second := trained(), pointwiseOf(x, 4), trained()
	got := joinSiblings([]operation{first, constant, second}, inputs, nil)
	if len(got) != 2 || got[1] != operation(constant) {
		t.Fatalf("operations are %#v, want two siblings and one convolution", got)
	}
	joined, ok := got[0].(*siblings)
	if !ok || !slices.Equal(joined.convolutions, []*convolution{first, second}) {
		t.Fatalf("the first operation is %#v, want two siblings", got[0])
	}
	if !slices.Equal(joined.reads(), []*tensor{x, first.kernel, second.kernel}) {
		t.Error("siblings do not say what they read")
	}
}

// TestJoinNothingComputedAgain leaves convolutions that are computed again for gradients
// apart from what was computed of the same pixels at first.
func TestJoinNothingComputedAgain(t *testing.T) {
	x := image(8)
	var all []operation
	for range 4 {
		all = append(all, pointwiseOf(x, 4))
	}
	got := joinSiblings(all, nil, map[operation]bool{all[2]: true, all[3]: true})
	if len(got) != 2 {
		t.Fatalf("%d operations, want two pairs of siblings", len(got))
	}
	for i, o := range got {
		joined, ok := o.(*siblings)
		if !ok || len(joined.convolutions) != 2 || operation(joined.convolutions[0]) != all[2*i] || operation(joined.convolutions[1]) != all[2*i+1] {
			t.Errorf("operation %d is %#v, want a pair of siblings", i, o)
		}
	}
}

// TestComputeLate moves what is computed again before its first reader, with what only
// that reads, unless an operand would have to be kept for it.
func TestComputeLate(t *testing.T) {
	x, dy := image(8), image(8)
	first := pointwiseOf(x, 8)
	second := pointwiseOf(first.out, 8)
	other := pointwiseOf(dy, 8)
	use := &weightGradient{geometry: &convolution{in: second.out, out: other.out}, to: image(8)}
	useFirst := &weightGradient{geometry: &convolution{in: first.out, out: other.out}, to: image(8)}
	useX := &weightGradient{geometry: &convolution{in: x, out: other.out}, to: image(8)}
	for name, c := range map[string]struct {
		operations []operation
		again      []operation
		want       []operation
	}{
		"a chain":                {[]operation{first, second, other, use, useFirst, useX}, []operation{first, second}, []operation{other, first, second, use, useFirst, useX}},
		"the first reads once":   {[]operation{first, second, other, use, useFirst}, []operation{first, second}, []operation{first, other, second, use, useFirst}},
		"nothing is again":       {[]operation{first, second, other, use, useFirst, useX}, nil, []operation{first, second, other, use, useFirst, useX}},
		"nothing reads the last": {[]operation{first, second, other}, []operation{second}, []operation{first, second, other}},
	} {
		again := map[operation]bool{}
		for _, o := range c.again {
			again[o] = true
		}
		if got := computeLate(c.operations, again); !slices.Equal(got, c.want) {
			t.Errorf("%s: the order is %#v, want %#v", name, got, c.want)
		}
	}
}

// sumOf is an elementwise with the sum of two tensors, or the difference.
func sumOf(op kernel.ElementOp, a, b *tensor) *elementwise {
	return &elementwise{
		pixels: a.dims(), operands: []operand{{tensor: a}, {tensor: b}},
		code:    []instruction{{op, 0, 1, 0}},
		results: []result{{register: 2, tensor: image(a.c)}},
	}
}

// TestJoinElementwise computes an update, whose parts are outputs, in one pass; a value
// that something else reads before stays where it is.
func TestJoinElementwise(t *testing.T) {
	gradient, slot, weight := image(8), image(8), image(8)
	moved := sumOf(kernel.Add, slot, gradient)
	updated := sumOf(kernel.Sub, weight, moved.results[0].tensor)
	outputs := []*tensor{moved.results[0].tensor, updated.results[0].tensor}
	got := joinElementwise([]operation{moved, updated}, outputs)
	if len(got) != 1 {
		t.Fatalf("%d operations, want 1", len(got))
	}
	e := got[0].(*elementwise)
	if len(e.operands) != 3 || len(e.code) != 2 || !slices.Equal(e.writes(), outputs) {
		t.Fatalf("joined are %d operands, %d instructions, %d results", len(e.operands), len(e.code), len(e.results))
	}
	add, sub := e.code[0], e.code[1]
	if e.operands[add.a].tensor != slot || e.operands[add.b].tensor != gradient || e.operands[sub.a].tensor != weight || sub.b != len(e.operands) {
		t.Errorf("instructions are %v of other operands", e.code)
	}

	first := sumOf(kernel.Add, slot, gradient)
	reader := pointwiseOf(first.results[0].tensor, 4)
	second := sumOf(kernel.Sub, weight, first.results[0].tensor)
	if got := joinElementwise([]operation{first, reader, second}, []*tensor{second.results[0].tensor}); len(got) != 3 {
		t.Errorf("%d operations, want 3: the first is read before the last", len(got))
	}
	alone := sumOf(kernel.Add, slot, gradient)
	last := sumOf(kernel.Sub, weight, alone.results[0].tensor)
	got = joinElementwise([]operation{alone, last}, []*tensor{last.results[0].tensor})
	if e := got[0].(*elementwise); len(got) != 1 || len(e.results) != 1 {
		t.Errorf("a value that nothing else reads is kept: %d results", len(e.results))
	}
}

// TestUpdateEarly moves an update before what comes after its gradient and after the
// last that reads the variable, and leaves activations where they are.
func TestUpdateEarly(t *testing.T) {
	x, weight, dy := image(8), image(4), image(4)
	gradient := &weightGradient{geometry: &convolution{in: x, out: dy}, to: image(4)}
	gradient.to.dense = true
	back := pointwiseOf(dy, 8)
	back.kernel = weight
	later := pointwiseOf(x, 4)
	activation := sumOf(kernel.Add, later.out, dy)
	update := sumOf(kernel.Sub, weight, gradient.to)
	got := updateEarly([]operation{gradient, back, later, activation, update}, []*tensor{weight}, []*tensor{update.results[0].tensor})
	if !slices.Equal(got, []operation{gradient, back, update, later, activation}) {
		t.Errorf("the order is %#v", got)
	}
}

// TestUpdateInPlace lets an output be over an input that nothing reads later.
func TestUpdateInPlace(t *testing.T) {
	weight, gradient := image(8), image(8)
	update := sumOf(kernel.Sub, weight, gradient)
	reader := pointwiseOf(weight, 4)
	for name, c := range map[string]struct {
		operations []operation
		want       int
	}{
		"read before": {[]operation{reader, update}, 1},
		"read after":  {[]operation{update, reader}, 0},
	} {
		weight.buffer, update.results[0].tensor.buffer, update.results[0].over = 0, 0, 0
		p := &program{inputs: []*tensor{weight}, outputs: []output{{tensor: update.results[0].tensor}}}
		p.shapes = append(p.shapes, p.outputs[0].shape)
		p.placeOutputs()
		p.updateInPlace(c.operations)
		if p.outputs[0].over != c.want {
			t.Errorf("%s: the output may be over input %d, want %d", name, p.outputs[0].over, c.want)
		}
	}
}

// TestWriteOver writes a sum over the first of its operands that is not needed any more.
func TestWriteOver(t *testing.T) {
	type graph struct {
		a, b, to *tensor
		o        operation
		after    []operation
		outputs  []*tensor
	}
	sum := func(g *graph) { g.o = sumOf(kernel.Add, g.a, g.b); g.to = g.o.writes()[0] }
	reader := func(v *tensor) []operation { return []operation{pointwiseOf(v, 4)} }
	const neither, first, second = 0, 1, 2
	for name, c := range map[string]struct {
		change func(*graph)
		want   int
	}{
		"both end":                  {func(g *graph) {}, first},
		"one is read later":         {func(g *graph) { g.after = reader(g.a) }, second},
		"both are read later":       {func(g *graph) { g.after = append(reader(g.a), reader(g.b)...) }, neither},
		"one is an output":          {func(g *graph) { g.outputs = []*tensor{g.a} }, second},
		"one is in a buffer":        {func(g *graph) { g.a.buffer = 1 }, second},
		"one is a part of a whole":  {func(g *graph) { g.a.within = image(9) }, second},
		"one thing twice":           {func(g *graph) { g.b = g.a; sum(g) }, neither},
		"two in the same memory":    {func(g *graph) { g.a.within = g.b }, neither},
		"the sum is a part":         {func(g *graph) { g.to.within = image(9) }, neither},
		"the sum is in a buffer":    {func(g *graph) { g.to.buffer = 1 }, neither},
		"the sum has no gaps":       {func(g *graph) { g.to.dense, g.b.dense = true, true }, second},
		"a convolution, residual":   {func(g *graph) { convolve(&g.o, g.a, g.b, g.to) }, second},
		"a convolution, read later": {func(g *graph) { convolve(&g.o, g.a, g.b, g.to); g.after = reader(g.b) }, neither},
	} {
		g := &graph{a: image(8), b: image(8)}
		sum(g)
		c.change(g)
		of := g.to.within
		writeOver(append([]operation{g.o}, g.after...), g.outputs)
		got := neither
		switch g.to.within {
		case of:
		case g.a:
			got = first
		case g.b:
			got = second
		}
		if got != c.want {
			t.Errorf("%s: the sum is over operand %d, want %d", name, got, c.want)
		}
		if e, ok := g.o.(*elementwise); ok && e.results[0].over != c.want {
			t.Errorf("%s: the instructions take operand %d for overwritten, want %d", name, e.results[0].over, c.want)
		}
	}

	// What takes the place of an operand is needed as long as itself.
	for _, later := range []bool{true, false} {
		one := sumOf(kernel.Add, image(8), image(8))
		y := one.results[0].tensor
		two := sumOf(kernel.Add, y, image(8))
		two.operands[1].tensor.buffer = 1
		operations := []operation{one, two}
		if later {
			operations = append(operations, reader(y)...)
		}
		writeOver(operations, nil)
		if over := two.results[0].tensor.within == y; y.within == nil || over == later {
			t.Errorf("a sum that is read later, %t, is written over: %t", later, over)
		}
	}
}

// convolve makes an operation the convolution of a tensor added to another.
func convolve(o *operation, in, residual, to *tensor) {
	c := pointwiseOf(in, 8)
	c.residual, c.out = residual, to
	*o = c
}
