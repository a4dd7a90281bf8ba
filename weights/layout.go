package weights

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// A Layout is a way to name parameters and to order their axes.
type Layout string

const (
	// Native has TF-slim's names and TensorFlow's axes: convolutions are height,
	// width, inputs, outputs; logits are inputs, classes.
	Native Layout = "native"
	// Timm has the names and axes of PyTorch's timm: convolutions are outputs,
	// inputs, height, width; logits are classes, inputs. Inception-v3's names are
	// torchvision's.
	Timm Layout = "timm"
)

// ParseLayout returns the layout of the given name.
func ParseLayout(name string) (Layout, error) {
	switch l := Layout(name); l {
	case Native, Timm:
		return l, nil
	}
	return "", fmt.Errorf("unknown layout %q, expected %q or %q", name, Native, Timm)
}

// names returns what the layout calls each parameter.
func (l Layout) names(parameters []arch.Parameter) ([]string, error) {
	if l == Timm {
		return timmNames(parameters)
	}
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	return names, nil
}

// shape returns the layout's order of a native shape.
func (l Layout) shape(native []int) []int {
	if l == Timm {
		switch len(native) {
		case 4:
			return []int{native[3], native[2], native[0], native[1]}
		case 2:
			return []int{native[1], native[0]}
		}
	}
	return native
}

// toNative reorders src, which is in the layout's order, into dst, whose native
// shape is given.
func (l Layout) toNative(dst, src []float32, native []int) {
	outputs, inner, outer, ok := l.axes(native)
	if !ok {
		copy(dst, src)
		return
	}
	// Sixteen outputs at a time are one cache line of dst.
	const block = 16
	for o0 := 0; o0 < outputs; o0 += block {
		o1 := min(o0+block, outputs)
		for i := range inner {
			for s := range outer {
				to := dst[(s*inner+i)*outputs:][o0:o1]
				from := src[o0*inner*outer+i*outer+s:]
				for o := range to {
					to[o] = from[o*inner*outer]
				}
			}
		}
	}
}

// fromNative is the inverse of toNative; dst is in the layout's order.
func (l Layout) fromNative(dst, src []float32, native []int) {
	outputs, inner, outer, ok := l.axes(native)
	if !ok {
		copy(dst, src)
		return
	}
	const block = 16
	for o0 := 0; o0 < outputs; o0 += block {
		o1 := min(o0+block, outputs)
		for i := range inner {
			for s := range outer {
				from := src[(s*inner+i)*outputs:][o0:o1]
				to := dst[o0*inner*outer+i*outer+s:]
				for o, v := range from {
					to[o*inner*outer] = v
				}
			}
		}
	}
}

// axes splits a native shape into outputs, inputs and window, which the layout
// orders the other way round; ok is false where it keeps the order.
func (l Layout) axes(native []int) (outputs, inner, outer int, ok bool) {
	if l == Timm {
		switch len(native) {
		case 4:
			return native[3], native[2], native[0] * native[1], true
		case 2:
			return native[1], native[0], 1, true
		}
	}
	return 0, 0, 0, false
}
