package pool

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Gradient adds an output pixel's gradient to those of the pixels it was pooled from:
// of the maximum, to the one that is it.
type Gradient struct {
	vector.ISA
	Maximum bool
}

// Emit writes the kernel into the file under construction.
func (g *Gradient) Emit() {
	if g.Maximum {
		TEXT("PoolMaxGradientF32", 4, "func(channels, taps int, x *float32, pitch int, pixels *int32, dy, dx *float32, pitchDX int)") // NOSPLIT
		Doc(strings.Split(`PoolMaxGradientF32 is, for one tap or more:

	for c := range channels {
		best := 0
		for t := 1; t < taps; t++ {
			if v := x[pixels[t]*pitch+c]; v > x[pixels[best]*pitch+c] || v != v {
				best = t
			}
		}
		dx[pixels[best]*pitchDX+c] += dy[c]
	}`, "\n")...)
	} else {
		TEXT("PoolSumGradientF32", 4, "func(channels, taps int, pixels *int32, dy *float32, weight float32, dx *float32, pitchDX int)")
		Doc(strings.Split(`PoolSumGradientF32 is, for one tap or more:

	for t := range taps {
		for c := range channels {
			dx[pixels[t]*pitchDX+c] += weight * dy[c]
		}
	}`, "\n")...)
	}
	Pragma("noescape")
	Load(Param("channels"), channels)
	if g.Maximum {
		Load(Param("x"), x)
		Load(Param("pitch"), pitch)
		SHLQ(U8(2), pitch)
	}
	Load(Param("dy"), dy)
	Load(Param("dx"), dx)
	Load(Param("pitchDX"), pitchDX)
	SHLQ(U8(2), pitchDX)

	width := together * g.Lanes
	advance := func(lanes int) {
		if g.Maximum {
			ADDQ(I32(4*lanes), x)
		}
		ADDQ(I32(4*lanes), dy)
		ADDQ(I32(4*lanes), dx)
		SUBQ(I32(lanes), channels)
	}
	Label("wide")
	CMPQ(channels, I32(width))
	JLT(LabelRef("narrow"))
	g.walk("wide", together, nil)
	advance(width)
	JMP(LabelRef("wide"))

	Label("narrow")
	CMPQ(channels, I8(0))
	JLE(LabelRef("done"))
	mask := g.Mask(0, g.Registers-1)
	MOVQ(channels, at)
	g.SetMask(mask, at, tap)
	g.walk("narrow", 1, mask)
	advance(g.Lanes)
	JMP(LabelRef("narrow"))

	Label("done")
	VZEROUPPER()
	RET()
}

var (
	channels, tap, at = reg.RAX, reg.RBX, reg.RCX
	x, pitch          = reg.RDX, reg.RSI
	dy, dx, pitchDX   = reg.RDI, reg.R8, reg.R9
	pixels            = reg.R10
)

// walk adds some vectors of the gradient.
func (g *Gradient) walk(name string, vectors int, mask reg.Register) {
	values := func(v int) reg.VecPhysical { return g.Reg(v) } // the largest, then dy
	best := func(v int) reg.VecPhysical { return g.Reg(vectors + v) }
	this, value, chosen, other := g.Reg(2*vectors), g.Reg(2*vectors+1), g.Reg(2*vectors+2), g.Reg(2*vectors+3)
	next := func(from, pitch reg.GPPhysical) {
		MOVLQSX(Mem{Base: pixels, Index: tap, Scale: 4}, at)
		IMULQ(pitch, at)
		ADDQ(from, at)
	}
	of := func(base reg.GPPhysical, v int) Mem { return Mem{Base: base, Disp: v * g.Bytes()} }
	number := func() { // of the tap, in every lane of this
		if g.ISA == vector.AVX512 {
			VPBROADCASTD(tap.As32(), this)
			return
		}
		VMOVD(tap.As32(), this.AsX())
		VPBROADCASTD(this.AsX(), this)
	}
	again := func(label string) {
		INCQ(tap)
		CMPQ(tap, vector.Arg("taps"))
		JLT(LabelRef(label))
	}

	Load(Param("pixels"), pixels)
	XORL(tap.As32(), tap.As32())
	if g.Maximum {
		next(x, pitch)
		for v := range vectors {
			g.ISA.Load(of(at, v), values(v), mask)
			g.Zero(best(v))
		}
		JMP(LabelRef(name + "Compared"))
		Label(name + "Compare")
		next(x, pitch)
		number()
		for v := range vectors {
			const greater, unordered = 0x1e, 3
			g.ISA.Load(of(at, v), value, mask)
			if g.ISA == vector.AVX512 {
				VCMPPS(U8(greater), values(v), value, reg.K2)
				VCMPPS(U8(unordered), value, value, reg.K3)
				KORW(reg.K2, reg.K3, reg.K2)
				VMOVAPS(value, reg.K2, values(v))
				VMOVDQA32(this, reg.K2, best(v))
			} else {
				VCMPPS(U8(greater), values(v), value, chosen)
				VCMPPS(U8(unordered), value, value, other)
				VORPS(other, chosen, chosen)
				VBLENDVPS(chosen, value, values(v), values(v))
				VBLENDVPS(chosen, this, best(v), best(v))
			}
		}
		Label(name + "Compared")
		again(name + "Compare")
		XORL(tap.As32(), tap.As32())
	} else {
		VBROADCASTSS(vector.Arg("weight"), this)
	}
	for v := range vectors {
		g.ISA.Load(of(dy, v), values(v), mask)
		if !g.Maximum {
			VMULPS(this, values(v), values(v))
		}
	}
	Label(name + "Add")
	next(dx, pitchDX)
	if g.Maximum {
		number()
	}
	for v := range vectors {
		g.ISA.Load(of(at, v), value, mask)
		switch {
		case !g.Maximum:
			VADDPS(values(v), value, value)
		case g.ISA == vector.AVX512:
			VPCMPEQD(best(v), this, reg.K2)
			VADDPS(values(v), value, reg.K2, value)
		default:
			VPCMPEQD(best(v), this, chosen)
			VANDPS(values(v), chosen, chosen)
			VADDPS(chosen, value, value)
		}
		g.Store(value, of(at, v), mask)
	}
	again(name + "Add")
}
