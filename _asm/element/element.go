// Package element generates operations on the elements of contiguous float32s.
package element

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// kernel is one operation. Its body leaves the result in the first register.
type kernel struct {
	vector.ISA
	name, result string
	operands     []string
	body         func(k *kernel, v []reg.VecPhysical)
}

// together is how many vectors the inner loop takes.
const together = 4

var n, to, offset, lanes, tmp = reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI

var from = []reg.GPPhysical{reg.RDI, reg.R8, reg.R9}

// Predicates of comparisons: false for NaN but the second, which is true.
const (
	equal       = 0  // ordered, quiet
	notEqual    = 4  // unordered, quiet
	less        = 17 // ordered, quiet
	lessOrEqual = 18 // ordered, quiet
	greater     = 30 // ordered, quiet
	unordered   = 3  // quiet
)

// Emit writes the kernels into the file under construction.
func Emit(isa vector.ISA) {
	binary := []string{"a", "b"}
	for _, k := range []*kernel{
		{name: "Add", operands: binary, result: "a[i] + b[i]", body: func(k *kernel, v []reg.VecPhysical) { VADDPS(v[1], v[0], v[0]) }},
		{name: "Sub", operands: binary, result: "a[i] - b[i]", body: func(k *kernel, v []reg.VecPhysical) { VSUBPS(v[1], v[0], v[0]) }},
		{name: "Mul", operands: binary, result: "a[i] * b[i]", body: func(k *kernel, v []reg.VecPhysical) { VMULPS(v[1], v[0], v[0]) }},
		{name: "Div", operands: binary, result: "a[i] / b[i]", body: func(k *kernel, v []reg.VecPhysical) { VDIVPS(v[1], v[0], v[0]) }},
		{name: "Max", operands: binary, result: "max(a[i], b[i])", body: extreme(func(a, b, to reg.VecPhysical) { VMAXPS(b, a, to) })},
		{name: "Min", operands: binary, result: "min(a[i], b[i])", body: extreme(func(a, b, to reg.VecPhysical) { VMINPS(b, a, to) })},
		{name: "Equal", operands: binary, result: "1 if a[i] == b[i], else 0", body: comparison(equal)},
		{name: "NotEqual", operands: binary, result: "1 if a[i] != b[i], else 0", body: comparison(notEqual)},
		{name: "Less", operands: binary, result: "1 if a[i] < b[i], else 0", body: comparison(less)},
		{name: "LessOrEqual", operands: binary, result: "1 if a[i] <= b[i], else 0", body: comparison(lessOrEqual)},
		{name: "Neg", operands: []string{"a"}, result: "-a[i]", body: func(k *kernel, v []reg.VecPhysical) {
			k.flip(v[0])
		}},
		{name: "Abs", operands: []string{"a"}, result: "abs(a[i])", body: func(k *kernel, v []reg.VecPhysical) {
			k.andNot(k.minusZero(), v[0], v[0])
		}},
		{name: "Sqrt", operands: []string{"a"}, result: "sqrt(a[i])", body: func(k *kernel, v []reg.VecPhysical) { VSQRTPS(v[0], v[0]) }},
		{name: "Sign", operands: []string{"a"}, result: "1 if a[i] > 0, -1 if a[i] < 0, else a[i]", body: sign},
		{name: "Rectify", operands: []string{"a"}, result: "a[i] if a[i] > 0 or NaN, 0 if a[i] is zero, else -0", body: rectify},
		{name: "Step", operands: []string{"a"}, result: "a[i] if NaN, else 0 if it has a sign, 1 if not", body: step},
		{name: "Select", operands: []string{"a", "b", "c"}, result: "b[i] if a[i] != 0, else c[i]", body: func(k *kernel, v []reg.VecPhysical) {
			k.choose(notEqual, v[0], k.zero(), v[1], v[2])
			VMOVAPS(v[2], v[0])
		}},
	} {
		k.ISA = isa
		k.emit()
	}
}

func (k *kernel) emit() {
	TEXT(k.name+"F32", 4, "func(n int, to, "+strings.Join(k.operands, ", ")+" *float32)") // NOSPLIT
	Doc(k.name+"F32 is", "", "\tfor i := range n {", "\t\tto[i] = "+k.result, "\t}")
	Pragma("noescape")
	Load(Param("n"), n)
	Load(Param("to"), to)
	for i, name := range k.operands {
		Load(Param(name), from[i])
	}
	XORL(offset.As32(), offset.As32())
	k.constants()
	width := together * k.Lanes

	Label("wide")
	CMPQ(n, I32(width))
	JLT(LabelRef("narrow"))
	for v := range together {
		k.vector(v, nil)
	}
	ADDQ(I32(4*width), offset)
	SUBQ(I32(width), n)
	JMP(LabelRef("wide"))

	Label("narrow")
	CMPQ(n, I8(0))
	JLE(LabelRef("done"))
	mask := k.Mask(0, k.Registers-1)
	MOVQ(n, lanes)
	k.SetMask(mask, lanes, tmp)
	k.vector(0, mask)
	ADDQ(I32(k.Bytes()), offset)
	SUBQ(I32(k.Lanes), n)
	JMP(LabelRef("narrow"))

	Label("done")
	VZEROUPPER()
	RET()
}

// vector computes vector v from the offset on. Each has registers of its own, so that
// they are computed at the same time.
func (k *kernel) vector(v int, mask reg.Register) {
	registers := []reg.VecPhysical{k.Reg(3 * v), k.Reg(3*v + 1), k.Reg(3*v + 2)}
	for i := range k.operands {
		k.Load(Mem{Base: from[i], Index: offset, Scale: 1, Disp: v * k.Bytes()}, registers[i], mask)
	}
	k.body(k, registers)
	k.Store(registers[0], Mem{Base: to, Index: offset, Scale: 1, Disp: v * k.Bytes()}, mask)
}

// Constants are in the registers before the mask of AVX2, which has no register for two
// that no kernel has both.
func (k *kernel) one() reg.VecPhysical       { return k.Reg(k.Registers - 2) }
func (k *kernel) zero() reg.VecPhysical      { return k.Reg(k.Registers - 3) }
func (k *kernel) minusZero() reg.VecPhysical { return k.Reg(k.Registers - 3) }

func (k *kernel) constants() {
	tmp := reg.RDX
	set := func(bits uint32, v reg.VecPhysical) {
		MOVL(U32(bits), tmp.As32())
		low := v.AsX()
		VMOVD(tmp.As32(), low)
		VBROADCASTSS(low, v)
	}
	switch k.name {
	case "Neg", "Abs", "Rectify":
		set(0x80000000, k.minusZero())
	case "Select", "Sign", "Step", "Equal", "NotEqual", "Less", "LessOrEqual":
		k.Zero(k.zero())
		set(0x3f800000, k.one())
	}
}

func (k *kernel) flip(v reg.VecPhysical) {
	if k.ISA == vector.AVX512 {
		VPXORD(k.minusZero(), v, v)
	} else {
		VXORPS(k.minusZero(), v, v)
	}
}

func (k *kernel) andNot(not, v, to reg.VecPhysical) {
	if k.ISA == vector.AVX512 {
		VPANDND(v, not, to)
	} else {
		VANDNPS(v, not, to)
	}
}

// choose puts value into to where a compares with b.
func (k *kernel) choose(predicate uint8, a, b, value, to reg.VecPhysical) {
	if k.ISA == vector.AVX512 {
		VCMPPS(U8(predicate), b, a, reg.K2)
		VMOVAPS(value, reg.K2, to)
		return
	}
	truth := k.Reg(k.Registers - 4)
	VCMPPS(U8(predicate), b, a, truth)
	VBLENDVPS(truth, value, to, to)
}

func comparison(predicate uint8) func(k *kernel, v []reg.VecPhysical) {
	return func(k *kernel, v []reg.VecPhysical) {
		if k.ISA == vector.AVX512 {
			VCMPPS(U8(predicate), v[1], v[0], reg.K2)
			VMOVAPS_Z(k.one(), reg.K2, v[0])
			return
		}
		VCMPPS(U8(predicate), v[1], v[0], v[0])
		VANDPS(k.one(), v[0], v[0])
	}
}

// extreme is a maximum or minimum. The instruction's result is its last source where
// there is NaN, so NaN in the first is put back.
func extreme(instruction func(a, b, to reg.VecPhysical)) func(k *kernel, v []reg.VecPhysical) {
	return func(k *kernel, v []reg.VecPhysical) {
		instruction(v[0], v[1], v[1])
		k.choose(unordered, v[0], v[0], v[0], v[1])
		VMOVAPS(v[1], v[0])
	}
}

// sign has its temporaries in the registers of operands that it does not have.
func sign(k *kernel, v []reg.VecPhysical) {
	x, minusOne, truth := v[0], v[1], v[2]
	VSUBPS(k.one(), k.zero(), minusOne)
	if k.ISA == vector.AVX512 {
		VCMPPS(U8(greater), k.zero(), x, reg.K2)
		VCMPPS(U8(less), k.zero(), x, reg.K3)
		VMOVAPS(k.one(), reg.K2, x)
		VMOVAPS(minusOne, reg.K3, x)
		return
	}
	VCMPPS(U8(less), k.zero(), x, truth)
	VBLENDVPS(truth, minusOne, x, minusOne)
	VCMPPS(U8(greater), k.zero(), x, truth)
	VBLENDVPS(truth, k.one(), minusOne, x)
}

// rectify relies on the instruction's result of zeros and of NaN, its last source.
func rectify(k *kernel, v []reg.VecPhysical) {
	VSUBPS(k.minusZero(), v[0], v[0]) // -0 becomes 0
	VMAXPS(v[0], k.minusZero(), v[0])
}

func step(k *kernel, v []reg.VecPhysical) {
	VPSRAD(U8(31), v[0], v[1])
	k.andNot(v[1], k.one(), v[1])
	k.choose(unordered, v[0], v[0], v[0], v[1])
	VMOVAPS(v[1], v[0])
}
