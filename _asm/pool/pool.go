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
	BF16    bool // x and y are bfloat16, for AVX512 only

	rounding vector.Rounding
}

// together is how many vectors of channels one walk over the pixels takes.
const together = 4

// Emit writes the kernel into the file under construction.
func (k *Kernel) Emit() {
	name, last, combine := "PoolSum", ", weight float32, bias *float32, floor float32", "y[c] = max(weight * sum of x[pixels[t]*pitch+c] over t < taps + bias[c], floor)"
	if k.Maximum {
		name, last, combine = "PoolMax", "", "y[c] = max of x[pixels[t]*pitch+c] over t < taps"
	}
	element, kind := "float32", "F32"
	if k.BF16 {
		element, kind = "uint16", "BF16"
	}
	name += kind
	TEXT(name, 4, fmt.Sprintf("func(channels, taps int, x *%[1]s, pitch int, pixels *int32, y *%[1]s%s)", element, last)) // NOSPLIT
	doc := fmt.Sprintf("%s is, for one tap or more:\n\n\tfor c := range channels {\n\t\t%s\n\t}", name, combine)
	switch {
	case k.BF16 && k.Maximum:
		doc += "\n\nwhere x and y are bfloat16."
	case k.BF16:
		doc += "\n\nwhere x and y are bfloat16, all else is float32, and y is rounded to the nearest. The bias may be\nnil."
	case !k.Maximum:
		doc += "\n\nThe bias may be nil."
	}
	Doc(strings.Split(doc, "\n")...)
	Pragma("noescape")

	channels, taps, x, pitch := reg.RAX, reg.RBX, reg.RCX, reg.RDX
	pixels, y := reg.RSI, reg.RDI
	advance := func(vectors int) {
		ADDQ(I32(vectors*k.stride()), x)
		ADDQ(I32(vectors*k.stride()), y)
		if !k.Maximum {
			// Nil stays nil.
			LEAQ(Mem{Base: bias, Disp: vectors * k.Bytes()}, reg.R9)
			TESTQ(bias, bias)
			CMOVQNE(reg.R9, bias)
		}
	}
	Load(Param("channels"), channels)
	Load(Param("x"), x)
	Load(Param("pitch"), pitch)
	if k.BF16 {
		SHLQ(U8(1), pitch)
	} else {
		SHLQ(U8(2), pitch)
	}
	Load(Param("y"), y)
	if !k.Maximum {
		if k.BF16 {
			k.rounding = vector.NewRounding(k.Registers-6, reg.R8)
		}
		VBROADCASTSS(vector.Arg("weight"), k.weight())
		VBROADCASTSS(vector.Arg("floor"), k.floor())
		Load(Param("bias"), bias)
	}

	width := together * k.Lanes
	Label("wide")
	CMPQ(channels, I32(width))
	JLT(LabelRef("narrow"))
	k.walk("wide", together, nil, taps, x, pitch, pixels, y)
	advance(together)
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
	advance(1)
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

// stride is the bytes from a vector of x or y to the next.
func (k *Kernel) stride() int {
	if k.BF16 {
		return 2 * k.Lanes
	}
	return k.Bytes()
}

func (k *Kernel) load(m Mem, v reg.VecPhysical, mask reg.Register) {
	if k.BF16 {
		vector.LoadBF16(m, v, mask)
	} else {
		k.ISA.Load(m, v, mask)
	}
}

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
		k.load(Mem{Base: at, Disp: v * k.stride()}, k.Reg(v), mask)
	}
	Label(name + "Tap")
	DECQ(taps)
	JEQ(LabelRef(name + "Combined"))
	next()
	for v := range vectors {
		from, acc := Mem{Base: at, Disp: v * k.stride()}, k.Reg(v)
		if mask == nil && !k.BF16 {
			k.combine(from, acc)
			continue
		}
		value := k.Reg(together + v)
		k.load(from, value, mask)
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
		to := Mem{Base: y, Disp: v * k.stride()}
		if !k.BF16 {
			k.Store(k.Reg(v), to, mask)
			continue
		}
		value := k.Reg(v)
		if !k.Maximum {
			value = k.Reg(together + v)
			k.rounding.Round(k.Reg(v), value)
		}
		vector.StoreBF16(value, to, mask)
	}
}

func (k *Kernel) combine(value Op, acc reg.VecPhysical) {
	if k.Maximum {
		VMAXPS(value, acc, acc)
	} else {
		VADDPS(value, acc, acc)
	}
}
