// Package gemm generates the tiles of matrix products of float32, of bfloat16 and of integers.
package gemm

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/evex"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Tile is a kernel that computes up to Rows rows of Vectors vectors each.
type Tile struct {
	vector.ISA
	Rows, Vectors int
	Unroll        int   // steps of k, of pairs in bfloat16, in the body of the loop
	Indirect      bool  // rows are looked up in a table, for several taps
	Wide          bool  // products are summed in float64
	BF16          bool  // of bfloat16, in pairs, summed in float32; for AVX512 only
	Int8          Int8  // of 8-bit integers, in fours, summed in 32 bits
	Rounds        bool  // results of those to bfloat16 by AVX512-BF16
	Int16         Int16 // of 16-bit integers, in pairs, summed in 32 bits
}

const signatureF32 = "m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int"

const signatureBF16 = "m, n, pairs int, a *uint16, lda int, b, c *uint16, cf *float32, ldc int, bias *float32, residual *uint16, ldr int, scale, floor float32, ahead uintptr, aheadStep int"

const signatureI16 = "m, n, pairs int, a *int16, lda int, b *int16, c *int32, ldc int, ahead uintptr, aheadStep int"

const epilogueDocI16 = `
		c[i*ldc+j] = acc
	}
}`

const beginDoc = `		acc := 0
		if bias != nil {
			acc = bias[j]
		}`

const epilogueDoc = `
		if residual != nil {
			acc = residual[i*ldr+j] + scale*acc
		}
		c[i*ldc+j] = max(acc, floor)
	}
}`

// Name is the kernel's name: operation, type, tile.
func (t *Tile) Name() string {
	kind := "Gemm"
	if t.Indirect {
		kind = "IndirectGemm"
	}
	if t.Wide {
		kind += "Wide"
	}
	switch {
	case t.BF16:
		kind += "BF16"
	case t.Int8 != NoInt8:
		kind += "I8"
	case t.Int16 != NoInt16:
		kind += "I16"
	default:
		kind += "F32"
	}
	return fmt.Sprintf("%s_%dx%d", kind, t.Rows, t.columns())
}

// steps is the name of the argument that counts the steps of a tap.
func (t *Tile) steps() string {
	switch {
	case t.BF16, t.Int16 != NoInt16:
		return "pairs"
	case t.Int8 != NoInt8:
		return "quads"
	}
	return "k"
}

// logSize is the logarithm of the bytes of an element of a, and of c and residual but of
// integers.
func (t *Tile) logSize() U8 {
	switch {
	case t.BF16, t.Int16 != NoInt16:
		return 1
	case t.Int8 != NoInt8:
		return 0
	}
	return 2
}

// doc writes the kernel's comment: the loop that it is.
func (t *Tile) doc(loop string) {
	lines := []string{fmt.Sprintf("%s is, for m of 1 to %d and n of 1 to %d:", t.Name(), t.Rows, t.columns()), ""}
	for line := range strings.SplitSeq(loop, "\n") {
		lines = append(lines, "\t"+line)
	}
	if t.Wide {
		lines = append(lines, "", "where acc and the products are float64 until the residual is added.")
	}
	if t.Int8 != NoInt8 {
		lines = append(lines, docI8...)
	}
	if t.Int8 == Halves {
		lines = append(lines, "What b lacks of w is in more, where starts says, for each tap and vector of columns: see",
			"kernel.MoreI8.")
	}
	if t.Int16 != NoInt16 {
		lines = append(lines, "", "where acc is an integer modulo 1<<32.")
	}
	if t.BF16 {
		lines = append(lines, "", "where a, b and residual are bfloat16, acc and the products float32, and c is rounded to the",
			"nearest bfloat16. Where cf is not nil it takes the result, not rounded, in c's place.")
	}
	Doc(lines...)
}

func (t *Tile) columns() int { return t.Vectors * t.Lanes }

// Emit writes the kernel into the file under construction.
func (t *Tile) Emit() {
	signature, element := signatureF32, "float32"
	depth, packed := "k", "b[(tap*k+p)*%[1]d+j]"
	begin, epilogue := beginDoc, epilogueDoc
	switch {
	case t.BF16:
		signature, element = signatureBF16, "uint16"
		depth, packed = "2*pairs", "b[((tap*pairs+p/2)*%[1]d+j)*2+p%%2]"
	case t.Int16 != NoInt16:
		signature, element = signatureI16, "int16"
		depth, packed = "2*pairs", "b[((tap*pairs+p/2)*%[1]d+j)*2+p%%2]"
		begin, epilogue = "\t\tacc := 0", epilogueDocI16
	case t.Int8 != NoInt8:
		signature, element = signatureI8, "uint8"
		depth, packed = "4*quads", "w[tap*4*quads+p][j]"
		begin, epilogue = "\t\tacc := 0", epilogueDocI8
	}
	if !t.Indirect {
		packed = strings.Replace(packed, "tap*4*quads+p", "p", 1)
		packed = strings.Replace(strings.Replace(packed, "(tap*pairs+p/2)", "p/2", 1), "(tap*k+p)", "p", 1)
	}
	if t.Int8 == NoInt8 {
		packed = fmt.Sprintf(packed, t.columns())
	}
	if t.Indirect {
		TEXT(t.Name(), 4, "func("+signature+", rows *int32, taps, stride int, zero *"+element+")") // NOSPLIT
		t.doc(fmt.Sprintf(`for i := range m {
	for j := range n {
%s
		for tap := range taps {
			row := a[rows[tap*stride+i]*lda:] // zero where the index is negative
			for p := range %s {
				acc += row[p] * %s
			}
		}%s`, begin, depth, packed, epilogue))
	} else {
		TEXT(t.Name(), 4, "func("+signature+")")
		t.doc(fmt.Sprintf(`for i := range m {
	for j := range n {
%s
		for p := range %s {
			acc += a[i*lda+p] * %s
		}%s`, begin, depth, packed, epilogue))
	}
	Pragma("noescape")
	var locals, row, more Mem
	if t.Indirect {
		locals = AllocLocal(32)
	}
	if t.Int8 == Halves {
		more = AllocLocal(24)
	}
	if t.Int8 != NoInt8 && t.ISA == vector.AVX2 {
		row = AllocLocal(32)
	}
	m := vector.General[0]
	Load(Param("m"), m)
	for rows := t.Rows; rows > 1; rows-- {
		CMPQ(m, I8(rows))
		JEQ(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	for rows := 1; rows <= t.Rows; rows++ {
		Label(fmt.Sprintf("rows%d", rows))
		s := &section{Tile: t, rows: rows, locals: locals, row: row, more: more}
		if t.Indirect {
			s.askOutput()
		}
		s.begin()
		if t.Wide {
			s.widen()
		}
		if t.Indirect {
			s.multiplyIndirect()
		} else {
			s.multiply()
		}
		if t.Wide {
			s.narrow()
		}
		s.epilogue()
	}
}

// section is the code for one number of rows. Vector registers: the accumulators,
// row by row, from 0; a vector of b per column and the broadcast from the end. What is
// wide takes two registers for each.
type section struct {
	*Tile
	rows   int
	locals Mem
	row    Mem // of 8-bit integers, one row of bytes or of words
	more   Mem // of Halves: what of starts comes next, the end of its entries, and b meanwhile
}

// vectors is how many registers a row takes while products are summed.
func (s *section) vectors() int {
	if s.Wide {
		return 2 * s.Vectors
	}
	return s.Vectors
}

func (s *section) acc(i, v int) reg.VecPhysical { return s.Reg(i*s.Vectors + v) }
func (s *section) b(v int) reg.VecPhysical      { return s.Reg(s.Registers - s.vectors() + v) }
func (s *section) broadcast() reg.VecPhysical   { return s.Reg(s.Registers - s.vectors() - 1) }
func (s *section) label(name string) string     { return fmt.Sprintf("%s%d", name, s.rows) }

// begin sets the sums to the bias, or to zero.
func (s *section) begin() {
	if s.Int8 == Halves {
		s.ISA.Load(table("ones"), s.ones(), nil)
	}
	if s.Int8 != NoInt8 || s.Int16 != NoInt16 {
		s.zero()
		return
	}
	lanes, tmp, at := reg.RAX, reg.RBX, reg.RCX
	Load(Param("bias"), at)
	TESTQ(at, at)
	JEQ(LabelRef(s.label("unbiased")))
	masks := s.masks(lanes, tmp)
	for v := range s.Vectors {
		s.ISA.Load(Mem{Base: at, Disp: v * s.Bytes()}, s.acc(0, v), masks[v])
		for i := 1; i < s.rows; i++ {
			VMOVAPS(s.acc(0, v), s.acc(i, v))
		}
	}
	JMP(LabelRef(s.label("begun")))
	Label(s.label("unbiased"))
	s.zero()
	Label(s.label("begun"))
}

func (s *section) zero() {
	for i := range s.rows * s.Vectors {
		s.Zero(s.Reg(i))
	}
}

// widen converts the sums to float64, from the last on: none is written over before it is
// read.
func (s *section) widen() {
	half := s.Half(s.broadcast())
	for i := s.rows*s.Vectors - 1; i >= 0; i-- {
		s.Upper(s.Reg(i), half)
		VCVTPS2PD(half, s.Reg(2*i+1))
		VCVTPS2PD(s.Half(s.Reg(i)), s.Reg(2*i))
	}
}

// narrow converts the sums back.
func (s *section) narrow() {
	low, high := s.broadcast(), s.b(0)
	for i := range s.rows * s.Vectors {
		s.Narrow(s.Reg(2*i), s.Half(low))
		s.Narrow(s.Reg(2*i+1), s.Half(high))
		s.Join(low, high, s.Reg(i))
	}
}

// masks sets masks of the columns that there are.
func (s *section) masks(lanes, tmp reg.GPPhysical) []reg.Register {
	masks := make([]reg.Register, s.Vectors)
	for v := range s.Vectors {
		masks[v] = s.Mask(v, s.Registers-s.Vectors)
		Load(Param("n"), lanes)
		if v > 0 {
			SUBQ(I8(v*s.Lanes), lanes)
		}
		s.SetMask(masks[v], lanes, tmp)
	}
	return masks
}

// prefetch is how many bytes of b are asked for before they are used: about the time
// that memory takes, measured. The panels of b are read one after the other, and are too many
// for the caches between two runs of a network.
const prefetch = 2048

// step is one k: every row's a times b's vectors.
func (s *section) step(row func(i int) Mem, b Mem) {
	if s.Int8 == Halves {
		s.stepHalves(row, b)
		return
	}
	for v := range s.vectors() {
		if s.Wide {
			VCVTPS2PD(b.Offset(v*s.Bytes()/2), s.b(v))
		} else {
			s.ISA.Load(b.Offset(v*s.Bytes()), s.b(v), nil)
		}
	}
	s.prefetchB(b)
	for i := range s.rows {
		a, fill, multiplyAdd := s.broadcast(), VBROADCASTSS, VFMADD231PS // the bits of a float32 or of a pair
		switch {
		case s.Int8 == VNNI:
			fill = VPBROADCASTD
			multiplyAdd = func(ops ...Op) {
				MultiplyQuads(s.ISA, ops[0].(reg.VecPhysical), ops[1].(reg.VecPhysical), ops[2].(reg.VecPhysical))
			}
		case s.Int16 == PairsVNNI:
			multiplyAdd = VPDPWSSD
		case s.Int16 == Pairs:
			multiplyAdd = func(ops ...Op) {
				VPMADDWD(ops[0], ops[1], s.product())
				VPADDD(s.product(), ops[2], ops[2])
			}
		case s.BF16:
			multiplyAdd = func(ops ...Op) {
				evex.VDPBF16PS(ops[0].(reg.VecPhysical), ops[1].(reg.VecPhysical), ops[2].(reg.VecPhysical))
			}
		}
		if s.Wide {
			VBROADCASTSS(row(i), s.Half(a))
			VCVTPS2PD(s.Half(a), a)
			multiplyAdd = VFMADD231PD
		} else {
			fill(row(i), a)
		}
		for v := range s.vectors() {
			multiplyAdd(s.b(v), a, s.Reg(i*s.vectors()+v))
		}
	}
}

// prefetchB asks for what is a step's part of what is used later.
func (s *section) prefetchB(b Mem) {
	for line := 0; line < s.columns()*4; line += 64 {
		PREFETCHT0(b.Offset(prefetch + line))
	}
}

// scale makes bytes of elements of a.
func (s *section) scale(v reg.GPPhysical) {
	if s.logSize() > 0 {
		SHLQ(s.logSize(), v)
	}
}

// lookAhead asks for what the next tile reads of a, which lies apart from what this one
// reads.
func (s *section) lookAhead(at reg.Register) {
	PREFETCHT0(Mem{Base: at})
	if s.logSize() == 1 {
		PREFETCHT0(Mem{Base: at, Disp: 64})
	}
	ADDQ(vector.Arg("aheadStep"), at)
}

// multiply walks along k with the rows at equal distances: two pointers seven rows
// apart and one, three and five times the distance reach fourteen rows.
func (s *section) multiply() {
	a0, a7, lda, lda3, lda5 := reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI
	b, k, ahead := reg.RDI, reg.R8, reg.R9
	Load(Param("ahead"), ahead)
	Load(Param("a"), a0)
	Load(Param("lda"), lda)
	s.scale(lda)
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	LEAQ(Mem{Base: lda, Index: lda, Scale: 4}, lda5)
	if s.rows > 7 {
		LEAQ(Mem{Base: a0, Index: lda3, Scale: 2}, a7)
		ADDQ(lda, a7)
	}
	Load(Param("b"), b)
	Load(Param(s.steps()), k)
	row := func(i, p int) Mem {
		m := []Mem{
			{},
			{Index: lda, Scale: 1},
			{Index: lda, Scale: 2},
			{Index: lda3, Scale: 1},
			{Index: lda, Scale: 4},
			{Index: lda5, Scale: 1},
			{Index: lda3, Scale: 2},
		}[i%7]
		m.Base = []reg.Register{a0, a7}[i/7]
		return m.Offset(4 * p)
	}
	output := s.output(reg.R10, reg.R11, reg.R12, reg.R13)
	left, none := reg.R14, reg.R15
	if output != nil {
		MOVQ(I32(s.rows), left)
		XORL(none.As32(), none.As32())
	}
	steps := func(count int) {
		if count > 1 {
			s.lookAhead(ahead)
		}
		for p := range count {
			if output != nil && p%s.stepsOfRow() == 1 {
				for _, t := range output {
					t.ask()
				}
				DECQ(left)
				for _, t := range output {
					CMOVQEQ(none, t.stride) // the last row again, which costs little
				}
				for _, t := range output {
					ADDQ(t.stride, t.at)
				}
			}
			s.step(func(i int) Mem { return row(i, p) }, Mem{Base: b, Disp: p * s.columns() * 4})
		}
		ADDQ(I32(4*count), a0)
		if s.rows > 7 {
			ADDQ(I32(4*count), a7)
		}
		ADDQ(I32(count*s.columns()*4), b)
	}
	SUBQ(I8(s.Unroll), k)
	JLT(LabelRef(s.label("rest")))
	Label(s.label("loop"))
	steps(s.Unroll)
	SUBQ(I8(s.Unroll), k)
	JGE(LabelRef(s.label("loop")))
	Label(s.label("rest"))
	ADDQ(I8(s.Unroll), k)
	JEQ(LabelRef(s.label("multiplied")))
	Label(s.label("single"))
	steps(1)
	DECQ(k)
	JNE(LabelRef(s.label("single")))
	Label(s.label("multiplied"))
	if s.Int8 == Halves {
		Load(Param("starts"), k)
		MOVQ(k, s.more)
		at, where, first, second := reg.R9, reg.R10, reg.R11, reg.R12
		s.again(at, where, func(i int) Mem {
			if i == 0 {
				LEAQ(Mem{Base: a0, Index: where, Scale: 1}, first)
			}
			if i == 7 {
				LEAQ(Mem{Base: a7, Index: where, Scale: 1}, second)
			}
			m := row(i, 0)
			m.Base = []reg.Register{first, second}[i/7]
			return m
		})
	}
}

// multiplyIndirect walks along k with a pointer per row, tap by tap. The pointers
// are to the ends of the rows, and the common index rises to zero. No other register is
// left for what lies ahead than the frame pointer, which functions with locals save.
func (s *section) multiplyIndirect() {
	rows, b, k, ahead := vector.General[:12], reg.R14, reg.R15, reg.RBP
	table, taps, aEnd, toZero := s.locals, s.locals.Offset(8), s.locals.Offset(16), s.locals.Offset(24)
	Load(Param("taps"), k)
	MOVQ(k, taps)
	Load(Param("rows"), k)
	MOVQ(k, table)
	Load(Param("a"), k)
	Load(Param("zero"), rows[0])
	SUBQ(k, rows[0])
	MOVQ(rows[0], toZero)
	Load(Param(s.steps()), rows[0])
	LEAQ(Mem{Base: k, Index: rows[0], Scale: 4}, k)
	MOVQ(k, aEnd)
	Load(Param("b"), b)
	Load(Param("ahead"), ahead)
	if s.Int8 == Halves {
		Load(Param("starts"), k)
		MOVQ(k, s.more)
	}
	Label(s.label("tap"))
	MOVQ(table, k)
	for i := range s.rows {
		MOVLQSX(Mem{Base: k, Disp: 4 * i}, rows[i])
		IMULQ(vector.Arg("lda"), rows[i])
		s.scale(rows[i])
		TESTQ(rows[i], rows[i])
		CMOVQMI(toZero, rows[i])
		ADDQ(aEnd, rows[i])
	}
	steps := func(count, disp int) {
		if count > 1 {
			s.lookAhead(ahead)
		}
		for p := range count {
			s.step(func(i int) Mem {
				return Mem{Base: rows[i], Index: k, Scale: 1, Disp: disp + 4*p}
			}, Mem{Base: b, Disp: p * s.columns() * 4})
		}
		ADDQ(I32(count*s.columns()*4), b)
	}
	Load(Param(s.steps()), k)
	SHLQ(U8(2), k)
	NEGQ(k)
	ADDQ(I8(4*s.Unroll), k)
	JGT(LabelRef(s.label("rest")))
	Label(s.label("loop"))
	steps(s.Unroll, -4*s.Unroll)
	ADDQ(I8(4*s.Unroll), k)
	JLE(LabelRef(s.label("loop")))
	Label(s.label("rest"))
	SUBQ(I8(4*s.Unroll), k)
	JEQ(LabelRef(s.label("tapped")))
	Label(s.label("single"))
	steps(1, 0)
	ADDQ(I8(4), k)
	JNE(LabelRef(s.label("single")))
	Label(s.label("tapped"))
	if s.Int8 == Halves {
		MOVQ(b, s.more.Offset(16))
		s.again(b, k, func(i int) Mem { return Mem{Base: rows[i], Index: k, Scale: 1} })
		MOVQ(s.more.Offset(16), b)
	}
	Load(Param("stride"), k)
	SHLQ(U8(2), k)
	ADDQ(k, table)
	DECQ(taps)
	JNE(LabelRef(s.label("tap")))
}

// epilogue adds the residual to the scaled sum, applies the floor and stores. Vectors
// that are not full take masks; in AVX2, where a masked store is slow, only then.
func (s *section) epilogue() {
	if s.Int8 != NoInt8 {
		s.epilogueI8()
		return
	}
	if s.Int16 != NoInt16 {
		s.storeI16()
		return
	}
	if s.ISA == vector.AVX512 {
		s.finish(true)
		return
	}
	CMPQ(vector.Arg("n"), I8(s.columns()))
	JNE(LabelRef(s.label("narrow")))
	s.finish(false)
	Label(s.label("narrow"))
	s.finish(true)
}

func (s *section) finish(masked bool) {
	label := func(name string) string {
		if masked {
			name += "Masked"
		}
		return s.label(name)
	}
	lanes, tmp := reg.RAX, reg.RBX
	at, stride := reg.RCX, reg.RDX
	value := s.broadcast()
	masks := make([]reg.Register, s.Vectors)
	if masked {
		masks = s.masks(lanes, tmp)
	}
	Load(Param("residual"), at)
	TESTQ(at, at)
	JEQ(LabelRef(label("alone")))
	Load(Param("ldr"), stride)
	SHLQ(s.logSize(), stride)
	VBROADCASTSS(vector.Arg("scale"), value)
	for i := range s.rows {
		for v := range s.Vectors {
			from, acc := Mem{Base: at, Disp: v * s.Lanes << s.logSize()}, s.acc(i, v)
			switch {
			case s.BF16:
				residual := s.b(v)
				VPMOVZXWD_Z(from, masks[v], residual)
				VPSLLD(U8(16), residual, residual)
				VFMADD213PS(residual, value, acc)
			case !masked:
				VFMADD213PS(from, value, acc)
			case s.ISA == vector.AVX512:
				VFMADD213PS(from, value, masks[v], acc)
			default:
				residual := s.Reg(s.Registers - s.Vectors - 2)
				s.ISA.Load(from, residual, masks[v])
				VFMADD213PS(residual, value, acc)
			}
		}
		ADDQ(stride, at)
	}
	Label(label("alone"))
	if s.BF16 {
		Load(Param("cf"), at)
		TESTQ(at, at)
		JNE(LabelRef(label("float32")))
		s.storeBF16(at, stride, value, masks)
		Label(label("float32"))
	} else {
		Load(Param("c"), at)
	}
	Load(Param("ldc"), stride)
	SHLQ(U8(2), stride)
	VBROADCASTSS(vector.Arg("floor"), value)
	for i := range s.rows {
		for v := range s.Vectors {
			VMAXPS(s.acc(i, v), value, s.acc(i, v))
			s.Store(s.acc(i, v), Mem{Base: at, Disp: v * s.Bytes()}, masks[v])
		}
		ADDQ(stride, at)
	}
	VZEROUPPER()
	RET()
}

// storeI16 stores the sums, in AVX2 with masks only where there are fewer columns.
func (s *section) storeI16() {
	if s.ISA == vector.AVX2 {
		CMPQ(vector.Arg("n"), I8(s.columns()))
		JNE(LabelRef(s.label("narrow")))
		s.storeSums(make([]reg.Register, s.Vectors))
		Label(s.label("narrow"))
	}
	s.storeSums(s.masks(reg.RAX, reg.RBX))
}

func (s *section) storeSums(masks []reg.Register) {
	at, stride := reg.RCX, reg.RDX
	Load(Param("c"), at)
	Load(Param("ldc"), stride)
	SHLQ(U8(2), stride)
	for i := range s.rows {
		for v := range s.Vectors {
			s.Store(s.acc(i, v), Mem{Base: at, Disp: v * s.Bytes()}, masks[v])
		}
		ADDQ(stride, at)
	}
	VZEROUPPER()
	RET()
}

// storeBF16 applies the floor, rounds and stores.
func (s *section) storeBF16(at, stride reg.GPPhysical, floor reg.VecPhysical, masks []reg.Register) {
	Load(Param("c"), at)
	Load(Param("ldc"), stride)
	SHLQ(s.logSize(), stride)
	VBROADCASTSS(vector.Arg("floor"), floor)
	for i := range s.rows {
		for v := range s.Vectors {
			acc := s.acc(i, v)
			VMAXPS(acc, floor, acc)
			evex.VCVTNEPS2BF16(acc, s.Half(acc))
			VMOVDQU16(s.Half(acc), masks[v], Mem{Base: at, Disp: v * s.Lanes * 2})
		}
		ADDQ(stride, at)
	}
	VZEROUPPER()
	RET()
}
