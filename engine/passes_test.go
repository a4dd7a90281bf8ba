package engine

import "testing"

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
	got := joinSiblings([]operation{first, wide, second, after, added, trained, third})
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
