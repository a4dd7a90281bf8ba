package lower

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// lowering is the state of a function that is being lowered.
type lowering struct {
	*facts
	done     []bool                   // by node index: an operation computes it
	inlined  map[*graph.Node]bool     // computed as a part of their users
	widened  map[*graph.Node]bool     // conversions that nothing has asked for yet
	integers map[*graph.Node]integers // values of integers that nothing has asked for yet
	rounded  map[*graph.Node]bool     // weights' conversions to bfloat16 that nothing has asked for yet
	BF16
	tensors  map[*graph.Value]*plan.Tensor
	buffered map[*graph.Value]*plan.Buffered // in buffers of the go backend

	operations []plan.Operation
	delegated  map[*plan.Delegated][]*graph.Node
	norms      map[*plan.Tensor]*plan.Normalization // by what they normalise: the first
	masked     map[*graph.Value]masked              // by what ReLU's gradient makes
}

// BF16 is what there are kernels of bfloat16 for that are worth using. Without them such values
// are only kept, and converted for what computes.
type BF16 struct {
	Mixed     bool // constant weights
	Trained   bool // weights that are trained
	Gradients bool // and the gradients of their convolutions
}

// Lower makes the plan of a function, whose tensors have no places yet but those of the
// inputs. The go backend computes constants, and gets what has no kernels here.
func Lower(f *graph.Function, backend compute.Backend, kernels BF16) (*plan.Plan, error) {
	facts, err := find(f, backend)
	if err != nil {
		return nil, err
	}
	l := &lowering{
		facts: facts, done: make([]bool, len(f.Nodes())), inlined: map[*graph.Node]bool{},
		BF16: kernels, widened: map[*graph.Node]bool{}, rounded: map[*graph.Node]bool{}, integers: map[*graph.Node]integers{},
		tensors: map[*graph.Value]*plan.Tensor{}, buffered: map[*graph.Value]*plan.Buffered{},
		delegated: map[*plan.Delegated][]*graph.Node{}, norms: map[*plan.Tensor]*plan.Normalization{}, masked: map[*graph.Value]masked{},
	}
	for i, v := range f.Parameters() {
		l.buffered[v] = &plan.Buffered{Name: v.Node.Attrs.(graph.ParameterAttrs).Name, Shape: v.Shape(), Input: i}
	}
	l.rectifySigned()
	for _, n := range f.Nodes() {
		if !l.live[n.Index] || l.constant[n.Index] || l.done[n.Index] || n.Op == compute.OpTypeParameter {
			continue
		}
		before := len(l.operations)
		l.lower(n)
		for _, o := range l.operations[before:] {
			o.Marked().Again = l.repeated[n.Index]
		}
	}
	for _, v := range f.Outputs() {
		if l.deferred(v) {
			l.tensor(v)
		}
	}
	if err := l.compileDelegated(backend); err != nil {
		return nil, err
	}
	return l.plan(), nil
}

// lower makes the operation that computes a node, and those nodes after it that it can
// compute on its way.
func (l *lowering) lower(n *graph.Node) {
	l.done[n.Index] = true
	for _, r := range recognisers {
		if r.take(l, n) {
			return
		}
	}
	l.delegate(n)
}

// plan is what was lowered, with the program's inputs and outputs.
func (l *lowering) plan() *plan.Plan {
	p := &plan.Plan{Operations: l.operations}
	for i, v := range l.f.Parameters() {
		t := l.tensors[v]
		if t != nil {
			t.Place = plan.Input{Index: i}
		}
		p.Inputs = append(p.Inputs, plan.ProgramInput{Name: l.buffered[v].Name, Shape: v.Shape(), Tensor: t})
	}
	for _, v := range l.f.Outputs() {
		o := plan.ProgramOutput{Shape: v.Shape()}
		if flat, ok := l.constantOf(v); ok {
			o.Constant = flat
		} else if o.Buffered = l.buffered[v]; o.Buffered == nil {
			o.Tensor = l.tensors[v]
		}
		p.Outputs = append(p.Outputs, o)
	}
	return p
}

func (l *lowering) add(o plan.Operation) { l.operations = append(l.operations, o) }

// tensor returns the tensor of a value that is not constant. Truth values are 1 and 0.
// What was to be computed as a part of its user is computed by itself after all, where
// that user is a part of another operation, which asks for it.
func (l *lowering) tensor(v *graph.Value) *plan.Tensor {
	switch {
	case l.inlined[v.Node]:
		delete(l.inlined, v.Node)
		l.addElementwise(v.Node)
	case l.widened[v.Node]:
		delete(l.widened, v.Node)
		l.add(&plan.Conversion{In: l.tensor(v.Node.Inputs[0]), Out: l.tensor(v)})
	case l.rounded[v.Node]:
		delete(l.rounded, v.Node)
		l.add(&plan.Conversion{In: l.tensor(v.Node.Inputs[0]), Out: l.tensor(v)})
	case l.isInteger(v):
		from := l.integers[v.Node]
		delete(l.integers, v.Node)
		l.add(&plan.Conversion{In: l.tensor(from.value), Out: l.tensor(v), Scale: from.scale, ZeroPoint: from.zero})
	}
	t, ok := l.tensors[v]
	if !ok {
		t = plan.TensorOf(v.Shape())
		if t.DType == dtypes.Bool {
			t.DType = dtypes.Float32
		}
		l.tensors[v] = t
	}
	return t
}

// deferred reports whether a value is converted once something asks for its tensor.
func (l *lowering) deferred(v *graph.Value) bool {
	return l.widened[v.Node] || l.rounded[v.Node] || l.isInteger(v)
}

// inDelegated reports whether a value is in a buffer that the program makes.
func (l *lowering) inDelegated(v *graph.Value) bool {
	b, ok := l.buffered[v]
	return ok && b.Input < 0
}

// next returns the only user of a node's value, which is to be computed together
// with it: nil if there are several users, or it is an output, or not ready yet.
func (l *lowering) next(v *graph.Value) *graph.Node {
	users := l.users[v]
	if len(users) != 1 || users[0] == nil || l.done[users[0].Index] {
		return nil
	}
	return users[0]
}

// only returns the only user of a node's value, or nil.
func (l *lowering) only(n *graph.Node) *graph.Node {
	users := l.users[n.Values[0]]
	if len(users) != 1 {
		return nil
	}
	return users[0]
}

// computed reports whether a value exists before the operations to come.
func (l *lowering) computed(v *graph.Value) bool {
	return v.Node.Op == compute.OpTypeParameter || l.done[v.Node.Index] && !l.inlined[v.Node]
}

// other returns the operand of a binary operation that is not v.
func other(n *graph.Node, v *graph.Value) *graph.Value {
	if n.Inputs[0] == v {
		return n.Inputs[1]
	}
	return n.Inputs[0]
}

func isFloat32(v *graph.Value) bool { return v != nil && v.Shape().DType == dtypes.Float32 }

func ones(values []int) bool {
	for _, v := range values {
		if v != 1 {
			return false
		}
	}
	return true
}
