package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// working is an implementation that needs memory.
type working struct{ memory *Tensor }

func (w *working) Workspace() []*Tensor { return []*Tensor{w.memory} }

// everyPass is a plan that each pass changes: a pooling before a projection that has a
// sibling, a residual sum, sums that are computed element by element one after the other,
// something that is computed again, and the update of a variable.
func everyPass() *Plan {
	x, weight := image(8), image(4)
	pool := &Pooling{In: x, Out: image(8), Window: kernel.Sliding(kernel.Square(1))}
	projected, sibling := pointwiseOf(pool.Out, 4), pointwiseOf(x, 4)
	whole := image(8)
	projected.Out.Place, sibling.Out.Place = Part{whole, 0}, Part{whole, 4}
	added := pointwiseOf(whole, 8)
	other := pointwiseOf(whole, 8)
	added.Residual = other.Out
	again := pointwiseOf(added.Out, 8)
	again.Again = true
	first := sumOf(kernel.Add, added.Out, other.In)
	second := sumOf(kernel.Mul, first.Results[0].Tensor, image(8))
	second.Operands[1] = Operand{Values: []float32{2}, Broadcast: Scalar}
	gradient := &WeightGradient{In: x, Gradient: again.Out, To: image(4)}
	gradient.To.Dense = true
	back := pointwiseOf(second.Results[0].Tensor, 4)
	update := sumOf(kernel.Sub, weight, gradient.To)
	p := planOf([]Operation{pool, projected, sibling, other, added, again, first, second, gradient, back, update},
		[]*Tensor{x, weight}, []*Tensor{update.Results[0].Tensor, back.Out})
	p.Choose = func(o Operation) (Implementation, error) { return &working{Workspace(1000)}, nil }
	return p
}

func TestVerify(t *testing.T) {
	p := everyPass()
	if err := BuildVerified(p); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Operations, func(o Operation) bool { _, ok := o.(*Siblings); return ok }) {
		t.Error("there are no siblings")
	}
	if over := p.Outputs[0].Tensor.Place.(Output).Over; over != p.Inputs[1].Tensor {
		t.Errorf("the variable is updated over %v", over)
	}
	joined, over := false, false
	for _, o := range p.Operations {
		e, ok := o.(*Elementwise)
		joined = joined || ok && len(e.Code) == 2
		for _, to := range o.Writes() {
			_, ok := to.Place.(Over)
			over = over || ok
		}
	}
	if !joined || !over {
		t.Errorf("operations are joined: %t, written over: %t", joined, over)
	}
}

// swapped is the table of passes with two rows exchanged.
func swapped(a, b string) []pass {
	at := func(name string) int {
		return slices.IndexFunc(passes, func(p pass) bool { return p.Name == name })
	}
	passes := slices.Clone(passes)
	i, j := at(a), at(b)
	passes[i], passes[j] = passes[j], passes[i]
	return passes
}

// TestOrderOfPasses exchanges every two passes of which one has to come after the other:
// Verify says so in a sentence that names both.
func TestOrderOfPasses(t *testing.T) {
	for _, later := range passes {
		for _, order := range later.After {
			err := everyPass().run(swapped(order.pass, later.Name), Verify)
			if err == nil || !strings.Contains(err.Error(), `"`+later.Name+`"`) || !strings.Contains(err.Error(), `"`+order.pass+`"`) {
				t.Errorf("%q before %q: error is %v, want one that names both", later.Name, order.pass, err)
			}
			t.Logf("%v", err)
		}
	}
}

// TestSwappedPassesShow exchanges passes and looks at the plan alone, not at what the table
// says of their order.
func TestSwappedPassesShow(t *testing.T) {
	for _, c := range []struct{ earlier, later, want string }{
		{passJoinElementwise, passWriteOver, "should be in its buffer"},
		{passJoinSiblings, passChooseKernels, "has no implementation"},
		{passPlaceOutputs, passWriteOver, "should be in its buffer"},
		{passPlaceOutputs, passDivideArena, "has no place in the arena"},
		{passChooseKernels, passDivideArena, "has no place in the arena"},
	} {
		err := everyPass().run(swapped(c.earlier, c.later), (*Plan).verifyState)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q before %q: error is %v, want one with %q", c.later, c.earlier, err, c.want)
		}
		t.Logf("%v", err)
	}
	// Joining after results were written over drops what they are over.
	p := everyPass()
	first, second := p.Operations[6].(*Elementwise), p.Operations[7].(*Elementwise)
	p.Operations = slices.Delete(p.Operations, 5, 6)
	second.Results[0].Tensor.Place = Over{first.Results[0].Tensor}
	if err := joinElementwise(p); err != nil {
		t.Fatal(err)
	}
	if err := p.verifyState(); err == nil || !strings.Contains(err.Error(), "does not alone read element by element") {
		t.Errorf("joining after writing over: error is %v", err)
	}
}

// TestVerifyFinds spoils a plan that is ready.
func TestVerifyFinds(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *Plan)
		want  string
	}{
		"an operation left away": {func(p *Plan) { p.Operations = p.Operations[1:] }, "which nothing has written"},
		"another order":          {func(p *Plan) { slices.Reverse(p.Operations) }, "which nothing has written"},
		"a part outside":         {func(p *Plan) { inArena(p).Place = Part{Of: image(8), Channel: 1} }, "is channels 1 to 9 of"},
		"a part of another type": {func(p *Plan) {
			of := image(8)
			of.DType = dtypes.BFloat16
			inArena(p).Place = Part{Of: of}
		}, "is channels 0 to 8 of"},
		"no place":                {func(p *Plan) { inArena(p).Place = nil }, "has no place in the arena"},
		"the same place":          {func(p *Plan) { everyArena(p, 0) }, "overlap in the arena"},
		"in the middle of a line": {func(p *Plan) { inArena(p).Place = Arena{4} }, "should begin a cache line"},
		"two parts at one place": {func(p *Plan) {
			for _, t := range p.tensors() {
				if part, ok := t.Place.(Part); ok && part.Channel > 0 {
					t.Place = Part{Of: part.Of}
				}
			}
		}, "where there is something already"},
		"a result in an input": {func(p *Plan) {
			t := inArena(p)
			t.Place = Input{len(p.Inputs)}
			p.Inputs = append(p.Inputs, ProgramInput{Tensor: t})
		}, "where there is something already"},
		"an alias of what was written over": {func(p *Plan) {
			for at, o := range p.Operations {
				for _, t := range o.Writes() {
					if over, ok := t.Place.(Over); ok {
						alias := image(t.C)
						alias.Place = Part{Of: over.Of}
						p.Operations[at+1].(*Convolution).In = alias
						return
					}
				}
			}
		}, "has written over"},
		"an input that is returned": {func(p *Plan) {
			p.Outputs = append(p.Outputs, ProgramOutput{Buffered: &Buffered{Name: "w", Input: 1}})
		}, "has written over"},
		"outside of the arena": {func(p *Plan) { inArena(p).Place = Arena{p.Arena} }, "of an arena of"},
		"no implementation":    {func(p *Plan) { p.Operations[2].Marked().Implementation = nil }, "has no implementation"},
		"a late reader": {func(p *Plan) {
			late := pointwiseOf(p.Inputs[1].Tensor, 4)
			late.Out.Place = Arena{p.Arena}
			late.Implementation = &working{Workspace(1)}
			late.Implementation.Workspace()[0].Place = Arena{p.Arena + late.Out.Bytes()}
			p.Arena += late.Out.Bytes() + 64
			p.Operations = append(p.Operations, late)
		}, "has written over"},
		"a buffer that nothing makes": {func(p *Plan) {
			p.Outputs = append(p.Outputs, ProgramOutput{Buffered: &Buffered{Name: "Sort", Input: -1}})
		}, "a buffer of Sort"},
	} {
		p := everyPass()
		if err := Build(p); err != nil {
			t.Fatal(err)
		}
		c.spoil(p)
		if err := Verify(p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}

// inArena is a tensor of 8 channels with memory of its own in the arena.
func inArena(p *Plan) *Tensor {
	for _, s := range p.lifetimes() {
		if s.tensor.C == 8 {
			return s.tensor
		}
	}
	panic("there is none")
}

func everyArena(p *Plan, offset int) {
	for _, s := range p.lifetimes() {
		s.tensor.Place = Arena{offset}
	}
}
