// Package pool generates pooling over windows of pixels, vector by vector of
// channels.
package pool

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Kernel takes the maximum, or the weighted sum with what follows it, of pixels.
type Kernel struct {
	vector.ISA
	Maximum bool
}

// together is how many vectors of channels one walk over the pixels takes.
const together = 4

// Emit writes the kernel into the file under construction.
func (k *Kernel) Emit() {
	name, last, combine := "PoolSumF32", ", weight float32, bias *float32, floor float32", "y[c] = max(weight * sum of x[pixels[t]*pitch+c] over t < taps + bias[c], floor)"
	if k.Maximum {
		name, last, combine = "PoolMaxF32", "", "y[c] = max of x[pixels[t]*pitch+c] over t < taps"
	}
	TEXT(name, 4, "func(channels, taps int, x *float32, pitch int, pixels *int32, y *float32"+last+")") // NOSPLIT
	doc := fmt.Sprintf("%s is, for one tap or more:\n\n\tfor c := range channels {\n\t\t%s\n\t}", name, combine)
	if !k.Maximum {
		doc += "\n\nThe bias may be nil."
	}
	Doc(strings.Split(doc, "\n")...)
	Pragma("noescape")

	channels, taps, x, pitch := reg.RAX, reg.RBX, reg.RCX, reg.RDX
	pixels, y := reg.RSI, reg.RDI
	advance := func(bytes int) {
		ADDQ(I32(bytes), x)
		ADDQ(I32(bytes), y)
		if !k.Maximum {
			// Nil stays nil.
			LEAQ(Mem{Base: bias, Disp: bytes}, reg.R9)
			TESTQ(bias, bias)
			CMOVQNE(reg.R9, bias)
		}
	}
	Load(Param("channels"), channels)
	Load(Param("x"), x)
	Load(Param("pitch"), pitch)
	SHLQ(U8(2), pitch)
	Load(Param("y"), y)
	if !k.Maximum {
		VBROADCASTSS(vector.Arg("weight"), k.weight())
		VBROADCASTSS(vector.Arg("floor"), k.floor())
		Load(Param("bias"), bias)
	}

	width := together * k.Lanes
	Label("wide")
	CMPQ(channels, I32(width))
	JLT(LabelRef("narrow"))
	k.walk("wide", together, nil, taps, x, pitch, pixels, y)
	advance(4 * width)
	SUBQ(I32(width), channels)
	JMP(LabelRef("wide"))

	Label("narrow")
	CMPQ(channels, I8(0))
	JLE(LabelRef("done"))
	lanes, tmp := reg.R8, reg.R9
	mask := k.Mask(0, k.Registers-1)
	MOVQ(channels, lanes)
	k.SetMask(mask, lanes, tmp)
	k.walk("narrow", 1, mask, taps, x, pitch, pixels, y)
	advance(k.Bytes())
	SUBQ(I32(k.Lanes), channels)
	JMP(LabelRef("narrow"))

	Label("done")
	VZEROUPPER()
	RET()
}

func (k *Kernel) weight() reg.VecPhysical { return k.Reg(k.Registers - 2) }
func (k *Kernel) floor() reg.VecPhysical  { return k.Reg(k.Registers - 3) }

// bias holds the address of the channels' biases.
var bias = reg.R10

// walk combines some vectors of every pixel: the first is taken as it is.
func (k *Kernel) walk(name string, vectors int, mask reg.Register, taps, x, pitch, pixels, y reg.GPPhysical) {
	at := reg.R8
	next := func() {
		MOVLQSX(Mem{Base: pixels}, at)
		IMULQ(pitch, at)
		ADDQ(x, at)
		ADDQ(I8(4), pixels)
	}
	Load(Param("taps"), taps)
	Load(Param("pixels"), pixels)
	next()
	for v := range vectors {
		k.ISA.Load(Mem{Base: at, Disp: v * k.Bytes()}, k.Reg(v), mask)
	}
	Label(name + "Tap")
	DECQ(taps)
	JEQ(LabelRef(name + "Combined"))
	next()
	for v := range vectors {
		from, acc := Mem{Base: at, Disp: v * k.Bytes()}, k.Reg(v)
		if mask == nil {
			k.combine(from, acc)
			continue
		}
		value := k.Reg(together)
		k.ISA.Load(from, value, mask)
		k.combine(value, acc)
	}
	JMP(LabelRef(name + "Tap"))
	Label(name + "Combined")
	if !k.Maximum {
		for v := range vectors {
			VMULPS(k.weight(), k.Reg(v), k.Reg(v))
		}
		TESTQ(bias, bias)
		JEQ(LabelRef(name + "Biased"))
		for v := range vectors {
			from, acc := Mem{Base: bias, Disp: v * k.Bytes()}, k.Reg(v)
			if mask == nil {
				VADDPS(from, acc, acc)
				continue
			}
			value := k.Reg(together)
			k.ISA.Load(from, value, mask)
			VADDPS(value, acc, acc)
		}
		Label(name + "Biased")
		for v := range vectors {
			// NaN is the result where it is the first operand.
			VMAXPS(k.Reg(v), k.floor(), k.Reg(v))
		}
	}
	for v := range vectors {
		k.Store(k.Reg(v), Mem{Base: y, Disp: v * k.Bytes()}, mask)
	}
}

func (k *Kernel) combine(value Op, acc reg.VecPhysical) {
	if k.Maximum {
		VMAXPS(value, acc, acc)
	} else {
		VADDPS(value, acc, acc)
	}
}
