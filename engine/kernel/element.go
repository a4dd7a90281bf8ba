package kernel

import (
	"fmt"
	"math"
)

// An ElementOp is an operation on the elements of slices.
type ElementOp int

const (
	Copy ElementOp = iota
	Neg
	Abs
	Sqrt
	Sign    // 1 and -1 of what is above and below zero; zeros and NaN stay
	Rectify // what is above zero; of zeros 0, and of what is below -0; NaN stays
	Step    // 0 of what has a sign, -0 too, and 1 of what has none; NaN stays
	Exp
	Log
	Add
	Sub
	Mul
	Div
	Max // NaN if an operand is
	Min // the same
	Equal
	NotEqual
	Less
	LessOrEqual
	Select // the second operand where the first is not zero, else the third

	elementOps
)

var elementNames = [elementOps]string{
	"copy", "neg", "abs", "sqrt", "sign", "rectify", "step", "exp", "log", "add", "sub", "mul", "div", "max", "min",
	"equal", "not equal", "less", "less or equal", "select",
}

func (op ElementOp) String() string {
	if op < 0 || op >= elementOps {
		return fmt.Sprintf("ElementOp(%d)", int(op))
	}
	return elementNames[op]
}

// Operands is how many operands the operation has: 1 to 3.
func (op ElementOp) Operands() int {
	switch {
	case op == Select:
		return 3
	case op >= Add:
		return 2
	}
	return 1
}

// IsComparison reports whether results are 1 for true and 0 for false. All but NotEqual
// are false where an operand is NaN.
func (op ElementOp) IsComparison() bool { return op >= Equal && op <= LessOrEqual }

type (
	unaryF32   func(n int, to, a *float32)
	binaryF32  func(n int, to, a, b *float32)
	ternaryF32 func(n int, to, a, b, c *float32)
)

// elementF32 is the operations that have kernels.
type elementF32 struct {
	unary  [elementOps]unaryF32
	binary [elementOps]binaryF32
	choose ternaryF32
}

// Element computes to[i] of the operands' elements i, for all elements of to. Operands
// that the operation does not have are ignored; the others may be to, but must not
// overlap it in part. It panics where an operand is shorter than to.
func (s *Set) Element(op ElementOp, to, a, b, c []float32) {
	n := len(to)
	if n == 0 {
		return
	}
	operands := op.Operands()
	if len(a) < n || operands > 1 && len(b) < n || operands > 2 && len(c) < n {
		panic(fmt.Sprintf("kernel: %s of %d elements has operands of %d, %d and %d", op, n, len(a), len(b), len(c)))
	}
	switch {
	case op == Copy:
		copy(to, a)
	case op == Exp:
		for i, v := range a[:n] {
			to[i] = float32(math.Exp(float64(v)))
		}
	case op == Log:
		for i, v := range a[:n] {
			to[i] = float32(math.Log(float64(v)))
		}
	case operands == 1:
		s.element.unary[op](n, &to[0], &a[0])
	case operands == 2:
		s.element.binary[op](n, &to[0], &a[0], &b[0])
	default:
		s.element.choose(n, &to[0], &a[0], &b[0], &c[0])
	}
}
