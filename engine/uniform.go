package engine

import (
	"slices"

	"github.com/gomlx/compute"
)

// uniformRoot returns the constant of one value that a constant repeats, or the constant
// itself: gradients are full of constants as large as what they are multiplied with.
func uniformRoot(v *value) *value {
	for n := v.node; n.op == compute.OpTypeBroadcastInDim || n.op == compute.OpTypeReshape; n = n.inputs[0].node {
		if n.inputs[0].shape().Size() == 1 {
			return n.inputs[0]
		}
	}
	return v
}

// uniform returns the value that all elements of a constant have, if it was made so.
func (l *lowering) uniform(v *value) (float32, bool) {
	flat, ok := l.folded[uniformRoot(v)].([]float32)
	if !ok || len(flat) != 1 {
		return 0, false
	}
	return flat[0], true
}

// constantOf returns a constant's values, flat; false if it is not constant.
func (l *lowering) constantOf(v *value) (any, bool) {
	if flat, ok := l.folded[v]; ok {
		return flat, true
	}
	flat, ok := l.folded[uniformRoot(v)]
	if !ok {
		return nil, false
	}
	if f, ok := flat.([]float32); ok {
		flat = slices.Repeat(f, v.shape().Size())
	}
	return flat, true
}

// floats returns a constant's values; false if it is not constant or of another type.
func (l *lowering) floats(v *value) ([]float32, bool) {
	if !isFloat32(v) {
		return nil, false
	}
	flat, ok := l.constantOf(v)
	if !ok {
		return nil, false
	}
	return flat.([]float32), true
}
