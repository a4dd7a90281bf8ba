package pool

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// KernelBF16 is Kernel of pixels of bfloat16, for AVX-512. A vector of 32 channels is taken
// apart into those of even and of odd numbers, which a shift and a mask make float32 where
// they are: they cross no lanes.
type KernelBF16 struct {
	Maximum bool

	upper, even, odd, weight, floor reg.VecPhysical // constants
	rounding                        vector.Rounding
}

// lanesBF16 is the channels of a vector.
const lanesBF16 = 32

// Permutations writes the tables of the kernels of sums: the even and the odd lanes of two
// vectors.
func Permutations() {
	for first, name := range []string{"evenLanes", "oddLanes"} {
		GLOBL(name, 8|16) // RODATA|NOPTR
		for i := range vector.AVX512.Lanes {
			DATA(4*i, U32(uint32(2*i+first)))
		}
	}
}

// Emit writes the kernel into the file under construction.
func (k *KernelBF16) Emit() {
	name, last, combine := "PoolSumBF16", ", weight float32, bias *float32, floor float32", "y[c] = max(weight * sum of x[pixels[t]*pitch+c] over t < taps + bias[c], floor)"
	comment := "where x and y are bfloat16, all else is float32, and y is rounded to the nearest. The bias\nmay be nil."
	if k.Maximum {
		name, last, combine = "PoolMaxBF16", "", "y[c] = max of x[pixels[t]*pitch+c] over t < taps"
		comment = "where x and y are bfloat16."
	}
	TEXT(name, 4, "func(channels, taps int, x *uint16, pitch int, pixels *int32, y *uint16"+last+")") // NOSPLIT
	Doc(strings.Split(name+" is, for one tap or more:\n\n\tfor c := range channels {\n\t\t"+combine+"\n\t}\n\n"+comment, "\n")...)
	Pragma("noescape")

	isa := vector.AVX512
	channels, taps, x, pitch := reg.RAX, reg.RBX, reg.RCX, reg.RDX
	pixels, y, lanes, tmp := reg.RSI, reg.RDI, reg.R8, reg.R9
	constant := func(i int) reg.VecPhysical { return isa.Reg(isa.Registers - 1 - i) }
	k.upper, k.even, k.odd, k.weight, k.floor = constant(0), constant(1), constant(2), constant(3), constant(4)
	k.rounding = vector.NewRounding(isa.Registers-8, tmp)
	MOVL(U32(0xffff0000), tmp.As32())
	VPBROADCASTD(tmp.As32(), k.upper)
	Load(Param("channels"), channels)
	Load(Param("x"), x)
	Load(Param("pitch"), pitch)
	SHLQ(U8(1), pitch)
	Load(Param("y"), y)
	if !k.Maximum {
		VMOVDQU32(NewDataAddr(Symbol{Name: "evenLanes", Static: true}, 0), k.even)
		VMOVDQU32(NewDataAddr(Symbol{Name: "oddLanes", Static: true}, 0), k.odd)
		VBROADCASTSS(vector.Arg("weight"), k.weight)
		VBROADCASTSS(vector.Arg("floor"), k.floor)
		Load(Param("bias"), bias)
	}
	advance := func(vectors int) {
		ADDQ(I32(vectors*isa.Bytes()), x)
		ADDQ(I32(vectors*isa.Bytes()), y)
		if !k.Maximum {
			// Nil stays nil.
			LEAQ(Mem{Base: bias, Disp: 2 * vectors * isa.Bytes()}, tmp)
			TESTQ(bias, bias)
			CMOVQNE(tmp, bias)
		}
		SUBQ(I32(vectors*lanesBF16), channels)
	}

	Label("wide")
	CMPQ(channels, I32(together*lanesBF16))
	JLT(LabelRef("narrow"))
	k.walk("wide", together, nil, nil, taps, x, pitch, pixels, y)
	advance(together)
	JMP(LabelRef("wide"))

	// Of a last vector the mask of its channels, and of the second half of their biases.
	Label("narrow")
	CMPQ(channels, I8(0))
	JLE(LabelRef("done"))
	MOVL(U32(lanesBF16), lanes.As32())
	CMPQ(channels, lanes)
	CMOVQLT(channels, lanes)
	MOVL(I32(-1), tmp.As32())
	BZHIL(lanes.As32(), tmp.As32(), tmp.As32())
	KMOVD(tmp.As32(), reg.K1)
	KSHIFTRD(U8(16), reg.K1, reg.K3)
	k.walk("narrow", 1, reg.K1, reg.K3, taps, x, pitch, pixels, y)
	advance(1)
	JMP(LabelRef("narrow"))

	Label("done")
	VZEROUPPER()
	RET()
}

// sums are the registers of the even and the odd channels of vector v.
func (k *KernelBF16) sums(v int) (even, odd reg.VecPhysical) {
	return vector.AVX512.Reg(2 * v), vector.AVX512.Reg(2*v + 1)
}

// values are those of what is combined with the sums.
func (k *KernelBF16) values(v int) (even, odd reg.VecPhysical) { return k.sums(together + v) }

// load reads a vector of channels into its halves.
func (k *KernelBF16) load(m Mem, even, odd reg.VecPhysical, mask reg.Register) {
	if mask == nil {
		VMOVDQU16(m, odd)
	} else {
		VMOVDQU16_Z(m, mask, odd)
	}
	VPSLLD(U8(16), odd, even)
	VPANDD(k.upper, odd, odd)
}

// walk combines some vectors of every pixel: the first is taken as it is.
func (k *KernelBF16) walk(name string, vectors int, mask, second reg.Register, taps, x, pitch, pixels, y reg.GPPhysical) {
	isa := vector.AVX512
	at := reg.R8
	next := func() {
		MOVLQSX(Mem{Base: pixels}, at)
		IMULQ(pitch, at)
		ADDQ(x, at)
		ADDQ(I8(4), pixels)
	}
	combine := VADDPS
	if k.Maximum {
		combine = VMAXPS
	}
	Load(Param("taps"), taps)
	Load(Param("pixels"), pixels)
	next()
	for v := range vectors {
		even, odd := k.sums(v)
		k.load(Mem{Base: at, Disp: v * isa.Bytes()}, even, odd, mask)
	}
	Label(name + "Tap")
	DECQ(taps)
	JEQ(LabelRef(name + "Combined"))
	next()
	for v := range vectors {
		even, odd := k.sums(v)
		valueEven, valueOdd := k.values(v)
		k.load(Mem{Base: at, Disp: v * isa.Bytes()}, valueEven, valueOdd, mask)
		combine(valueEven, even, even)
		combine(valueOdd, odd, odd)
	}
	JMP(LabelRef(name + "Tap"))
	Label(name + "Combined")
	if !k.Maximum {
		k.finish(name, vectors, mask, second)
	}
	for v := range vectors {
		even, odd := k.sums(v)
		VPSRLD(U8(16), even, even)
		if !k.Maximum {
			VPANDD(k.upper, odd, odd)
		}
		VPORD(odd, even, even)
		to := Mem{Base: y, Disp: v * isa.Bytes()}
		if mask == nil {
			VMOVDQU16(even, to)
		} else {
			VMOVDQU16(even, mask, to)
		}
	}
}

// finish weights the sums, adds the biases, applies the floor and rounds.
func (k *KernelBF16) finish(name string, vectors int, mask, second reg.Register) {
	isa := vector.AVX512
	for v := range vectors {
		even, odd := k.sums(v)
		VMULPS(k.weight, even, even)
		VMULPS(k.weight, odd, odd)
	}
	TESTQ(bias, bias)
	JEQ(LabelRef(name + "Biased"))
	for v := range vectors {
		even, odd := k.sums(v)
		lower, higher := k.values(v)
		tmp := isa.Reg(4 * together)
		isa.Load(Mem{Base: bias, Disp: 2 * v * isa.Bytes()}, lower, mask)
		isa.Load(Mem{Base: bias, Disp: (2*v + 1) * isa.Bytes()}, higher, second)
		VMOVAPS(lower, tmp)
		VPERMT2PS(higher, k.even, tmp)
		VADDPS(tmp, even, even)
		VPERMT2PS(higher, k.odd, lower)
		VADDPS(lower, odd, odd)
	}
	Label(name + "Biased")
	for v := range vectors {
		even, odd := k.sums(v)
		valueEven, valueOdd := k.values(v)
		// NaN is the result where it is the first operand.
		VMAXPS(even, k.floor, valueEven)
		VMAXPS(odd, k.floor, valueOdd)
		k.rounding.Round(valueEven, even)
		k.rounding.Round(valueOdd, odd)
	}
}
