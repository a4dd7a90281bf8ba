package plan

import "fmt"

// A pass changes a plan.
type pass struct {
	Name string
	Why  string
	// After names the passes that have to come before, with the reason.
	After []order
	Run   func(*Plan) error
}

// An order is a pass that has to come before another.
type order struct{ pass, because string }

// The names of the passes.
const (
	passProjectFirst    = "project first"
	passComputeLate     = "compute late"
	passJoinSiblings    = "join siblings"
	passJoinElementwise = "join elementwise"
	passUpdateEarly     = "update early"
	passSplitImages     = "split images"
	passPlaceOutputs    = "place outputs"
	passUpdateInPlace   = "update in place"
	passWriteOver       = "write over"
	passChooseKernels   = "choose kernels"
	passDivideArena     = "divide the arena"
)

// passes is the table of passes, in the order in which they run. The first ones change
// which operations there are and their order, the next where results are put; the last ones
// choose how each operation is computed and divide the memory.
var passes = []pass{
	{
		Name: passProjectFirst, Run: projectFirst,
		Why: "a 1x1 convolution after average pooling goes before it, where it leaves fewer channels to sum",
	},
	{
		Name: passComputeLate, Run: computeLate,
		Why: "what is computed again for gradients is computed when they need it: so it takes no memory before",
		After: []order{
			{passProjectFirst, "that finds the convolution behind the pooling, and moves it to an earlier place"},
		},
	},
	{
		Name: passJoinSiblings, Run: joinSiblings,
		Why: "1x1 convolutions of the same pixels are one product, which reads each pixel once",
		After: []order{
			{passProjectFirst, "a projection that went first has siblings, and is none any more once it is joined"},
			{passComputeLate, "siblings stand where the first of them stood, which has to be as late as it can be"},
		},
	},
	{
		Name: passJoinElementwise, Run: joinElementwise,
		Why: "what is computed element by element of results that were is one pass over memory with them",
		After: []order{
			{passComputeLate, "what is joined is computed at the place of the last"},
		},
	},
	{
		Name: passUpdateEarly, Run: updateEarly,
		Why: "variables are updated as soon as their gradients are there, which then need not be kept",
		After: []order{
			{passJoinElementwise, "an update is moved as a whole"},
		},
	},
	{
		Name: passSplitImages, Run: splitImages,
		Why: "large images are computed one after the other: what an operation makes of one is in a cache for the next",
		After: []order{
			{passProjectFirst, "that finds operations by what alone reads a tensor, of which there would be several"},
			{passJoinSiblings, "siblings read an image once"},
			{passJoinElementwise, "what is joined is computed at the place of the last"},
		},
	},
	{
		Name: passPlaceOutputs, Run: placeOutputs,
		Why: "outputs are computed in their buffers, not copied there",
	},
	{
		Name: passUpdateInPlace, Run: updateInPlace,
		Why: "a variable is written over where the caller gives it away",
		After: []order{
			{passUpdateEarly, "that puts an update after all that reads the variable before it"},
			{passPlaceOutputs, "an output is written over an input only from a buffer of its own"},
		},
	},
	{
		Name: passWriteOver, Run: writeOver,
		Why: "results are written over operands that nothing needs any more: one stream of memory less",
		After: []order{
			{passSplitImages, "a result is over all images of what is not needed any more"},
			{passJoinElementwise, "joining drops operands that a result would be over"},
			{passUpdateEarly, "what is needed last depends on the order of the operations"},
			{passPlaceOutputs, "a result in a buffer stays there"},
		},
	},
	{
		Name: passChooseKernels, Run: chooseKernels,
		Why: "every operation gets the implementation that is the fastest for its shape",
		After: []order{
			{passJoinSiblings, "an operation that is replaced afterwards would have none"},
			{passJoinElementwise, "how much memory it needs depends on what it computes"},
			{passUpdateInPlace, "registers depend on what results are written over"},
			{passWriteOver, "registers depend on what results are written over"},
		},
	},
	{
		Name: passDivideArena, Run: divideArena,
		Why: "tensors that are not needed at the same time share memory",
		After: []order{
			{passPlaceOutputs, "what is in a buffer takes no place in the arena"},
			{passWriteOver, "what is over another lengthens the time for which that is needed"},
			{passChooseKernels, "implementations need memory in the arena too"},
		},
	},
}

// Build runs the passes over a plan.
func Build(p *Plan) error { return p.run(passes, nil) }

// BuildVerified is Build with [Verify] before the first pass and after each one.
func BuildVerified(p *Plan) error {
	if err := Verify(p); err != nil {
		return err
	}
	return p.run(passes, Verify)
}

// run runs passes, and after each one a check, if there is one.
func (p *Plan) run(passes []pass, check func(*Plan) error) error {
	for _, pass := range passes {
		if err := pass.Run(p); err != nil {
			return fmt.Errorf("cpu: the pass %q: %w", pass.Name, err)
		}
		p.done = append(p.done, pass.Name)
		if check == nil {
			continue
		}
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

// chooseKernels gives each operation its implementation.
func chooseKernels(p *Plan) error {
	for i, o := range p.Operations {
		chosen, err := p.Choose(o)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name(i), err)
		}
		o.Marked().Implementation = chosen
	}
	return nil
}
