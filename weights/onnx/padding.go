package onnx

import (
	"fmt"
	"slices"
)

// A surrounded value is another with zeros around it, as PyTorch's exporter writes before an
// average pooling that counts its padding.
type surrounded struct {
	input int
	pads  [4]int // top, left, bottom, right
}

// pad notes a value that is padded; it reports whether the operation does that.
func (b *builder) pad(n node) (bool, error) {
	if n.op != "Pad" || len(n.inputs) == 0 || len(n.outputs) == 0 {
		return false, nil
	}
	input, ok := b.values[n.inputs[0]]
	if !ok {
		return false, nil
	}
	pads := n.ints["pads"]
	if len(n.inputs) > 1 {
		var err error
		if pads, err = b.whole(n.inputs[1]); err != nil {
			return true, err
		}
	}
	value := float32(n.floats["value"])
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		numbers, err := b.numbers(n.inputs[2])
		if err != nil {
			return true, err
		}
		if len(numbers) != 1 {
			return true, fmt.Errorf("with a value that is no constant")
		}
		value = numbers[0]
	}
	if mode := n.texts["mode"]; mode != "" && mode != "constant" || value != 0 {
		return true, fmt.Errorf("of mode %.40q with %g, expected zeros", mode, value)
	}
	if len(pads) != 8 || slices.ContainsFunc([]int{pads[0], pads[1], pads[4], pads[5]}, func(v int) bool { return v != 0 }) || slices.Min(pads) < 0 {
		return true, fmt.Errorf("of %v, expected height and width of images alone", pads)
	}
	b.padded[n.outputs[0]] = surrounded{input, [4]int{pads[2], pads[3], pads[6], pads[7]}}
	return true, nil
}
