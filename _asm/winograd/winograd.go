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

// Outputs is how many outputs a tile has along one side.
const Outputs = 4

// Transform is the transforms of one size of tile: of the input, of the output and of
// the gradient with respect to that.
type Transform struct {
	vector.ISA
	Pairs  int  // pairs of points
	Square bool // along both sides of the tile, or along one
}

// side is how many pixels a tile reads, and how many points it has, along one side.
func (t *Transform) side() int { return 2*t.Pairs + 2 }

func (t *Transform) points() int {
	if t.Square {
		return t.side() * t.side()
	}
	return t.side()
}

func (t *Transform) outputs() int {
	if t.Square {
		return Outputs * Outputs
	}
	return Outputs
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
	newGradient(t).emit()
}

// code is what all transforms have: where things are kept.
type code struct {
	*Transform
	table  Mem             // pointers to a tile's pixels
	values reg.GPPhysical  // vectors between the two passes over a square, aligned
	mask   reg.Register    // nil in the loop over whole vectors
	at     reg.GPPhysical  // offset of the channel, in bytes
	coefs  reg.GPPhysical  // the transform's coefficients
	kept   int             // how many of them are in registers, the last ones
	spare  reg.VecPhysical // AVX2: a coefficient read from memory
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
	ADDQ(I8(c.Bytes()), c.at)
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
