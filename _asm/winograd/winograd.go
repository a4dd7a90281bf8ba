// Package winograd generates the transforms of Winograd's convolution, in float32,
// over channels.
//
// The points are 0, pairs of a number and its negative, and infinity, in this order.
// With the numbers in pairs, each pair's two rows of a transform share an even and an
// odd half: their sum is one row, their difference the other.
package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Transform is the transforms of one size of tile: of the input, of the output and of
// the gradient with respect to that; of bfloat16 pixels, of the input, of the output and of
// the weights, all of which are computed in float32.
type Transform struct {
	vector.ISA
	Outputs int  // pixels that a tile writes along one side
	Pairs   int  // pairs of points
	NoZero  bool // 0 is no point
	Square  bool // along both sides of the tile, or along one
	BF16    bool // pixels and weights are bfloat16; for AVX512-BF16 only
	I8      bool // pixels and weights are 8-bit integers; for AVX512 only
}

// zeros is how many points are 0.
func (t *Transform) zeros() int {
	if t.NoZero {
		return 0
	}
	return 1
}

// side is how many pixels a tile reads, and how many points it has, along one side.
func (t *Transform) side() int { return 2*t.Pairs + t.zeros() + 1 }

// taps is the size of the kernel along one side.
func (t *Transform) taps() int { return t.side() - t.Outputs + 1 }

// element is the type of pixels in Go, suffix what names are told apart by.
func (t *Transform) element() string {
	if t.BF16 {
		return "uint16"
	}
	return "float32"
}

func (t *Transform) suffix() string {
	if t.BF16 {
		return "BF16"
	}
	return "F32"
}

// logSize is the logarithm of the bytes of a pixel's channel.
func (t *Transform) logSize() U8 {
	switch {
	case t.I8:
		return 0
	case t.BF16:
		return 1
	}
	return 2
}

func (t *Transform) points() int {
	if t.Square {
		return t.side() * t.side()
	}
	return t.side()
}

func (t *Transform) outputs() int {
	if t.Square {
		return t.Outputs * t.Outputs
	}
	return t.Outputs
}

func (t *Transform) size(n int) string {
	if t.Square {
		return fmt.Sprintf("%dx%d", n, n)
	}
	return fmt.Sprint(n)
}

// Emit writes the transforms into the file under construction.
func (t *Transform) Emit() {
	newInput(t).emit()
	(&output{code: code{Transform: t}}).emit()
	if t.BF16 {
		(&weights{code: code{Transform: t}}).emit()
		return
	}
	newGradient(t).emit()
}

// code is what all transforms have: where things are kept.
type code struct {
	*Transform
	table  Mem             // pointers to a tile's pixels
	values reg.GPPhysical  // vectors between the two passes over a square, aligned
	mask   reg.Register    // nil in the loop over whole vectors
	at     reg.GPPhysical  // offset of the channel in a pixel, in bytes
	coefs  reg.GPPhysical  // the transform's coefficients
	kept   int             // how many of them are in registers, the last ones
	spare  reg.VecPhysical // AVX2: a coefficient read from memory
}

// float is the address of the float32 of the channel in a row that begins at base.
func (c *code) float(base reg.Register) Mem {
	if c.BF16 {
		return Mem{Base: base, Index: c.at, Scale: 2}
	}
	return Mem{Base: base, Index: c.at, Scale: 1}
}

// allocate reserves the stack: the table, and the vectors aligned to their size.
func (c *code) allocate(pointers, vectors int) {
	c.table = AllocLocal(8 * pointers)
	if vectors > 0 {
		area := AllocLocal(vectors*c.Bytes() + c.Bytes())
		LEAQ(area.Offset(c.Bytes()-1), c.values)
		ANDQ(I8(-c.Bytes()), c.values)
	}
}

func (c *code) value(i int) Mem { return Mem{Base: c.values, Disp: i * c.Bytes()} }

// keep loads coefficients into the last registers if there are few.
func (c *code) keep(count int) {
	if count > 6 {
		return
	}
	c.kept = count
	for i := range count {
		VBROADCASTSS(Mem{Base: c.coefs, Disp: 4 * i}, c.coef(i))
	}
}

func (c *code) coef(i int) reg.VecPhysical { return c.Reg(c.Registers - 1 - i) }

// multiply sets y to coefficient i times x.
func (c *code) multiply(i int, x, y reg.VecPhysical) {
	from := Mem{Base: c.coefs, Disp: 4 * i}
	switch {
	case c.kept > 0:
		VMULPS(c.coef(i), x, y)
	case c.ISA == vector.AVX512:
		VMULPS_BCST(from, x, y)
	default:
		VBROADCASTSS(from, c.spare)
		VMULPS(c.spare, x, y)
	}
}

// add adds coefficient i times x to y.
func (c *code) add(i int, x, y reg.VecPhysical) {
	from := Mem{Base: c.coefs, Disp: 4 * i}
	switch {
	case c.kept > 0:
		VFMADD231PS(c.coef(i), x, y)
	case c.ISA == vector.AVX512:
		VFMADD231PS_BCST(from, x, y)
	default:
		VBROADCASTSS(from, c.spare)
		VFMADD231PS(c.spare, x, y)
	}
}

// subtract subtracts coefficient i times x from y.
func (c *code) subtract(i int, x, y reg.VecPhysical) {
	from := Mem{Base: c.coefs, Disp: 4 * i}
	switch {
	case c.kept > 0:
		VFNMADD231PS(c.coef(i), x, y)
	case c.ISA == vector.AVX512:
		VFNMADD231PS_BCST(from, x, y)
	default:
		VBROADCASTSS(from, c.spare)
		VFNMADD231PS(c.spare, x, y)
	}
}

// overChannels emits the body for whole vectors and, masked, for what remains of count
// channels.
func (c *code) overChannels(count string, left, tmp reg.GPPhysical, mask reg.Register, body func()) {
	XORL(c.at.As32(), c.at.As32())
	Load(Param(count), left)
	SUBQ(I8(c.Lanes), left)
	JLT(LabelRef("rest"))
	Label("whole")
	c.mask = nil
	body()
	ADDQ(I8(c.Lanes<<c.logSize()), c.at)
	SUBQ(I8(c.Lanes), left)
	JGE(LabelRef("whole"))
	Label("rest")
	ADDQ(I8(c.Lanes), left)
	JEQ(LabelRef("next"))
	c.mask = mask
	c.SetMask(mask, left, tmp)
	body()
	Label("next")
}
