package gemm

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// What AMX's tiles multiply of gradients: rows of one operand are pixels side by side, and pairs
// of pixels of the other lie together, as pairs of channels do otherwise.

// rowOf sets a register to a row that is looked up in a table, or to the one after the last.
type rowOf struct {
	a, lda, table, toZero reg.GPPhysical
}

func (r rowOf) load() {
	Load(Param("a"), r.a)
	Load(Param("lda"), r.lda)
	Load(Param("rows"), r.table)
	Load(Param("zero"), r.toZero)
	SUBQ(r.a, r.toZero)
}

func (r rowOf) next(label string, to reg.GPPhysical) {
	MOVQ(r.a, to)
	TESTQ(r.table, r.table)
	JEQ(LabelRef(label + "Following"))
	MOVLQSX(Mem{Base: r.table}, to)
	IMULQ(r.lda, to)
	TESTQ(to, to)
	CMOVQMI(r.toZero, to)
	ADDQ(r.a, to)
	ADDQ(I8(4), r.table)
	JMP(LabelRef(label + "Found"))
	Label(label + "Following")
	ADDQ(r.lda, r.a)
	Label(label + "Found")
}

const docRow = "where row i is a[rows[i]*lda/2:], zero where the index is negative, or a[i*lda/2:] if rows is nil."

// InterleaveRows writes the kernel that puts the values of two rows side by side, column by
// column.
func InterleaveRows() {
	TEXT("InterleaveRows", 4, "func(pairs, n int, a *uint16, lda int, rows *int32, zero, to *uint16, panel int)")
	Doc(
		"InterleaveRows is, with panels of 32 columns:",
		"",
		"	for p := range pairs {",
		"		for j := range n { // and zeros up to a multiple of 32",
		"			to[j/32*panel/2+p*64+j%32*2] = row(2*p)[j]",
		"			to[j/32*panel/2+p*64+j%32*2+1] = row(2*p+1)[j]",
		"		}",
		"	}",
		"",
		docRow,
	)
	Pragma("noescape")
	r := rowOf{reg.R9, reg.R10, reg.R11, reg.R13}
	pairs, to, column := reg.RAX, reg.R8, reg.RBX
	even, odd, at, n, lanes, tmp := reg.RCX, reg.RSI, reg.RDI, reg.R12, reg.R14, reg.R15
	Load(Param("n"), n)
	Load(Param("to"), to)
	XORL(column.As32(), column.As32())
	// Panel after panel: those of weights may lie on the same sets of a cache.
	Label("panel")
	for v, mask := range columnMasks {
		MOVQ(n, lanes)
		if v > 0 {
			SUBQ(I8(16), lanes)
		}
		vector.AVX512.SetMask(mask, lanes, tmp)
	}
	r.load()
	Load(Param("pairs"), pairs)
	MOVQ(to, at)
	Label("pair")
	r.next("even", even)
	r.next("odd", odd)
	for v, mask := range columnMasks {
		VPMOVZXWD_Z(Mem{Base: even, Index: column, Scale: 1, Disp: 32 * v}, mask, z(0))
		VPMOVZXWD_Z(Mem{Base: odd, Index: column, Scale: 1, Disp: 32 * v}, mask, z(1))
		VPSLLD(U8(16), z(1), z(1))
		VPORD(z(1), z(0), z(0))
		VMOVDQU32(z(0), Mem{Base: at, Disp: 64 * v})
	}
	ADDQ(U32(128), at)
	DECQ(pairs)
	JNE(LabelRef("pair"))
	ADDQ(I8(64), column)
	ADDQ(vector.Arg("panel"), to)
	SUBQ(I8(32), n)
	JGT(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// TransposeRows writes the kernel that puts the values of a column side by side.
func TransposeRows() {
	TEXT("TransposeRows", 4, "func(blocks, n int, a *uint16, lda int, rows *int32, zero, to *uint16, pitch int)")
	Doc(
		"TransposeRows is:",
		"",
		"	for i := range 32 * blocks {",
		"		for j := range n { // and zeros up to a multiple of 16",
		"			to[j*pitch/2+i] = row(i)[j]",
		"		}",
		"	}",
		"",
		docRow,
	)
	Pragma("noescape")
	r := rowOf{reg.R9, reg.R10, reg.R11, reg.R13}
	blocks, to, pitch := reg.RAX, reg.R8, reg.RBX
	row, at, n, lanes, column, tmp := reg.RCX, reg.RDI, reg.R12, reg.R14, reg.RSI, reg.R15
	pointers := AllocLocal(8 * 32)
	pointer := func(i int) Mem { m := pointers; m.Disp += 8 * i; return m }
	r.load()
	Load(Param("blocks"), blocks)
	Load(Param("to"), to)
	Load(Param("pitch"), pitch)
	Label("block")
	for i := range 32 {
		r.next("row"+string(rune('A'+i/26))+string(rune('a'+i%26)), row)
		MOVQ(row, pointer(i))
	}
	MOVQ(to, at)
	XORL(column.As32(), column.As32())
	Load(Param("n"), n)
	Label("columns")
	MOVQ(n, lanes)
	vector.AVX512.SetMask(reg.K1, lanes, tmp)
	for i := range 16 {
		MOVQ(pointer(2*i), row)
		VPMOVZXWD_Z(Mem{Base: row, Index: column, Scale: 1}, reg.K1, z(i))
		MOVQ(pointer(2*i+1), row)
		VPMOVZXWD_Z(Mem{Base: row, Index: column, Scale: 1}, reg.K1, z(16))
		VPSLLD(U8(16), z(16), z(16))
		VPORD(z(16), z(i), z(i))
	}
	transpose16()
	for i := range 16 {
		VMOVDQU32(z(i), Mem{Base: at})
		ADDQ(pitch, at)
	}
	ADDQ(I8(32), column)
	SUBQ(I8(16), n)
	JGT(LabelRef("columns"))
	ADDQ(I8(64), to)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// TransposePairs writes the kernel that makes columns of rows, whose pairs stay together.
func TransposePairs() {
	TEXT("TransposePairs", 4, "func(m, n int, a *uint16, lda int, to *uint16)")
	Doc(
		"TransposePairs is, for m of 1 to 16:",
		"",
		"	for i := range m { // and zeros up to 16",
		"		for j := range n { // and zeros up to a multiple of 32",
		"			to[j/2*64+2*i+j%2] = a[i*lda/2+j]",
		"		}",
		"	}",
	)
	Pragma("noescape")
	m, n, a, lda, to, row, lanes, mask := reg.RAX, reg.RBX, reg.R9, reg.R10, reg.R8, reg.RCX, reg.RDX, reg.RSI
	Load(Param("m"), m)
	Load(Param("n"), n)
	Load(Param("a"), a)
	Load(Param("lda"), lda)
	Load(Param("to"), to)
	Label("columns")
	MOVL(U32(32), lanes.As32())
	CMPQ(n, lanes)
	CMOVQLT(n, lanes)
	MOVQ(I32(-1), mask)
	BZHIQ(lanes, mask, mask)
	KMOVD(mask.As32(), reg.K1)
	MOVQ(a, row)
	for i := range 16 {
		VPXORD(z(i), z(i), z(i))
	}
	for i := range 16 {
		CMPQ(m, I8(i))
		JLE(LabelRef("loaded"))
		VMOVDQU16_Z(Mem{Base: row}, reg.K1, z(i))
		ADDQ(lda, row)
	}
	Label("loaded")
	transpose16()
	for i := range 16 {
		VMOVDQU32(z(i), Mem{Base: to, Disp: 128 * i})
	}
	ADDQ(I8(64), a)
	ADDQ(U32(2048), to)
	SUBQ(I8(32), n)
	JGT(LabelRef("columns"))
	VZEROUPPER()
	RET()
}

// transpose16 transposes the 16 x 16 values of 32 bits in registers 0 to 15: within vectors'
// quarters by twos and fours, and then quarters.
func transpose16() {
	const lower, upper = 16, 0
	for i := 0; i < 16; i += 2 {
		VUNPCKLPS(z(i+1), z(i), z(lower+i))
		VUNPCKHPS(z(i+1), z(i), z(lower+i+1))
	}
	for i := 0; i < 16; i += 4 {
		for half := range 2 {
			a, b := z(lower+i+half), z(lower+i+half+2)
			VUNPCKLPD(b, a, z(upper+i+2*half))
			VUNPCKHPD(b, a, z(upper+i+2*half+1))
		}
	}
	const even, odd = U8(0x88), U8(0xdd)
	for k := range 4 {
		VSHUFF32X4(even, z(4+k), z(k), z(16+k))
		VSHUFF32X4(odd, z(4+k), z(k), z(20+k))
		VSHUFF32X4(even, z(12+k), z(8+k), z(24+k))
		VSHUFF32X4(odd, z(12+k), z(8+k), z(28+k))
	}
	for k := range 4 {
		VSHUFF32X4(even, z(24+k), z(16+k), z(k))
		VSHUFF32X4(even, z(28+k), z(20+k), z(4+k))
		VSHUFF32X4(odd, z(24+k), z(16+k), z(8+k))
		VSHUFF32X4(odd, z(28+k), z(20+k), z(12+k))
	}
}
