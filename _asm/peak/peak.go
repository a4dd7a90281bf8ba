// Package peak generates the loops that measure the arithmetic peak.
package peak

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/evex"
	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
	"github.com/seed-fb2c0fa6/inception/_asm/vex"
)

// Sums is how many multiply-adds are under way at once: more than latency times ports.
const Sums = 12

// Emit writes the loop of float32 into the file under construction.
func Emit(isa vector.ISA) {
	emit(isa, "MultiplyAddF32", fmt.Sprintf("%d lanes", isa.Lanes), func(i int) {
		VFMADD231PS(isa.Reg(14), isa.Reg(15), isa.Reg(i))
	})
}

// EmitBF16 writes the loop of bfloat16.
func EmitBF16() {
	isa := vector.AVX512
	emit(isa, "MultiplyAddBF16", fmt.Sprintf("%d lanes of two", isa.Lanes), func(i int) {
		evex.VDPBF16PS(isa.Reg(14), isa.Reg(15), isa.Reg(i))
	})
}

// EmitI8 writes the loop of 8-bit integers, multiplied as tiles are.
func EmitI8(isa vector.ISA, how gemm.Int8) {
	emit(isa, "MultiplyAddI8", fmt.Sprintf("%d lanes of four", isa.Lanes), func(i int) {
		if how == gemm.VNNI {
			gemm.MultiplyQuads(isa, isa.Reg(14), isa.Reg(15), isa.Reg(i))
			return
		}
		gemm.MultiplyHalves(isa.Reg(14), isa.Reg(15), isa.Reg(12), isa.Reg(13))
		VPADDD(isa.Reg(13), isa.Reg(i), isa.Reg(i))
	})
}

// EmitTiles writes the loop of products in AMX's tiles, as blocks do them, with the shapes of
// the file.
func EmitTiles(int8 bool) {
	name, product := "MultiplyAddBF16", vex.TDPBF16PS
	if int8 {
		name, product = "MultiplyAddI8", vex.TDPBUSD
	}
	TEXT(name, 4, "func(n int)")
	Doc(name + " does n times four products of tiles of 16 rows and 16 columns of 64 bytes, all of zeros.")
	LEAQ(NewDataAddr(Symbol{Name: "shapes", Static: true}, 15*64), reg.RCX) // all of 16 rows
	vex.LDTILECFG(Mem{Base: reg.RCX})
	Load(Param("n"), reg.RAX)
	Label("loop")
	product(6, 4, 0)
	product(6, 5, 2)
	product(7, 4, 1)
	product(7, 5, 3)
	DECQ(reg.RAX)
	JNE(LabelRef("loop"))
	vex.TILERELEASE()
	RET()
}

// loads is how many vectors a turn of the loop that loads has.
const loads = 16

// EmitLoad writes the loop that loads.
func EmitLoad(isa vector.ISA) {
	TEXT("LoadF32", 4, "func(x *float32, n int)")
	Doc(fmt.Sprintf("LoadF32 loads n times %d values, one block behind the other.", loads*isa.Lanes))
	Load(Param("x"), reg.RSI)
	Load(Param("n"), reg.RAX)
	Label("loop")
	for i := range loads {
		VMOVUPS(Mem{Base: reg.RSI, Disp: i * isa.Bytes()}, isa.Reg(i))
	}
	ADDQ(U32(loads*isa.Bytes()), reg.RSI)
	DECQ(reg.RAX)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func emit(isa vector.ISA, name, lanes string, multiplyAdd func(i int)) {
	TEXT(name, 4, "func(n int)")
	Doc(fmt.Sprintf("%s does n times %d independent multiply-adds of %s, all of zeros.", name, Sums, lanes))
	for i := range isa.Registers {
		isa.Zero(isa.Reg(i))
	}
	Load(Param("n"), reg.RAX)
	Label("loop")
	for i := range Sums {
		multiplyAdd(i)
	}
	DECQ(reg.RAX)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
