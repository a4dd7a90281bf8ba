package engine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/pkg/errors"
)

// An operation is one step of a plan.
type operation interface {
	// reads and writes list the tensors that the operation uses.
	reads() []*tensor
	writes() []*tensor
}

// lowering turns the recorded nodes of a function into operations.
type lowering struct {
	f        *function
	users    map[*value][]*node // live ones; an output has nil as a user more
	live     []bool             // by node index: an output depends on it
	constant []bool             // by node index: it depends on constants alone
	repeated []bool             // by node index: it depends on what is used again, beside constants and parameters, alone
	done     []bool             // by node index: an operation computes it
	folded   map[*value]any     // the constants that operations read, flat
	tensors  map[*value]*tensor

	operations []operation
	again      map[operation]bool         // what is computed again for gradients
	inlined    map[*node]bool             // computed as a part of their users
	norms      map[*tensor]*normalization // by what they normalise: the first
	masked     map[*value]masked          // by what ReLU's gradient makes
}

// lower makes the operations of a function. Constants are computed by fold.
func lower(f *function, fold func([]*value) ([]any, error)) (*lowering, error) {
	l := &lowering{
		inlined: map[*node]bool{}, again: map[operation]bool{}, norms: map[*tensor]*normalization{}, masked: map[*value]masked{},
		f: f, users: map[*value][]*node{}, tensors: map[*value]*tensor{}, folded: map[*value]any{},
		live: make([]bool, len(f.nodes)), constant: make([]bool, len(f.nodes)), repeated: make([]bool, len(f.nodes)), done: make([]bool, len(f.nodes)),
	}
	l.findLive()
	l.findConstants()
	l.findRepeated()
	frontier := l.frontier()
	values, err := fold(frontier)
	if err != nil {
		return nil, errors.WithMessage(err, "cpu: computing the constants of a program")
	}
	for i, v := range frontier {
		l.folded[v] = values[i]
	}
	l.rectifySigned()
	for _, n := range f.nodes {
		if l.live[n.index] && !l.constant[n.index] && !l.done[n.index] && n.op != compute.OpTypeParameter {
			before := len(l.operations)
			l.lowerNode(n)
			if l.repeated[n.index] {
				for _, o := range l.operations[before:] {
					l.again[o] = true
				}
			}
		}
	}
	return l, nil
}

func (l *lowering) findLive() {
	for _, v := range l.f.outputs {
		l.live[v.node.index] = true
		l.users[v] = append(l.users[v], nil)
	}
	for _, n := range slices.Backward(l.f.nodes) {
		if !l.live[n.index] {
			continue
		}
		for _, in := range n.inputs {
			if in != nil {
				l.live[in.node.index] = true
				l.users[in] = append(l.users[in], n)
			}
		}
	}
}

func (l *lowering) findConstants() {
	for _, n := range l.f.nodes {
		l.constant[n.index] = n.op != compute.OpTypeParameter &&
			!slices.ContainsFunc(n.inputs, func(v *value) bool { return v != nil && !l.constant[v.node.index] })
	}
}

// findRepeated finds what computes activations again: the gradients themselves depend on
// something else too.
func (l *lowering) findRepeated() {
	for _, n := range l.f.nodes {
		some, all := false, true
		for _, v := range n.inputs {
			if v != nil && v.node.op != compute.OpTypeParameter && !l.constant[v.node.index] {
				some, all = some || l.repeated[v.node.index], all && l.repeated[v.node.index]
			}
		}
		l.repeated[n.index] = n.op == compute.OpTypeSchedulingBarrier || some && all
	}
}

// frontier lists the constants that are read by what is not constant, or are
// outputs.
func (l *lowering) frontier() []*value {
	var values []*value
	seen := map[*value]bool{}
	add := func(v *value) {
		if v == nil || !l.constant[v.node.index] {
			return
		}
		if isFloat32(v) {
			v = uniformRoot(v)
		}
		if !seen[v] {
			seen[v] = true
			values = append(values, v)
		}
	}
	for _, n := range l.f.nodes {
		if l.live[n.index] && !l.constant[n.index] {
			for _, in := range n.inputs {
				add(in)
			}
		}
	}
	for _, v := range l.f.outputs {
		add(v)
	}
	return values
}

// lowerNode makes the operation that computes a node, and those nodes after it
// that it can compute on its way.
func (l *lowering) lowerNode(n *node) {
	l.done[n.index] = true
	switch {
	case l.lowerConvolution(n), l.lowerReverse(n), l.lowerNormalization(n), l.lowerWeightGradient(n), l.lowerDenseGradient(n),
		l.lowerDense(n), l.lowerPool(n), l.lowerMaxGradient(n), l.lowerMeanGradient(n), l.lowerMean(n), l.lowerConcat(n), l.lowerChannels(n),
		l.lowerView(n), l.lowerReshape(n), l.lowerPad(n), l.lowerSquare(n), l.lowerReduction(n), l.lowerRandom(n), l.lowerElementwise(n):
	default:
		l.addTail(n)
	}
}

// tensor returns the tensor of a value that is not constant.
func (l *lowering) tensor(v *value) *tensor {
	t, ok := l.tensors[v]
	if !ok {
		t = newTensor(v.shape())
		l.tensors[v] = t
	}
	return t
}

func isFloat32(v *value) bool { return v != nil && v.shape().DType == dtypes.Float32 }

// next returns the only user of a node's value, which is to be computed together
// with it: nil if there are several users, or it is an output, or not ready yet.
func (l *lowering) next(v *value) *node {
	users := l.users[v]
	if len(users) != 1 || users[0] == nil || l.done[users[0].index] {
		return nil
	}
	return users[0]
}

// other returns the operand of a binary operation that is not v.
func other(n *node, v *value) *value {
	if n.inputs[0] == v {
		return n.inputs[1]
	}
	return n.inputs[0]
}

// computed reports whether a value exists before the operations to come.
func (l *lowering) computed(v *value) bool {
	return v.node.op == compute.OpTypeParameter || l.done[v.node.index] && !l.inlined[v.node]
}
