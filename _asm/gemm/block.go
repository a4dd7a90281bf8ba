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
// before it returns.
//
// Four tiles hold the sums of two groups of rows and two of columns, two the rows, two the
// columns. The last group of rows has those that are left of 16; the first is of 16, or not
// there. The rows of a chunk of the steps stay in the first cache while all panels pass through
// it, whose columns are loaded with the hint that they are not used again; sums of other chunks
// wait in memory.
//
// What is asked for of a panel's sums is computed by AVX-512 from memory, some rows in each step
// of the next panel: the tiles' unit would have nothing to do otherwise.
type Block struct{ Int8 bool }

const (
	blockRows, blockColumns = 32, 32
	tileRows, tileBytes     = 16, 64 // of all tiles, at most

	rowsFirst, rowsLast    = vex.Tile(4), vex.Tile(5)
	columnsLow, columnsTop = vex.Tile(6), vex.Tile(7)

	sumsPitch = blockColumns * 4
	sumsBytes = blockRows * sumsPitch

	// rowsPerStep is how many rows of a finished panel a step takes: 32 in eight steps.
	rowsPerStep = 4
)

const signatureBlockI8 = "m, n, steps int, a *uint8, lda int, offsets *int32, b *int8, panel int, c *uint8, ldc int, cb *uint16, ldcb int, places *int32, scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, sums *float32, chunk int, ahead uintptr, lines int"

const signatureBlockBF16 = "m, n, steps int, a *uint16, lda int, offsets *int32, b *uint16, panel int, c *uint16, cf *float32, ldc int, places *int32, bias *float32, residual *uint16, ldr int, scale, floor float32, sums *float32, chunk int, ahead uintptr, lines, part int"

var docBlockI8 = []string{
	" is, for m of 1 to 32 and any n:",
	"",
	"	for i := range m {",
	"		row := places[i]",
	"		for j := range n {",
	"			acc := 0",
	"			for s := range steps {",
	"				for p := range 64 {",
	"					acc += a[i*lda+offsets[s]+p] * b[j/32*panel+((64*s+p)/4*32+j%32)*4+p%4]",
	"				}",
	"			}",
	"			if row < 0 {",
	"				continue",
	"			}",
	"			v := acc*scale[j] + bias[j]",
	"			if inverse == 0 {",
	"				c[row*ldc+j] = v",
	"				continue",
	"			}",
	"			if residual != nil {",
	"				v += residual[row*ldr+j]",
	"			}",
	"			v = max(v, floor)",
	"			if cb != nil {",
	"				cb[row*ldcb+j] = v",
	"			}",
	"			if c != nil {",
	"				c[row*ldc+j] = v*inverse + zeroPoint",
	"			}",
	"		}",
	"	}",
	"",
	"where acc is an integer of 32 bits, residual is bfloat16, cb is rounded to that, and c to the",
	"nearest integer, of two to the even one, and limited to 0 and 255. Where inverse is 0, v is to be",
	"less than 1<<31. scale and bias have as many elements as the panels have columns.",
}

var docBlockBF16 = []string{
	" is, for m of 1 to 32 and any n:",
	"",
	"	for i := range m {",
	"		row := places[i]",
	"		for j := range n {",
	"			acc := 0",
	"			for s := range steps {",
	"				for p := range 32 {",
	"					acc += a[i*lda+offsets[s]/2+p] * b[j/32*panel+((32*s+p)/2*32+j%32)*2+p%2]",
	"				}",
	"			}",
	"			if row < 0 {",
	"				continue",
	"			}",
	"			if bias != nil {",
	"				acc += bias[j]",
	"			}",
	"			if residual != nil {",
	"				acc = residual[row*ldr+j] + scale*acc",
	"			}",
	"			c[row*ldc+j] = max(acc, floor)",
	"		}",
	"	}",
	"",
	"where a, b and residual are bfloat16, acc and the products float32, and c is rounded to the",
	"nearest bfloat16. Where cf is not nil it takes the result in c's place, rounded to that if c",
	"is not nil. part says what of the steps these are: 0 all, else with bit 0 not the last, whose",
	"results are kept in sums, and with bit 1 not the first, which begin with them.",
}

var docBlock = []string{
	"",
	"The steps are summed in chunks of so many. sums is memory for 1024 sums of each panel if there",
	"are several chunks or parts, else for 2048. Each step asks for as many lines of memory at ahead.",
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

// Registers of a block. What is left to do of the last panel's sums takes those from left on.
var (
	lda, steps, columns, pitch     = reg.RBX, reg.RCX, reg.RDX, reg.R11
	first, last, offset            = reg.R8, reg.R9, reg.R10
	tmp, tmp2                      = reg.R12, reg.R13
	left, ready, to, from, placing = reg.RAX, reg.RSI, reg.RDI, reg.R14, reg.R15
)

// blockLocals are what a block keeps on its stack: addresses of the last group of rows, and of a
// panel's columns and sums; the steps of a chunk and those that come after; how many columns
// there are from a panel on; and by how much the sums of the next lie behind. What other result
// than c there may be is cb of integers, cf of bfloat16. The distances of rows in the results are
// in bytes.
type blockLocals struct {
	last, columns, sums, length, after, wide, step Mem
	ldc, ldOther, ldr, other                       Mem
}

// other is the argument that is the other result.
func (b Block) other() string {
	if b.Int8 {
		return "cb"
	}
	return "cf"
}

// Emit writes the kernel into the file under construction.
func (b Block) Emit() {
	signature, doc := signatureBlockBF16, docBlockBF16
	if b.Int8 {
		signature, doc = signatureBlockI8, docBlockI8
	}
	TEXT(b.Name(), 4, "func("+signature+")") // NOSPLIT
	doc = append(append([]string{b.Name() + doc[0]}, doc[1:]...), docBlock...)
	Doc(doc...)
	Pragma("noescape")

	area := AllocLocal(8 * 11)
	word := func(i int) Mem { m := area; m.Disp += 8 * i; return m }
	l := blockLocals{
		last: word(0), columns: word(1), sums: word(2), length: word(3), after: word(4), wide: word(5), step: word(6),
		ldc: word(7), ldOther: word(8), ldr: word(9), other: word(10),
	}

	Load(Param("m"), tmp2)
	LEAQ(Mem{Base: tmp2, Disp: -1}, tmp)
	ANDQ(I8(tileRows-1), tmp)
	SHLQ(U8(6), tmp)
	LEAQ(table("shapes"), to)
	ADDQ(tmp, to)
	vex.LDTILECFG(Mem{Base: to})

	Load(Param("lda"), lda)
	if !b.Int8 {
		SHLQ(U8(1), lda)
	}
	Load(Param("a"), last)
	CMPQ(tmp2, I8(tileRows))
	JLE(LabelRef("rows"))
	MOVQ(lda, tmp)
	SHLQ(U8(4), tmp)
	ADDQ(tmp, last)
	Label("rows")
	MOVQ(last, l.last)
	b.distances(l)
	MOVQ(I32(sumsPitch), pitch)
	MOVQ(I32(sumsBytes), tmp)
	MOVQ(tmp, l.step)
	Load(Param("steps"), tmp)
	MOVQ(tmp, l.after)
	XORL(left.As32(), left.As32())

	Label("chunk")
	Load(Param("chunk"), tmp)
	MOVQ(l.after, tmp2)
	CMPQ(tmp, tmp2)
	CMOVQGT(tmp2, tmp)
	MOVQ(tmp, l.length)
	SUBQ(tmp, tmp2)
	MOVQ(tmp2, l.after)
	Load(Param("b"), tmp)
	MOVQ(tmp, l.columns)
	Load(Param("n"), tmp)
	MOVQ(tmp, l.wide)
	Load(Param("sums"), tmp)
	MOVQ(tmp, l.sums)

	Label("panel")
	MOVQ(l.columns, columns)
	MOVQ(l.length, steps)
	Load(Param("offsets"), offset)
	CMPQ(vector.Arg("m"), I8(tileRows))
	JLE(LabelRef("low"))
	CMPQ(l.wide, I8(16))
	JLE(LabelRef("tallNarrow"))
	b.sum(l, "tallWide", true, true)
	JMP(LabelRef("summed"))
	b.sum(l, "tallNarrow", true, false)
	JMP(LabelRef("summed"))
	Label("low")
	CMPQ(l.wide, I8(16))
	JLE(LabelRef("lowNarrow"))
	b.sum(l, "lowWide", false, true)
	JMP(LabelRef("summed"))
	b.sum(l, "lowNarrow", false, false)

	Label("summed")
	b.finish(l, "rest") // where there were fewer steps than rows to finish in them
	CMPQ(l.after, I8(0))
	JNE(LabelRef("advance"))
	if !b.Int8 {
		TESTQ(I32(1), vector.Arg("part"))
		JNE(LabelRef("advance"))
	}
	b.hand(l)
	Label("advance")
	Load(Param("panel"), tmp)
	if !b.Int8 {
		SHLQ(U8(1), tmp)
	}
	ADDQ(tmp, l.columns)
	MOVQ(l.step, tmp)
	ADDQ(tmp, l.sums)
	Load(Param("steps"), tmp2)
	CMPQ(tmp2, l.length)
	JNE(LabelRef("several"))
	if !b.Int8 {
		CMPQ(vector.Arg("part"), I8(0))
		JNE(LabelRef("several"))
	}
	NEGQ(tmp) // two memories by turns: one is finished, one is summed
	MOVQ(tmp, l.step)
	Label("several")
	SUBQ(I8(blockColumns), l.wide)
	JGT(LabelRef("panel"))

	MOVQ(l.length, tmp)
	LEAQ(Mem{Base: tmp, Index: tmp, Scale: 1}, tmp2)
	SHLQ(U8(1), tmp2)
	ADDQ(tmp2, vector.Arg("offsets"))
	SHLQ(U8(11), tmp) // of 2 KiB of columns
	ADDQ(tmp, vector.Arg("b"))
	CMPQ(l.after, I8(0))
	JNE(LabelRef("chunk"))
	b.finish(l, "end")
	vex.TILERELEASE()
	VZEROUPPER()
	RET()
}

// distances sets what of the locals does not change.
func (b Block) distances(l blockLocals) {
	set := func(name string, local Mem, logSize int) {
		Load(Param(name), tmp)
		if logSize > 0 {
			SHLQ(U8(logSize), tmp)
		}
		MOVQ(tmp, local)
	}
	set(b.other(), l.other, 0)
	set("ldr", l.ldr, 1)
	if b.Int8 {
		set("ldc", l.ldc, 0)
		set("ldcb", l.ldOther, 1)
		return
	}
	set("ldc", l.ldc, 1)
	set("ldc", l.ldOther, 2)
}

// sum sums a chunk's products of a panel and stores the sums, 32 in a row.
func (b Block) sum(l blockLocals, label string, tall, wide bool) {
	Label(label)
	row := func(base reg.Register) Mem { return Mem{Base: base, Index: lda, Scale: 1} }
	at := func(base reg.Register, disp int) Mem { return Mem{Base: base, Index: pitch, Scale: 1, Disp: disp} }
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
	// The first chunk begins with zeros: as long as the steps after it and its own are all.
	if !b.Int8 {
		TESTQ(I32(2), vector.Arg("part"))
		JNE(LabelRef(label + "Again"))
	}
	MOVQ(l.after, tmp)
	ADDQ(steps, tmp)
	CMPQ(tmp, vector.Arg("steps"))
	JNE(LabelRef(label + "Again"))
	each(func(sums, _, _ vex.Tile, _ int) { vex.TILEZERO(sums) })
	JMP(LabelRef(label + "Loop"))
	Label(label + "Again")
	MOVQ(l.sums, tmp)
	each(func(sums, _, _ vex.Tile, disp int) { vex.TILELOADD(at(tmp, disp), sums) })

	loop := label + "Loop"
	Label(loop)
	MOVLQSX(Mem{Base: offset}, last)
	ADDQ(I8(4), offset)
	if tall {
		MOVQ(last, first)
		ADDQ(vector.Arg("a"), first)
	}
	ADDQ(l.last, last)
	vex.TILELOADDT1(at(columns, 0), columnsLow)
	if tall {
		vex.TILELOADD(row(first), rowsFirst)
	}
	vex.TILELOADD(row(last), rowsLast)
	if wide {
		vex.TILELOADDT1(at(columns, tileBytes), columnsTop)
	}
	each(func(sums, rows, columns vex.Tile, _ int) { product(sums, rows, columns) })
	ADDQ(I32(tileRows*blockColumns*4), columns)

	Load(Param("lines"), tmp)
	TESTQ(tmp, tmp)
	JEQ(LabelRef(label + "Asked"))
	Load(Param("ahead"), tmp2)
	Label(label + "Ask")
	PREFETCHT1(Mem{Base: tmp2})
	ADDQ(I8(64), tmp2)
	DECQ(tmp)
	JNE(LabelRef(label + "Ask"))
	MOVQ(tmp2, vector.Arg("ahead"))
	Label(label + "Asked")

	TESTQ(left, left)
	JEQ(LabelRef(label + "Next"))
	for i := range rowsPerStep {
		b.finishRow(l, fmt.Sprintf("%sRow%d", label, i))
		if i < rowsPerStep-1 {
			JEQ(LabelRef(label + "Next"))
		}
	}
	Label(label + "Next")
	DECQ(steps)
	JNE(LabelRef(loop))
	MOVQ(l.sums, tmp)
	each(func(tile, _, _ vex.Tile, disp int) { vex.TILESTORED(tile, at(tmp, disp)) })
}

// finish finishes the rows that are left.
func (b Block) finish(l blockLocals, label string) {
	TESTQ(left, left)
	JEQ(LabelRef(label + "Done"))
	Label(label + "Loop")
	b.finishRow(l, label)
	JNE(LabelRef(label + "Loop"))
	Label(label + "Done")
}

var columnMasks = []reg.Register{reg.K1, reg.K2}

func z(i int) reg.VecPhysical { return vector.AVX512.Reg(i) }

// What is constant while a panel's rows are finished.
var (
	floorOf, scaleOf, zeroPointOf, mostOf, zeroOf = z(16), z(17), z(18), z(19), z(24)
	scales, biases                                = []reg.VecPhysical{z(20), z(21)}, []reg.VecPhysical{z(22), z(23)}
)

// hand makes a panel, whose sums are stored, the one that is finished, and moves the arguments
// that point to its columns to those of the next.
func (b Block) hand(l blockLocals) {
	for i, mask := range columnMasks {
		MOVQ(l.wide, tmp)
		if i > 0 {
			SUBQ(I8(16), tmp)
		}
		vector.AVX512.SetMask(mask, tmp, tmp2)
	}
	VBROADCASTSS(vector.Arg("floor"), floorOf)
	if b.Int8 {
		VBROADCASTSS(vector.Arg("inverse"), scaleOf)
		VBROADCASTSS(vector.Arg("zeroPoint"), zeroPointOf)
		VBROADCASTSS(table("most"), mostOf)
		VPXORD(zeroOf, zeroOf, zeroOf)
		Load(Param("scale"), tmp)
		Load(Param("bias"), tmp2)
		for v := range 2 {
			VMOVUPS(Mem{Base: tmp, Disp: 64 * v}, scales[v])
			VMOVUPS(Mem{Base: tmp2, Disp: 64 * v}, biases[v])
		}
	} else {
		VBROADCASTSS(vector.Arg("scale"), scaleOf)
		for _, v := range biases {
			VPXORD(v, v, v)
		}
		Load(Param("bias"), tmp)
		TESTQ(tmp, tmp)
		JEQ(LabelRef("unbiased"))
		for v := range biases {
			VMOVUPS_Z(Mem{Base: tmp, Disp: 64 * v}, columnMasks[v], biases[v])
		}
		Label("unbiased")
	}
	Load(Param("c"), to)
	Load(Param("residual"), from)
	Load(Param(b.other()), tmp)
	MOVQ(tmp, l.other)
	Load(Param("places"), placing)
	Load(Param("m"), left)
	MOVQ(l.sums, ready)

	next("bias", 4*blockColumns)
	next("residual", 2*blockColumns)
	if b.Int8 {
		next("c", blockColumns)
		next("cb", 2*blockColumns)
		next("scale", 4*blockColumns)
		return
	}
	next("c", 2*blockColumns)
	next("cf", 4*blockColumns)
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

// finishRow finishes a row, and sets the zero flag where no more are left.
func (b Block) finishRow(l blockLocals, label string) {
	MOVLQSX(Mem{Base: placing}, tmp)
	ADDQ(I8(4), placing)
	TESTQ(tmp, tmp)
	JMI(LabelRef(label + "Skip"))
	if b.Int8 {
		b.finishRowI8(l, label)
	} else {
		b.finishRowBF16(l, label)
	}
	Label(label + "Skip")
	ADDQ(U32(sumsPitch), ready)
	DECQ(left)
}

func (b Block) finishRowI8(l blockLocals, label string) {
	index := func(distance Mem) { // of the row, in bytes
		MOVQ(tmp, tmp2)
		IMULQ(distance, tmp2)
	}
	for v := range 2 {
		VCVTDQ2PS(Mem{Base: ready, Disp: 64 * v}, z(v))
		VFMADD213PS(biases[v], scales[v], z(v))
	}
	CMPL(vector.Arg("inverse"), I8(0))
	JEQ(LabelRef(label + "Round"))
	TESTQ(from, from)
	JEQ(LabelRef(label + "Alone"))
	index(l.ldr)
	for v := range 2 {
		vector.LoadBF16(Mem{Base: from, Index: tmp2, Scale: 1, Disp: 32 * v}, z(2), columnMasks[v])
		VADDPS(z(2), z(v), z(v))
	}
	Label(label + "Alone")
	for v := range 2 {
		// NaN is the result where it is the first operand.
		VMAXPS(z(v), floorOf, z(v))
	}
	CMPQ(l.other, I8(0))
	JEQ(LabelRef(label + "Integers"))
	index(l.ldOther)
	ADDQ(l.other, tmp2)
	for v := range 2 {
		half := vector.AVX512.Half(z(2))
		evex.VCVTNEPS2BF16(z(v), half)
		VMOVDQU16(half, columnMasks[v], Mem{Base: tmp2, Disp: 32 * v})
	}
	Label(label + "Integers")
	TESTQ(to, to)
	JEQ(LabelRef(label + "Skip"))
	for v := range 2 {
		VFMADD213PS(zeroPointOf, scaleOf, z(v))
		VMINPS(mostOf, z(v), z(v))
	}
	Label(label + "Round")
	IMULQ(l.ldc, tmp)
	for v := range 2 {
		VCVTPS2DQ(z(v), z(v))
		VPMAXSD(zeroOf, z(v), z(v))
		VPMOVUSDB(z(v), columnMasks[v], Mem{Base: to, Index: tmp, Scale: 1, Disp: 16 * v})
	}
}

func (b Block) finishRowBF16(l blockLocals, label string) {
	for v := range 2 {
		VADDPS(Mem{Base: ready, Disp: 64 * v}, biases[v], z(v))
	}
	TESTQ(from, from)
	JEQ(LabelRef(label + "Alone"))
	MOVQ(tmp, tmp2)
	IMULQ(l.ldr, tmp2)
	for v := range 2 {
		vector.LoadBF16(Mem{Base: from, Index: tmp2, Scale: 1, Disp: 32 * v}, z(2), columnMasks[v])
		VFMADD213PS(z(2), scaleOf, z(v))
	}
	Label(label + "Alone")
	for v := range 2 {
		// NaN is the result where it is the first operand.
		VMAXPS(z(v), floorOf, z(v))
	}
	CMPQ(l.other, I8(0))
	JNE(LabelRef(label + "Float32"))
	IMULQ(l.ldc, tmp)
	for v := range 2 {
		half := vector.AVX512.Half(z(v))
		evex.VCVTNEPS2BF16(z(v), half)
		VMOVDQU16(half, columnMasks[v], Mem{Base: to, Index: tmp, Scale: 1, Disp: 32 * v})
	}
	JMP(LabelRef(label + "Skip"))
	Label(label + "Float32")
	IMULQ(l.ldOther, tmp)
	ADDQ(l.other, tmp)
	TESTQ(to, to)
	JEQ(LabelRef(label + "Whole"))
	for v := range 2 {
		half := vector.AVX512.Half(z(v))
		evex.VCVTNEPS2BF16(z(v), half)
		VPMOVZXWD(half, z(v))
		VPSLLD(U8(16), z(v), z(v))
	}
	Label(label + "Whole")
	for v := range 2 {
		VMOVUPS(z(v), columnMasks[v], Mem{Base: tmp, Disp: 64 * v})
	}
}

// CopyRows writes the kernel that puts rows that are looked up in a table one after the other.
func CopyRows() {
	TEXT("CopyRows", 4, "func(m, bytes int, a *byte, lda int, rows *int32, zero, to *byte, pitch int)")
	Doc(
		"CopyRows is:",
		"",
		"	for i := range m {",
		"		row := a[rows[i]*lda:] // zero where the index is negative",
		"		copy(to[i*pitch:], row[:bytes])",
		"		clear(to[i*pitch+bytes:][:end-bytes])",
		"	}",
		"",
		"where row is a[i*lda:] if rows is nil, and end is bytes up to a multiple of 64.",
	)
	Pragma("noescape")
	m, table, toZero := reg.RAX, reg.R11, reg.R13
	a, lda, to, rest, whole, pitch := reg.R9, reg.R10, reg.R8, reg.R15, reg.RBX, reg.R12
	from, at := reg.RCX, reg.RSI
	Load(Param("bytes"), whole)
	MOVQ(whole, rest)
	ANDQ(I8(63), rest)
	ANDQ(I8(-64), whole)
	MOVQ(I32(-1), at)
	BZHIQ(rest, at, at)
	KMOVQ(at, reg.K1)
	Load(Param("m"), m)
	Load(Param("a"), a)
	Load(Param("lda"), lda)
	Load(Param("rows"), table)
	Load(Param("zero"), toZero)
	SUBQ(a, toZero)
	Load(Param("to"), to)
	Load(Param("pitch"), pitch)
	// Addresses count from the end of a row's whole lines, up to 0.
	ADDQ(whole, to)
	ADDQ(whole, a)
	NEGQ(whole)

	Label("row")
	MOVQ(a, from)
	TESTQ(table, table)
	JEQ(LabelRef("next"))
	MOVLQSX(Mem{Base: table}, from)
	IMULQ(lda, from)
	TESTQ(from, from)
	CMOVQMI(toZero, from)
	ADDQ(a, from)
	ADDQ(I8(4), table)
	JMP(LabelRef("copy"))
	Label("next")
	ADDQ(lda, a)
	Label("copy")
	MOVQ(whole, at)
	TESTQ(at, at)
	JEQ(LabelRef("rest"))
	Label("line")
	VMOVDQU64(Mem{Base: from, Index: at, Scale: 1}, z(0))
	VMOVDQU64(z(0), Mem{Base: to, Index: at, Scale: 1})
	ADDQ(I8(64), at)
	JNE(LabelRef("line"))
	Label("rest")
	TESTQ(rest, rest)
	JEQ(LabelRef("copied"))
	VMOVDQU8_Z(Mem{Base: from}, reg.K1, z(0))
	VMOVDQU64(z(0), Mem{Base: to})
	Label("copied")
	ADDQ(pitch, to)
	DECQ(m)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
