package convert

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// EmitU8 writes the conversions between float32 and unsigned 8-bit integers into the file under
// construction, for AVX2 of whole vectors.
func EmitU8(isa vector.ISA) {
	GLOBL("most", 8|16) // RODATA|NOPTR
	DATA(0, F32(255))
	whole := ""
	if isa == vector.AVX2 {
		whole = " n is a multiple of 8."
	}
	emitU8(isa, "SliceToU8", "to *uint8, a *float32, inverse, zeroPoint float32", `SliceToU8 is

	for i := range n {
		to[i] = a[i]*inverse + zeroPoint
	}

rounded to the nearest integer, of two to the even one, and limited to 0 and 255.`+whole, toU8)
	emitU8(isa, "SliceFromU8", "to *float32, a *uint8, scale, zeroPoint float32", `SliceFromU8 is

	for i := range n {
		to[i] = (a[i] - zeroPoint) * scale
	}

`+strings.TrimSpace("in float32."+whole), fromU8)
}

// conversionU8 is the registers of a conversion.
type conversionU8 struct {
	vector.ISA
	factor, zero, most reg.VecPhysical
}

func emitU8(isa vector.ISA, name, arguments, doc string, step func(c *conversionU8, to, a reg.GPPhysical, masked bool)) {
	TEXT(name, 4, "func(n int, "+arguments+")") // NOSPLIT
	Doc(strings.Split(doc, "\n")...)
	Pragma("noescape")
	n, to, a, lanes, tmp := reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI
	Load(Param("n"), n)
	Load(Param("to"), to)
	Load(Param("a"), a)
	c := &conversionU8{isa, isa.Reg(15), isa.Reg(14), isa.Reg(13)}
	sizeTo, sizeA := 1, 4
	factor := "inverse"
	if name == "SliceFromU8" {
		sizeTo, sizeA, factor = 4, 1, "scale"
	}
	VBROADCASTSS(vector.Arg(factor), c.factor)
	VBROADCASTSS(vector.Arg("zeroPoint"), c.zero)
	VBROADCASTSS(NewDataAddr(Symbol{Name: "most", Static: true}, 0), c.most)
	Label("loop")
	CMPQ(n, I8(isa.Lanes))
	JLT(LabelRef("rest"))
	step(c, to, a, false)
	ADDQ(I32(sizeTo*isa.Lanes), to)
	ADDQ(I32(sizeA*isa.Lanes), a)
	SUBQ(I8(isa.Lanes), n)
	JMP(LabelRef("loop"))
	Label("rest")
	if isa == vector.AVX512 {
		TESTQ(n, n)
		JEQ(LabelRef("done"))
		MOVQ(n, lanes)
		isa.SetMask(reg.K1, lanes, tmp)
		step(c, to, a, true)
		Label("done")
	}
	VZEROUPPER()
	RET()
}

func toU8(c *conversionU8, to, a reg.GPPhysical, masked bool) {
	v, half := c.Reg(0), c.Reg(1)
	var mask reg.Register
	if masked {
		mask = reg.K1
	}
	c.Load(Mem{Base: a}, v, mask)
	VFMADD213PS(c.zero, c.factor, v)
	VMINPS(c.most, v, v)
	VCVTPS2DQ(v, v)
	if c.ISA == vector.AVX2 {
		VEXTRACTI128(U8(1), v, c.Half(half))
		VPACKSSDW(c.Half(half), c.Half(v), c.Half(v))
		VPACKUSWB(c.Half(v), c.Half(v), c.Half(v))
		VMOVQ(c.Half(v), Mem{Base: to})
		return
	}
	c.Zero(half)
	VPMAXSD(half, v, v)
	if masked {
		VPMOVDB(v, mask, Mem{Base: to})
	} else {
		VPMOVDB(v, Mem{Base: to})
	}
}

func fromU8(c *conversionU8, to, a reg.GPPhysical, masked bool) {
	v := c.Reg(0)
	var mask reg.Register
	if masked {
		mask = reg.K1
		VPMOVZXBD_Z(Mem{Base: a}, mask, v)
	} else {
		VPMOVZXBD(Mem{Base: a}, v)
	}
	VCVTDQ2PS(v, v)
	VSUBPS(c.zero, v, v)
	VMULPS(c.factor, v, v)
	c.Store(v, Mem{Base: to}, mask)
}
