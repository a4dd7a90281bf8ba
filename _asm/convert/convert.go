// Package convert generates conversions between contiguous float32 and bfloat16, for
// AVX-512.
package convert

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// together is how many vectors the inner loop takes.
const together = 4

// Emit writes the kernels into the file under construction.
func Emit() {
	isa := vector.AVX512
	var rounding vector.Rounding
	begin := func(tmp reg.GPPhysical) { rounding = vector.NewRounding(isa.Registers-3, tmp) }
	emit("SliceToBF16", "to *uint16, a *float32", "the bits of the bfloat16 that is nearest to a[i]", begin, func(to, from Mem, v int, mask reg.Register) {
		value, rounded := isa.Reg(v), isa.Reg(together+v)
		isa.Load(from.Offset(v*isa.Bytes()), value, mask)
		rounding.Round(value, rounded)
		vector.StoreBF16(rounded, to.Offset(v*isa.Lanes*2), mask)
	}, 2, 4)
	emit("SliceFromBF16", "to *float32, a *uint16", "the value of the bits a[i] of a bfloat16", func(reg.GPPhysical) {}, func(to, from Mem, v int, mask reg.Register) {
		value := isa.Reg(v)
		vector.LoadBF16(from.Offset(v*isa.Lanes*2), value, mask)
		isa.Store(value, to.Offset(v*isa.Bytes()), mask)
	}, 4, 2)
}

// emit writes a loop that begin prepares, with a register that it may change, and whose body converts vector v of those from to and from on, elements
// of the given sizes in bytes.
func emit(name, slices, result string, begin func(tmp reg.GPPhysical), body func(to, from Mem, v int, mask reg.Register), sizeTo, sizeFrom uint8) {
	isa := vector.AVX512
	n, to, from, index, lanes, tmp := reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI
	TEXT(name, 4, "func(n int, "+slices+")") // NOSPLIT
	Doc(name+" is", "", "\tfor i := range n {", "\t\tto[i] = "+result, "\t}")
	Pragma("noescape")
	Load(Param("n"), n)
	Load(Param("to"), to)
	Load(Param("a"), from)
	XORL(index.As32(), index.As32())
	begin(tmp)
	vectors := func(count int, mask reg.Register) {
		for v := range count {
			body(Mem{Base: to, Index: index, Scale: sizeTo}, Mem{Base: from, Index: index, Scale: sizeFrom}, v, mask)
		}
		ADDQ(I32(count*isa.Lanes), index)
		SUBQ(I32(count*isa.Lanes), n)
	}

	Label("wide")
	CMPQ(n, I32(together*isa.Lanes))
	JLT(LabelRef("narrow"))
	vectors(together, nil)
	JMP(LabelRef("wide"))

	Label("narrow")
	CMPQ(n, I8(0))
	JLE(LabelRef("done"))
	mask := isa.Mask(0, 0)
	MOVQ(n, lanes)
	isa.SetMask(mask, lanes, tmp)
	vectors(1, mask)
	JMP(LabelRef("narrow"))

	Label("done")
	VZEROUPPER()
	RET()
}
