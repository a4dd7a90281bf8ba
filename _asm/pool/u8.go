package pool

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// KernelU8 is Kernel of pixels of unsigned 8-bit integers. Sums are in words. For AVX2, which
// has no masks of bytes, channels are whole vectors.
type KernelU8 struct {
	vector.ISA
	Maximum bool
}

// lanes is the channels of a vector.
func (k *KernelU8) lanes() int {
	if k.Maximum {
		return k.Bytes()
	}
	return k.Bytes() / 2
}

// WidthU8 is how many channels are a whole vector of either kernel.
func WidthU8(isa vector.ISA) int { return isa.Bytes() }

// Emit writes the kernel into the file under construction.
func (k *KernelU8) Emit() {
	name, last, combine := "PoolSumU8", ", weight float32", "y[c] = weight * sum of x[pixels[t]*pitch+c] over t < taps"
	comment := "rounded to the nearest integer, of two to the even one, and limited to 255. There are at most\n257 taps, and weight is not negative."
	if k.Maximum {
		name, last, combine, comment = "PoolMaxU8", "", "y[c] = max of x[pixels[t]*pitch+c] over t < taps", ""
	}
	if k.ISA == vector.AVX2 {
		comment = strings.TrimSpace(comment + fmt.Sprintf("\nchannels is a multiple of %d.", WidthU8(k.ISA)))
	}
	TEXT(name, 4, "func(channels, taps int, x *uint8, pitch int, pixels *int32, y *uint8"+last+")") // NOSPLIT
	doc := name + " is, for one tap or more:\n\n\tfor c := range channels {\n\t\t" + combine + "\n\t}"
	if comment != "" {
		doc += "\n\n" + comment
	}
	Doc(strings.Split(doc, "\n")...)
	Pragma("noescape")

	channels, x, pitch, y := reg.RAX, reg.RCX, reg.RDX, reg.RDI
	lanes, tmp := reg.R8, reg.R9
	Load(Param("channels"), channels)
	Load(Param("x"), x)
	Load(Param("pitch"), pitch)
	Load(Param("y"), y)
	if !k.Maximum {
		VBROADCASTSS(vector.Arg("weight"), k.weight())
		VBROADCASTSS(NewDataAddr(Symbol{Name: "most", Static: true}, 0), k.most())
	}
	advance := func(vectors int) {
		ADDQ(I32(vectors*k.lanes()), x)
		ADDQ(I32(vectors*k.lanes()), y)
		SUBQ(I32(vectors*k.lanes()), channels)
	}
	Label("wide")
	CMPQ(channels, I32(together*k.lanes()))
	JLT(LabelRef("narrow"))
	k.walk("wide", together, false)
	advance(together)
	JMP(LabelRef("wide"))

	Label("narrow")
	CMPQ(channels, I8(0))
	JLE(LabelRef("done"))
	if k.ISA == vector.AVX512 {
		MOVL(U32(uint32(k.lanes())), lanes.As32())
		CMPQ(channels, lanes)
		CMOVQLT(channels, lanes)
		MOVQ(I32(-1), tmp)
		BZHIQ(lanes, tmp, tmp)
		KMOVQ(tmp, reg.K1)
		KSHIFTRQ(U8(16), reg.K1, reg.K2)
	}
	k.walk("narrow", 1, k.ISA == vector.AVX512)
	advance(1)
	JMP(LabelRef("narrow"))
	Label("done")
	VZEROUPPER()
	RET()
}

func (k *KernelU8) weight() reg.VecPhysical { return k.Reg(k.Registers - 1) }
func (k *KernelU8) most() reg.VecPhysical   { return k.Reg(k.Registers - 2) }

// load reads a vector of channels, as words where they are summed.
func (k *KernelU8) load(m Mem, v reg.VecPhysical, masked bool) {
	switch {
	case k.Maximum && k.ISA == vector.AVX2:
		VMOVDQU(m, v)
	case k.Maximum && masked:
		VMOVDQU8_Z(m, reg.K1, v)
	case k.Maximum:
		VMOVDQU8(m, v)
	case masked:
		VPMOVZXBW_Z(m, reg.K1, v)
	default:
		VPMOVZXBW(m, v)
	}
}

// walk combines some vectors of every pixel: the first is taken as it is.
func (k *KernelU8) walk(name string, vectors int, masked bool) {
	taps, x, pitch, pixels, y, at := reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI, reg.R8
	of := func(base reg.GPPhysical, v int) Mem { return Mem{Base: base, Disp: v * k.lanes()} }
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
		k.load(of(at, v), k.Reg(v), masked)
	}
	Label(name + "Tap")
	DECQ(taps)
	JEQ(LabelRef(name + "Combined"))
	next()
	for v := range vectors {
		value := k.Reg(together)
		if k.Maximum && !masked {
			VPMAXUB(of(at, v), k.Reg(v), k.Reg(v))
			continue
		}
		k.load(of(at, v), value, masked)
		if k.Maximum {
			VPMAXUB(value, k.Reg(v), k.Reg(v))
		} else {
			VPADDW(value, k.Reg(v), k.Reg(v))
		}
	}
	JMP(LabelRef(name + "Tap"))
	Label(name + "Combined")
	for v := range vectors {
		switch {
		case !k.Maximum:
			k.finish(k.Reg(v), of(y, v), masked)
		case k.ISA == vector.AVX2:
			VMOVDQU(k.Reg(v), of(y, v))
		case masked:
			VMOVDQU8(k.Reg(v), reg.K1, of(y, v))
		default:
			VMOVDQU8(k.Reg(v), of(y, v))
		}
	}
}

// finish weights the sums in a vector, rounds and stores them.
func (k *KernelU8) finish(sums reg.VecPhysical, to Mem, masked bool) {
	halves := []reg.VecPhysical{k.Reg(together + 1), k.Reg(together + 2)}
	VPMOVZXWD(k.Half(sums), halves[0])
	if k.ISA == vector.AVX2 {
		VEXTRACTI128(U8(1), sums, k.Half(halves[1]))
	} else {
		VEXTRACTI64X4(U8(1), sums, k.Half(halves[1]))
	}
	VPMOVZXWD(k.Half(halves[1]), halves[1])
	for i, v := range halves {
		VCVTDQ2PS(v, v)
		VMULPS(k.weight(), v, v)
		VMINPS(k.most(), v, v)
		VCVTPS2DQ(v, v)
		switch {
		case k.ISA == vector.AVX2:
		case masked:
			VPMOVDB(v, []reg.Register{reg.K1, reg.K2}[i], to.Offset(16*i))
		default:
			VPMOVDB(v, to.Offset(16*i))
		}
	}
	if k.ISA == vector.AVX2 {
		const inOrder = 0xd8 // of the quarters: 0, 2, 1, 3
		VPACKUSDW(halves[1], halves[0], halves[0])
		VPERMQ(U8(inOrder), halves[0], halves[0])
		VPACKUSWB(halves[0], halves[0], halves[0])
		VPERMQ(U8(inOrder), halves[0], halves[0])
		VMOVDQU(k.Half(halves[0]), to)
	}
}
