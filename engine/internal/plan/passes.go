package plan

import "fmt"

// A Pass changes a plan.
type Pass struct {
	Name string
	Why  string
	// After names the passes that have to come before, with the reason.
	After []Order
	Run   func(*Plan) error
}

// An Order is a pass that has to come before another.
type Order struct{ Pass, Because string }

// The names of the passes.
const (
	ProjectFirst    = "project first"
	ComputeLate     = "compute late"
	JoinSiblings    = "join siblings"
	JoinElementwise = "join elementwise"
	UpdateEarly     = "update early"
	PlaceOutputs    = "place outputs"
	UpdateInPlace   = "update in place"
	WriteOver       = "write over"
	ChooseKernels   = "choose kernels"
	DivideArena     = "divide the arena"
)

// Passes is the table of passes, in the order in which they run. The first ones change
// which operations there are and their order, the next where results are put; the last ones
// choose how each operation is computed and divide the memory.
var Passes = []Pass{
	{
		Name: ProjectFirst, Run: projectFirst,
		Why: "a 1x1 convolution after average pooling goes before it, where it leaves fewer channels to sum",
	},
	{
		Name: ComputeLate, Run: computeLate,
		Why: "what is computed again for gradients is computed when they need it: so it takes no memory before",
		After: []Order{
			{ProjectFirst, "that finds the convolution behind the pooling, and moves it to an earlier place"},
		},
	},
	{
		Name: JoinSiblings, Run: joinSiblings,
		Why: "1x1 convolutions of the same pixels are one product, which reads each pixel once",
		After: []Order{
			{ProjectFirst, "a projection that went first has siblings, and is none any more once it is joined"},
			{ComputeLate, "siblings stand where the first of them stood, which has to be as late as it can be"},
		},
	},
	{
		Name: JoinElementwise, Run: joinElementwise,
		Why: "what is computed element by element of such results is one pass over memory",
		After: []Order{
			{ComputeLate, "what is joined is computed at the place of the last"},
		},
	},
	{
		Name: UpdateEarly, Run: updateEarly,
		Why: "variables are updated as soon as their gradients are there, which then need not be kept",
		After: []Order{
			{JoinElementwise, "an update is moved as a whole"},
		},
	},
	{
		Name: PlaceOutputs, Run: placeOutputs,
		Why: "outputs are computed in their buffers, not copied there",
	},
	{
		Name: UpdateInPlace, Run: updateInPlace,
		Why: "a variable is written over where the caller gives it away",
		After: []Order{
			{UpdateEarly, "that puts an update after all that reads the variable before it"},
			{PlaceOutputs, "an output is written over an input only from a buffer of its own"},
		},
	},
	{
		Name: WriteOver, Run: writeOver,
		Why: "results are written over operands that nothing needs any more: one stream of memory less",
		After: []Order{
			{JoinElementwise, "joining drops operands that a result would be over"},
			{UpdateEarly, "what is needed last depends on the order of the operations"},
			{PlaceOutputs, "a result in a buffer stays there"},
		},
	},
	{
		Name: ChooseKernels, Run: chooseKernels,
		Why: "every operation gets the implementation that is the fastest for its shape",
		After: []Order{
			{JoinSiblings, "an operation that is replaced afterwards would have none"},
			{JoinElementwise, "how much memory it needs depends on what it computes"},
			{UpdateInPlace, "registers depend on what results are written over"},
			{WriteOver, "registers depend on what results are written over"},
		},
	},
	{
		Name: DivideArena, Run: divideArena,
		Why: "tensors that are not needed at the same time share memory",
		After: []Order{
			{PlaceOutputs, "what is in a buffer takes no place in the arena"},
			{WriteOver, "what is over another lengthens the time for which that is needed"},
			{ChooseKernels, "implementations need memory in the arena too"},
		},
	},
}

// Build runs the passes over a plan.
func Build(p *Plan) error { return p.run(Passes, nil) }

// BuildVerified is Build with [Verify] before the first pass and after each one.
func BuildVerified(p *Plan) error {
	if err := Verify(p); err != nil {
		return err
	}
	return p.run(Passes, Verify)
}

// run runs passes, and after each one a check, if there is one.
func (p *Plan) run(passes []Pass, check func(*Plan) error) error {
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
			return fmt.Errorf("%s: %w", p.name(i), err)
		}
		o.Marked().Implementation = chosen
	}
	return nil
}
