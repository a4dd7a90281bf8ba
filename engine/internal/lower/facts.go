package lower

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
)

// facts is what is known of a function's nodes before they are lowered.
type facts struct {
	f        *graph.Function
	users    map[*graph.Value][]*graph.Node // live ones; an output has nil as a user more
	live     []bool                         // by node index: an output depends on it
	constant []bool                         // by node index: it depends on constants alone
	repeated []bool                         // by node index: it depends on what is used again, beside constants and parameters, alone
	folded   map[*graph.Value]any           // the constants that operations read, flat
}

// find finds the facts. Constants are computed by the go backend.
func find(f *graph.Function, backend compute.Backend) (*facts, error) {
	n := len(f.Nodes())
	k := &facts{
		f: f, users: map[*graph.Value][]*graph.Node{}, folded: map[*graph.Value]any{},
		live: make([]bool, n), constant: make([]bool, n), repeated: make([]bool, n),
	}
	k.findLive()
	k.findConstants()
	k.findRepeated()
	frontier := k.frontier()
	values, err := graph.Fold(backend, frontier)
	if err != nil {
		return nil, fmt.Errorf("cpu: computing the constants of a program: %w", err)
	}
	for i, v := range frontier {
		k.folded[v] = values[i]
	}
	return k, nil
}

func (k *facts) findLive() {
	for _, v := range k.f.Outputs() {
		k.live[v.Node.Index] = true
		k.users[v] = append(k.users[v], nil)
	}
	for _, n := range slices.Backward(k.f.Nodes()) {
		if !k.live[n.Index] {
			continue
		}
		for _, in := range n.Inputs {
			if in != nil {
				k.live[in.Node.Index] = true
				k.users[in] = append(k.users[in], n)
			}
		}
	}
}

func (k *facts) findConstants() {
	for _, n := range k.f.Nodes() {
		k.constant[n.Index] = n.Op != compute.OpTypeParameter &&
			!slices.ContainsFunc(n.Inputs, func(v *graph.Value) bool { return v != nil && !k.constant[v.Node.Index] })
	}
}

// findRepeated finds what computes activations again: the gradients themselves depend on
// something else too.
func (k *facts) findRepeated() {
	for _, n := range k.f.Nodes() {
		some, all := false, true
		for _, v := range n.Inputs {
			if v != nil && v.Node.Op != compute.OpTypeParameter && !k.constant[v.Node.Index] {
				some, all = some || k.repeated[v.Node.Index], all && k.repeated[v.Node.Index]
			}
		}
		k.repeated[n.Index] = n.Op == compute.OpTypeSchedulingBarrier || some && all
	}
}

// frontier lists the constants that are read by what is not constant, or are
// outputs.
func (k *facts) frontier() []*graph.Value {
	var values []*graph.Value
	seen := map[*graph.Value]bool{}
	var add func(v *graph.Value)
	add = func(v *graph.Value) {
		if v == nil || !k.constant[v.Node.Index] {
			return
		}
		if isIntegerWeights(v) {
			add(v.Node.Inputs[0])
			return
		}
		if weights, factors, ok := k.roundedWeights(v); ok {
			add(weights)
			add(factors)
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
	for _, n := range k.f.Nodes() {
		if k.live[n.Index] && !k.constant[n.Index] {
			for _, in := range n.Inputs {
				add(in)
			}
		}
	}
	for _, v := range k.f.Outputs() {
		add(v)
	}
	return values
}

// isConstant reports whether a value is there before the program runs.
func (k *facts) isConstant(v *graph.Value) bool { return k.constant[v.Node.Index] }

// uniformRoot returns the constant of one value that a constant repeats, or the constant
// itself: gradients are full of constants as large as what they are multiplied with.
func uniformRoot(v *graph.Value) *graph.Value {
	for n := v.Node; n.Op == compute.OpTypeBroadcastInDim || n.Op == compute.OpTypeReshape; n = n.Inputs[0].Node {
		if n.Inputs[0].Shape().Size() == 1 {
			return n.Inputs[0]
		}
	}
	return v
}

// uniform returns the value that all elements of a constant have, if it was made so.
func (k *facts) uniform(v *graph.Value) (float32, bool) {
	flat, ok := k.folded[uniformRoot(v)].([]float32)
	if !ok || len(flat) != 1 {
		return 0, false
	}
	return flat[0], true
}

// constantOf returns a constant's values, flat; false if it is not constant.
func (k *facts) constantOf(v *graph.Value) (any, bool) {
	if flat, ok := k.folded[v]; ok {
		return flat, true
	}
	if rounded, ok := k.roundedFloats(v); ok {
		return rounded, true
	}
	if integers, ok := k.integerWeights(v); ok {
		return floatsOf(integers), true
	}
	flat, ok := k.folded[uniformRoot(v)]
	if !ok {
		return nil, false
	}
	if f, ok := flat.([]float32); ok {
		flat = slices.Repeat(f, v.Shape().Size())
	}
	return flat, true
}

// floats returns a constant's values; false if it is not constant or of another type.
func (k *facts) floats(v *graph.Value) ([]float32, bool) {
	if !isFloat32(v) {
		return nil, false
	}
	flat, ok := k.constantOf(v)
	if !ok {
		return nil, false
	}
	return flat.([]float32), true
}

// equals reports whether all elements of a value are a constant, of the same sign if zero.
func (k *facts) equals(v *graph.Value, want float32) bool {
	f, ok := k.uniform(v)
	return ok && f == want && !math.Signbit(float64(f))
}

// byChannel returns a constant that is one value, or one a channel, as one a
// channel.
func (k *facts) byChannel(v *graph.Value, channels int) ([]float32, bool) {
	flat, ok := k.floats(v)
	dims := v.Shape().Dimensions
	switch {
	case !ok:
		return nil, false
	case len(flat) == 1:
		all := make([]float32, channels)
		for i := range all {
			all[i] = flat[0]
		}
		return all, true
	case len(flat) == channels && dims[len(dims)-1] == channels:
		return flat, true
	}
	return nil, false
}
