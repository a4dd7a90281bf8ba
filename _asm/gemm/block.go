package gemm

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/evex"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
	"github.com/seed-fb2c0fa6/inception/_asm/vex"
)

// A Block is a kernel that computes up to 32 rows of panels of 32 columns in AMX's tiles, of
// bfloat16 or of 8-bit integers. The tiles are configured once, for all panels, and released
// before it returns; what is asked for of the sums is computed by AVX-512 from memory.
//
// Four tiles hold the sums of two groups of rows and two of columns, two the rows, two the
// columns. The last group of rows has those that are left of 16; the first is of 16, or not
// there.
type Block struct{ Int8 bool }

const (
	blockRows, blockColumns = 32, 32
	tileRows, tileBytes     = 16, 64 // of all tiles, at most

	rowsFirst, rowsLast    = vex.Tile(4), vex.Tile(5)
	columnsLow, columnsTop = vex.Tile(6), vex.Tile(7)

	sumsPitch = blockColumns * 4
)

const signatureBlockI8 = "m, n, steps int, a *uint8, lda int, b *int8, panel int, c *uint8, ldc int, cf *float32, ldf int, scale, bias, residual *float32, ldr int, floor, inverse, zeroPoint float32, sums *float32"

const signatureBlockBF16 = "m, n, steps int, a *uint16, lda int, b *uint16, panel int, c *uint16, cf *float32, ldc int, bias *float32, residual *uint16, ldr int, scale, floor float32, sums *float32"

var docBlockI8 = []string{
	" is, for m of 1 to 32 and any n, with 64*steps values in each row of a:",
	"",
	"	for i := range m {",
	"		for j := range n {",
	"			acc := 0",
	"			for p := range 64*steps {",
	"				acc += a[i*lda+p] * b[j/32*panel+(p/4*32+j%32)*4+p%4]",
	"			}",
	"			v := acc*scale[j] + bias[j]",
	"			if inverse == 0 {",
	"				c[i*ldc+j] = v",
	"				continue",
	"			}",
	"			if residual != nil {",
	"				v += residual[i*ldr+j]",
	"			}",
	"			v = max(v, floor)",
	"			if cf != nil {",
	"				cf[i*ldf+j] = v",
	"			}",
	"			if c != nil {",
	"				c[i*ldc+j] = v*inverse + zeroPoint",
	"			}",
	"		}",
	"	}",
	"",
	"where acc is an integer of 32 bits, and c is rounded to the nearest integer, of two to the even",
	"one, and limited to 0 and 255. Where inverse is 0, v is to be less than 1<<31. scale and bias",
	"have as many elements as the panels have columns. sums is memory for 1024.",
}

var docBlockBF16 = []string{
	" is, for m of 1 to 32 and any n, with 32*steps values in each row of a:",
	"",
	"	for i := range m {",
	"		for j := range n {",
	"			acc := 0",
	"			for p := range 32*steps {",
	"				acc += a[i*lda+p] * b[j/32*panel+(p/2*32+j%32)*2+p%2]",
	"			}",
	"			if bias != nil {",
	"				acc += bias[j]",
	"			}",
	"			if residual != nil {",
	"				acc = residual[i*ldr+j] + scale*acc",
	"			}",
	"			c[i*ldc+j] = max(acc, floor)",
	"		}",
	"	}",
	"",
	"where a, b and residual are bfloat16, acc and the products float32, and c is rounded to the",
	"nearest bfloat16. Where cf is not nil it takes the result, not rounded, in c's place. sums is",
	"memory for 1024.",
}

// Shapes writes the table of the tiles' shapes: one for each number of rows of the last group.
func Shapes() {
	GLOBL("shapes", 8|16) // RODATA|NOPTR
	for last := 1; last <= tileRows; last++ {
		rows := [8]int{tileRows, tileRows, last, last, tileRows, last, tileRows, tileRows}
		var at [64]byte
		at[0] = 1 // the palette
		for tile, n := range rows {
			at[16+2*tile], at[48+tile] = tileBytes, byte(n)
		}
		for i := 0; i < len(at); i += 8 {
			var word uint64
			for j := range 8 {
				word |= uint64(at[i+j]) << (8 * j)
			}
			DATA((last-1)*len(at)+i, U64(word))
		}
	}
	GLOBL("most", 8|16) // 255
	DATA(0, F32(255))
}

// Name is the kernel's name: operation, type, rows and columns.
func (b Block) Name() string {
	if b.Int8 {
		return fmt.Sprintf("GemmI8_%dx%d", blockRows, blockColumns)
	}
	return fmt.Sprintf("GemmBF16_%dx%d", blockRows, blockColumns)
}

// Emit writes the kernel into the file under construction.
func (b Block) Emit() {
	signature, doc := signatureBlockBF16, docBlockBF16
	if b.Int8 {
		signature, doc = signatureBlockI8, docBlockI8
	}
	TEXT(b.Name(), 4, "func("+signature+")") // NOSPLIT
	Doc(append([]string{b.Name() + doc[0]}, doc[1:]...)...)
	Pragma("noescape")

	m, shape, index := reg.RAX, reg.RCX, reg.RDX
	Load(Param("m"), index)
	DECQ(index)
	ANDQ(I8(tileRows-1), index)
	SHLQ(U8(6), index)
	LEAQ(table("shapes"), shape)
	ADDQ(index, shape)
	vex.LDTILECFG(Mem{Base: shape})

	Label("panel")
	b.multiply(m)
	if b.Int8 {
		b.finishI8(m)
	} else {
		b.finishBF16(m)
	}
	Load(Param("panel"), reg.RCX)
	if !b.Int8 {
		SHLQ(U8(1), reg.RCX)
	}
	ADDQ(reg.RCX, vector.Arg("b"))
	SUBQ(I8(blockColumns), vector.Arg("n"))
	JGT(LabelRef("panel"))
	vex.TILERELEASE()
	VZEROUPPER()
	RET()
}

// multiply sums a panel's products and stores the sums, 32 in a row. It sets m.
func (b Block) multiply(m reg.GPPhysical) {
	first, last, lda := reg.R8, reg.R9, reg.RBX
	columns, pitch, steps, sums := reg.RDX, reg.R11, reg.RCX, reg.RSI
	Load(Param("m"), m)
	Load(Param("a"), first)
	MOVQ(first, last)
	Load(Param("lda"), lda)
	if !b.Int8 {
		SHLQ(U8(1), lda)
	}
	Load(Param("b"), columns)
	MOVQ(I32(blockColumns*4), pitch)
	Load(Param("steps"), steps)
	Load(Param("sums"), sums)
	CMPQ(m, I8(tileRows))
	JLE(LabelRef("low"))
	MOVQ(lda, last)
	SHLQ(U8(4), last)
	ADDQ(first, last)
	CMPQ(vector.Arg("n"), I8(16))
	JLE(LabelRef("tallNarrow"))
	row := func(base reg.Register) Mem { return Mem{Base: base, Index: lda, Scale: 1} }
	at := func(base reg.Register, disp int) Mem { return Mem{Base: base, Index: pitch, Scale: 1, Disp: disp} }
	part := func(label string, tall, wide bool) {
		Label(label)
		product := func(sums, rows, columns vex.Tile) {
			if b.Int8 {
				vex.TDPBUSD(columns, rows, sums)
			} else {
				vex.TDPBF16PS(columns, rows, sums)
			}
		}
		each := func(do func(sums, rows, columns vex.Tile, disp int)) {
			below := 0
			if tall {
				below = tileRows * sumsPitch
				do(0, rowsFirst, columnsLow, 0)
			}
			do(2, rowsLast, columnsLow, below)
			if wide {
				if tall {
					do(1, rowsFirst, columnsTop, tileBytes)
				}
				do(3, rowsLast, columnsTop, below+tileBytes)
			}
		}
		each(func(sums, _, _ vex.Tile, _ int) { vex.TILEZERO(sums) })
		loop := label + "Loop"
		Label(loop)
		vex.TILELOADD(at(columns, 0), columnsLow)
		if tall {
			vex.TILELOADD(row(first), rowsFirst)
		}
		vex.TILELOADD(row(last), rowsLast)
		if wide {
			vex.TILELOADD(at(columns, tileBytes), columnsTop)
		}
		each(func(sums, rows, columns vex.Tile, _ int) { product(sums, rows, columns) })
		if tall {
			ADDQ(I8(tileBytes), first)
		}
		ADDQ(I8(tileBytes), last)
		ADDQ(I32(tileRows*blockColumns*4), columns)
		DECQ(steps)
		JNE(LabelRef(loop))
		each(func(tile, _, _ vex.Tile, disp int) { vex.TILESTORED(tile, at(sums, disp)) })
	}
	part("tallWide", true, true)
	JMP(LabelRef("summed"))
	part("tallNarrow", true, false)
	JMP(LabelRef("summed"))
	Label("low")
	CMPQ(vector.Arg("n"), I8(16))
	JLE(LabelRef("lowNarrow"))
	part("lowWide", false, true)
	JMP(LabelRef("summed"))
	part("lowNarrow", false, false)
	Label("summed")
}

// masks sets K1 and K2 to the columns that there are of a panel's two vectors.
func (b Block) masks() {
	lanes, tmp := reg.RCX, reg.RDX
	for i, mask := range []reg.Register{reg.K1, reg.K2} {
		Load(Param("n"), lanes)
		if i > 0 {
			SUBQ(I8(16), lanes)
		}
		vector.AVX512.SetMask(mask, lanes, tmp)
	}
}

var columnMasks = []reg.Register{reg.K1, reg.K2}

// pointer loads an argument, and the distance of its rows in bytes.
func pointer(name string, to reg.GPPhysical, pitch string, distance reg.GPPhysical, logSize int) {
	Load(Param(name), to)
	Load(Param(pitch), distance)
	if logSize > 0 {
		SHLQ(U8(logSize), distance)
	}
}

// next moves an argument that points to a panel's columns to those of the next, if it does
// point.
func next(name string, bytes int) {
	skip := name + "Done"
	CMPQ(vector.Arg(name), I8(0))
	JEQ(LabelRef(skip))
	ADDQ(U32(uint32(bytes)), vector.Arg(name))
	Label(skip)
}

func z(i int) reg.VecPhysical { return vector.AVX512.Reg(i) }

func (b Block) finishI8(rows reg.GPPhysical) {
	sums, c, ldc := reg.RSI, reg.RDI, reg.R10
	cf, ldf, residual, ldr := reg.R11, reg.R12, reg.R13, reg.R14
	inverse := reg.R15.As32()
	floor, factor, zeroPoint, most, zero := z(16), z(17), z(18), z(19), z(24)
	scale, bias := []reg.VecPhysical{z(20), z(21)}, []reg.VecPhysical{z(22), z(23)}
	b.masks()
	VBROADCASTSS(vector.Arg("floor"), floor)
	VBROADCASTSS(vector.Arg("inverse"), factor)
	VBROADCASTSS(vector.Arg("zeroPoint"), zeroPoint)
	VBROADCASTSS(table("most"), most)
	VPXORD(zero, zero, zero)
	Load(Param("scale"), c)
	Load(Param("bias"), cf)
	for v := range 2 {
		VMOVUPS(Mem{Base: c, Disp: 64 * v}, scale[v])
		VMOVUPS(Mem{Base: cf, Disp: 64 * v}, bias[v])
	}
	pointer("c", c, "ldc", ldc, 0)
	pointer("cf", cf, "ldf", ldf, 2)
	pointer("residual", residual, "ldr", ldr, 2)
	MOVL(vector.Arg("inverse"), inverse)

	Label("row")
	for v := range 2 {
		VCVTDQ2PS(Mem{Base: sums, Disp: 64 * v}, z(v))
		VFMADD213PS(bias[v], scale[v], z(v))
	}
	TESTL(inverse, inverse)
	JEQ(LabelRef("round"))
	TESTQ(residual, residual)
	JEQ(LabelRef("alone"))
	for v := range 2 {
		VMOVUPS_Z(Mem{Base: residual, Disp: 64 * v}, columnMasks[v], z(2))
		VADDPS(z(2), z(v), z(v))
	}
	ADDQ(ldr, residual)
	Label("alone")
	for v := range 2 {
		// NaN is the result where it is the first operand.
		VMAXPS(z(v), floor, z(v))
	}
	TESTQ(cf, cf)
	JEQ(LabelRef("integers"))
	for v := range 2 {
		VMOVUPS(z(v), columnMasks[v], Mem{Base: cf, Disp: 64 * v})
	}
	ADDQ(ldf, cf)
	Label("integers")
	TESTQ(c, c)
	JEQ(LabelRef("rowDone"))
	for v := range 2 {
		VFMADD213PS(zeroPoint, factor, z(v))
		VMINPS(most, z(v), z(v))
	}
	Label("round")
	for v := range 2 {
		VCVTPS2DQ(z(v), z(v))
		VPMAXSD(zero, z(v), z(v))
		VPMOVUSDB(z(v), columnMasks[v], Mem{Base: c, Disp: 16 * v})
	}
	ADDQ(ldc, c)
	Label("rowDone")
	ADDQ(U32(sumsPitch), sums)
	DECQ(rows)
	JNE(LabelRef("row"))

	next("c", blockColumns)
	for _, name := range []string{"cf", "residual", "scale", "bias"} {
		next(name, 4*blockColumns)
	}
}

func (b Block) finishBF16(rows reg.GPPhysical) {
	sums, c, ldc := reg.RSI, reg.RDI, reg.R10
	cf, residual, ldr := reg.R11, reg.R13, reg.R14
	floor, scale := z(16), z(17)
	bias := []reg.VecPhysical{z(22), z(23)}
	b.masks()
	VBROADCASTSS(vector.Arg("floor"), floor)
	VBROADCASTSS(vector.Arg("scale"), scale)
	for _, v := range bias {
		VPXORD(v, v, v)
	}
	Load(Param("bias"), c)
	TESTQ(c, c)
	JEQ(LabelRef("unbiased"))
	for v := range bias {
		VMOVUPS_Z(Mem{Base: c, Disp: 64 * v}, columnMasks[v], bias[v])
	}
	Label("unbiased")
	pointer("residual", residual, "ldr", ldr, 1)
	pointer("c", c, "ldc", ldc, 1)
	Load(Param("cf"), cf)

	Label("row")
	for v := range 2 {
		VADDPS(Mem{Base: sums, Disp: 64 * v}, bias[v], z(v))
	}
	TESTQ(residual, residual)
	JEQ(LabelRef("alone"))
	for v := range 2 {
		vector.LoadBF16(Mem{Base: residual, Disp: 32 * v}, z(2), columnMasks[v])
		VFMADD213PS(z(2), scale, z(v))
	}
	ADDQ(ldr, residual)
	Label("alone")
	for v := range 2 {
		// NaN is the result where it is the first operand.
		VMAXPS(z(v), floor, z(v))
	}
	TESTQ(cf, cf)
	JNE(LabelRef("float32"))
	for v := range 2 {
		half := vector.AVX512.Half(z(v))
		evex.VCVTNEPS2BF16(z(v), half)
		VMOVDQU16(half, columnMasks[v], Mem{Base: c, Disp: 32 * v})
	}
	ADDQ(ldc, c)
	JMP(LabelRef("rowDone"))
	Label("float32")
	for v := range 2 {
		VMOVUPS(z(v), columnMasks[v], Mem{Base: cf, Disp: 64 * v})
	}
	LEAQ(Mem{Base: cf, Index: ldc, Scale: 2}, cf)
	Label("rowDone")
	ADDQ(U32(sumsPitch), sums)
	DECQ(rows)
	JNE(LabelRef("row"))

	next("c", 2*blockColumns)
	next("cf", 4*blockColumns)
	next("bias", 4*blockColumns)
	next("residual", 2*blockColumns)
}

// Gather writes the kernel that puts rows that are looked up in a table side by side.
func Gather() {
	TEXT("Gather", 4, "func(m, taps, bytes int, a *byte, lda int, rows *int32, stride int, zero, to *byte, pitch, end int)")
	Doc(
		"Gather is:",
		"",
		"	for i := range m {",
		"		for tap := range taps {",
		"			row := a[rows[tap*stride+i]*lda:] // zero where the index is negative",
		"			copy(to[i*pitch+tap*bytes:], row[:bytes])",
		"		}",
		"		clear(to[i*pitch+taps*bytes:][:end-taps*bytes])",
		"	}",
		"",
		"where row is a[i*lda:] if rows is nil. end, a multiple of 64, is less than 64 above taps*bytes.",
	)
	Pragma("noescape")
	m, table, stride, toZero := reg.RAX, reg.R11, reg.R12, reg.R13
	a, lda, to, end := reg.R9, reg.R10, reg.R8, reg.RBX
	from, dst, tap, entry, lines, rest := reg.RCX, reg.RSI, reg.RDX, reg.RDI, reg.R14, reg.R15
	Load(Param("bytes"), rest)
	ANDQ(I8(63), rest)
	MOVQ(I32(-1), lines)
	BZHIQ(rest, lines, lines)
	KMOVQ(lines, reg.K1)
	Load(Param("m"), m)
	Load(Param("a"), a)
	Load(Param("lda"), lda)
	Load(Param("rows"), table)
	Load(Param("stride"), stride)
	SHLQ(U8(2), stride)
	Load(Param("zero"), toZero)
	SUBQ(a, toZero)
	Load(Param("to"), to)
	Load(Param("end"), end)
	VPXORD(z(1), z(1), z(1))

	Label("row")
	VMOVDQU64(z(1), Mem{Base: to, Index: end, Scale: 1, Disp: -64})
	MOVQ(to, dst)
	MOVQ(table, entry)
	Load(Param("taps"), tap)
	Label("tap")
	MOVQ(a, from)
	TESTQ(table, table)
	JEQ(LabelRef("copy"))
	MOVLQSX(Mem{Base: entry}, from)
	IMULQ(lda, from)
	TESTQ(from, from)
	CMOVQMI(toZero, from)
	ADDQ(a, from)
	Label("copy")
	Load(Param("bytes"), lines)
	SHRQ(U8(6), lines)
	JEQ(LabelRef("rest"))
	Label("line")
	VMOVDQU64(Mem{Base: from}, z(0))
	VMOVDQU64(z(0), Mem{Base: dst})
	ADDQ(I8(64), from)
	ADDQ(I8(64), dst)
	DECQ(lines)
	JNE(LabelRef("line"))
	Label("rest")
	TESTQ(rest, rest)
	JEQ(LabelRef("copied"))
	VMOVDQU8_Z(Mem{Base: from}, reg.K1, z(0))
	VMOVDQU8(z(0), reg.K1, Mem{Base: dst})
	ADDQ(rest, dst)
	Label("copied")
	ADDQ(stride, entry)
	DECQ(tap)
	JNE(LabelRef("tap"))
	TESTQ(table, table)
	JNE(LabelRef("looked"))
	ADDQ(lda, a)
	JMP(LabelRef("rowDone"))
	Label("looked")
	ADDQ(I8(4), table)
	Label("rowDone")
	ADDQ(vector.Arg("pitch"), to)
	DECQ(m)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
