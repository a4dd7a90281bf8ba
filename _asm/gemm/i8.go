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

// Int8 is how 8-bit integers are multiplied.
type Int8 int

const (
	// NoInt8 is for tiles of other types.
	NoInt8 Int8 = iota

	// VNNI adds the four products of a lane in one instruction.
	VNNI

	// Halves adds the products of a lane two by two in words, and then these. A word holds two
	// products for certain if the weights are at most 128 together: what others have more is
	// multiplied once again.
	Halves
)

const signatureI8 = "m, n, quads int, a *uint8, lda int, b, more *int8, starts *int32, c *uint8, ldc int, cb *uint16, ldcb int, scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, ahead uintptr, aheadStep int"

const epilogueDocI8 = `
		v := acc*scale[j] + bias[j]
		if inverse == 0 {
			c[i*ldc+j] = v
			continue
		}
		if residual != nil {
			v += residual[i*ldr+j]
		}
		v = max(v, floor)
		if cb != nil {
			cb[i*ldcb+j] = v
		}
		if c != nil {
			c[i*ldc+j] = v*inverse + zeroPoint
		}
	}
}`

var docI8 = []string{
	"",
	"where w is what b has packed, acc is an integer of 32 bits, residual is bfloat16, cb is rounded",
	"to that, and c to the nearest integer, of two to the even one, and limited to 0 and 255. Where",
	"inverse is 0, v is to be less than 1<<31. scale and bias have as many elements as the tile has",
	"columns.",
}

// Int16 is how 16-bit integers are multiplied.
type Int16 int

const (
	// NoInt16 is for tiles of other types.
	NoInt16 Int16 = iota

	// PairsVNNI adds the two products of a lane to its sum in one instruction, Pairs in two.
	PairsVNNI
	Pairs
)

// Tables writes what the tiles of 8-bit integers read: the order of the columns of two rows
// that were packed in lanes, the largest byte, for Halves words of one, and in AVX2 what rounds to
// bfloat16.
func Tables(isa vector.ISA, how Int8) {
	GLOBL("unpacked", 8|16) // RODATA|NOPTR
	lanes := isa.Lanes / 4
	for i := range isa.Lanes {
		DATA(4*i, U32(uint32(i%lanes*4+i/lanes)))
	}
	if how == Halves {
		GLOBL("ones", 8|16)
		for i := range isa.Lanes {
			DATA(4*i, U32(0x00010001))
		}
	}
	GLOBL("most", 8|16) // 255
	DATA(0, F32(255))
	if isa == vector.AVX2 {
		for _, c := range []struct {
			name string
			bits uint32
		}{{"one", 1}, {"half", 0x7fff}} {
			GLOBL(c.name, 8|16)
			for i := range isa.Lanes {
				DATA(4*i, U32(c.bits))
			}
		}
	}
}

func table(name string) Mem { return NewDataAddr(Symbol{Name: name, Static: true}, 0) }

// ones is the register of words of one, and product that of a product, while Halves are summed.
func (s *section) ones() reg.VecPhysical    { return s.b(s.Vectors - 1) }
func (s *section) product() reg.VecPhysical { return s.Reg(s.Registers - s.Vectors - 2) }

// stepHalves is four k. The last vector of b is read from memory for each row: its register has
// the ones.
func (s *section) stepHalves(row func(i int) Mem, b Mem) {
	s.prefetchB(b)
	for v := range s.Vectors - 1 {
		s.ISA.Load(b.Offset(v*s.Bytes()), s.b(v), nil)
	}
	for i := range s.rows {
		VPBROADCASTD(row(i), s.broadcast())
		for v := range s.Vectors {
			var weights Op = s.b(v)
			if v == s.Vectors-1 {
				weights = b.Offset(v * s.Bytes())
			}
			s.addHalves(weights, s.acc(i, v))
		}
	}
}

// addHalves adds the products of the broadcast bytes with weights.
func (s *section) addHalves(weights Op, acc reg.VecPhysical) {
	MultiplyHalves(weights, s.broadcast(), s.ones(), s.product())
	VPADDD(s.product(), acc, acc)
}

// MultiplyHalves sums the four products of each lane, two by two in words and then these.
func MultiplyHalves(b, a, ones, product Op) {
	VPMADDUBSW(b, a, product)
	VPMADDWD(ones, product, product)
}

// entry is how many bytes what is multiplied once again takes, for a vector of columns: the
// weights, and where the bytes of a are, from the end of what has been multiplied.
func (s *section) entry() int { return s.Bytes() + 4 }

// again multiplies once again, vector by vector, what starts lists for the tap. row refers to
// where, the distance of what is multiplied from the end of the rows.
func (s *section) again(at, where reg.GPPhysical, row func(i int) Mem) {
	starts, end := s.more, s.more.Offset(8)
	for v := range s.Vectors {
		label := func(name string) string { return s.label(fmt.Sprintf("%s%d_", name, v)) }
		MOVQ(starts, where)
		MOVLQSX(Mem{Base: where, Disp: 4}, at)
		ADDQ(vector.Arg("more"), at)
		MOVQ(at, end)
		MOVLQSX(Mem{Base: where}, at)
		ADDQ(vector.Arg("more"), at)
		ADDQ(I8(4), where)
		MOVQ(where, starts)
		CMPQ(at, end)
		JEQ(LabelRef(label("once")))
		Label(label("again"))
		MOVLQSX(Mem{Base: at, Disp: s.Bytes()}, where)
		s.ISA.Load(Mem{Base: at}, s.b(0), nil)
		for i := range s.rows {
			VPBROADCASTD(row(i), s.broadcast())
			s.addHalves(s.b(0), s.acc(i, v))
		}
		ADDQ(I8(s.entry()), at)
		CMPQ(at, end)
		JNE(LabelRef(label("again")))
		Label(label("once"))
	}
}

// MultiplyQuads adds the four products of each lane, of unsigned bytes of a and signed ones of b, by
// VPDPBUSD, which Go's assembler knows of AVX-512 alone.
func MultiplyQuads(isa vector.ISA, b, a, acc reg.VecPhysical) {
	if isa == vector.AVX2 {
		vex.VPDPBUSD(b, a, acc)
		return
	}
	VPDPBUSD(b, a, acc)
}

// epilogueI8 makes float32 of the sums, and what is asked for of that.
func (s *section) epilogueI8() {
	if s.ISA == vector.AVX512 {
		s.finishI8("", true)
		return
	}
	CMPQ(vector.Arg("n"), U8(s.columns()))
	JNE(LabelRef(s.label("narrow")))
	s.finishI8("", false)
	Label(s.label("narrow"))
	s.finishI8("Masked", true)
}

func (s *section) finishI8(suffix string, masked bool) {
	label := func(name string) string { return s.label(name + suffix) }
	at, stride := reg.RCX, reg.RDX
	factors, biases := reg.RSI, reg.RDI
	inverse := reg.R8
	Load(Param("scale"), factors)
	Load(Param("bias"), biases)
	for v := range s.Vectors {
		s.ISA.Load(Mem{Base: factors, Disp: v * s.Bytes()}, s.b(v), nil)
	}
	convert := func(i int) {
		for v := range s.Vectors {
			VCVTDQ2PS(s.acc(i, v), s.acc(i, v))
			VFMADD213PS(Mem{Base: biases, Disp: v * s.Bytes()}, s.b(v), s.acc(i, v))
		}
	}
	Load(Param("c"), at)
	MOVL(vector.Arg("inverse"), inverse.As32())
	TESTL(inverse.As32(), inverse.As32())
	JNE(LabelRef(label("general")))
	s.storeI8(label("folded"), masked, convert)
	VZEROUPPER()
	RET()

	Label(label("general"))
	for i := range s.rows {
		convert(i)
	}
	spare := s.spare(0)
	var masks []reg.Register
	if s.ISA == vector.AVX512 {
		masks = s.masks(reg.RAX, reg.RBX)
	}
	Load(Param("residual"), at)
	TESTQ(at, at)
	JEQ(LabelRef(label("alone")))
	Load(Param("ldr"), stride)
	SHLQ(U8(1), stride)
	for i := range s.rows {
		from := Mem{Base: at}
		if masked && masks == nil {
			s.copyWords(label(fmt.Sprintf("sum%d_", i)), from, s.row)
			from = s.row
		}
		for v := range s.Vectors {
			var mask reg.Register
			if masks != nil {
				mask = masks[v]
			}
			vector.LoadBF16(from.Offset(v*s.Bytes()/2), spare, mask)
			VADDPS(spare, s.acc(i, v), s.acc(i, v))
		}
		ADDQ(stride, at)
	}
	Label(label("alone"))
	VBROADCASTSS(vector.Arg("floor"), s.broadcast())
	for i := range s.rows * s.Vectors {
		// NaN is the result where it is the first operand.
		VMAXPS(s.Reg(i), s.broadcast(), s.Reg(i))
	}
	Load(Param("cb"), at)
	TESTQ(at, at)
	JEQ(LabelRef(label("integers")))
	Load(Param("ldcb"), stride)
	SHLQ(U8(1), stride)
	var rounding vector.Rounding
	if masks != nil && !s.Rounds {
		rounding = vector.NewRounding(s.Registers-3, reg.RAX)
	}
	for i := range s.rows {
		switch {
		case masks == nil:
			s.storeHalves(label(fmt.Sprintf("half%d_", i)), i, masked)
		case s.Rounds:
			for v := range s.Vectors {
				evex.VCVTNEPS2BF16(s.acc(i, v), s.Half(spare))
				VMOVDQU16(s.Half(spare), masks[v], Mem{Base: at, Disp: v * s.Bytes() / 2})
			}
		default:
			for v := range s.Vectors {
				rounding.Round(s.acc(i, v), spare)
				vector.StoreBF16(spare, Mem{Base: at, Disp: v * s.Bytes() / 2}, masks[v])
			}
		}
		ADDQ(stride, at)
	}
	Label(label("integers"))
	Load(Param("c"), at)
	TESTQ(at, at)
	JEQ(LabelRef(label("done")))
	VBROADCASTSS(vector.Arg("inverse"), s.b(0))
	VBROADCASTSS(vector.Arg("zeroPoint"), s.b(1))
	VBROADCASTSS(table("most"), spare)
	s.storeI8(label("general"), masked, func(i int) {
		for v := range s.Vectors {
			acc := s.acc(i, v)
			VFMADD213PS(s.b(1), s.b(0), acc)
			VMINPS(spare, acc, acc)
		}
	})
	Label(label("done"))
	VZEROUPPER()
	RET()
}

// spare is a register that no sum is in once there are all: the first, and those of the broadcast
// and of b.
func (s *section) spare(i int) reg.VecPhysical { return s.Reg(s.Registers - s.Vectors - 2 + i) }

// storeHalves rounds a row to bfloat16 and stores it at RCX, in AVX2.
func (s *section) storeHalves(name string, i int, masked bool) {
	const unordered = 3
	nan := s.spare(2)
	for v := range s.Vectors {
		// Just less than half of the last bit that stays, and one where that is set. NaN becomes
		// another.
		acc, rounded := s.acc(i, v), s.spare(v)
		VPSRLD(U8(16), acc, rounded)
		VPAND(table("one"), rounded, rounded)
		VPADDD(table("half"), rounded, rounded)
		VPADDD(acc, rounded, rounded)
		VCMPPS(U8(unordered), acc, acc, nan)
		VPOR(nan, rounded, rounded)
		VPSRLD(U8(16), rounded, rounded)
	}
	both := s.spare(0)
	VPACKUSDW(s.spare(1), both, both)
	VPERMQ(U8(0b11011000), both, both) // lanes were packed each for itself
	at := Mem{Base: reg.RCX}
	if !masked {
		VMOVDQU(both, at)
		return
	}
	VMOVDQU(both, s.row)
	s.copyWords(name, s.row, at)
}

// copyWords copies as many words as there are columns.
func (s *section) copyWords(name string, from, to Mem) {
	lanes, tmp := reg.RAX, reg.RBX
	Load(Param("n"), lanes)
	Label(name)
	from.Index, from.Scale, to.Index, to.Scale = lanes, 2, lanes, 2
	MOVW(from.Offset(-2), tmp.As16())
	MOVW(tmp.As16(), to.Offset(-2))
	DECQ(lanes)
	JNE(LabelRef(name))
}

// storeI8 rounds rows that are prepared to integers, limits them to bytes, two rows at a
// time, and stores them from RCX on.
func (s *section) storeI8(name string, masked bool, prepare func(i int)) {
	at, stride, lanes, tmp := reg.RCX, reg.RDX, reg.RAX, reg.RBX
	Load(Param("ldc"), stride)
	order := s.broadcast()
	if s.ISA == vector.AVX512 {
		VMOVDQU32(table("unpacked"), order)
		Load(Param("n"), lanes)
		MOVL(I32(-1), tmp.As32())
		BZHIL(lanes.As32(), tmp.As32(), tmp.As32())
		KMOVD(tmp.As32(), reg.K3)
	} else {
		VMOVDQU(table("unpacked"), order)
	}
	for i := 0; i < s.rows; i += 2 {
		pair := []int{i, min(i+1, s.rows-1)}
		for at, row := range pair {
			if at == 1 && row == i {
				continue
			}
			prepare(row)
			for v := range s.Vectors {
				VCVTPS2DQ(s.acc(row, v), s.acc(row, v))
			}
			VPACKSSDW(s.acc(row, 1), s.acc(row, 0), s.acc(row, 0))
		}
		both, second := s.acc(i, 0), s.acc(i, 1)
		VPACKUSWB(s.acc(pair[1], 0), both, both)
		VPERMD(both, order, both)
		s.storeRow(name, i, both, masked)
		if pair[1] > i {
			ADDQ(stride, at)
			if s.ISA == vector.AVX512 {
				VEXTRACTI64X4(U8(1), both, s.Half(second))
			} else {
				VEXTRACTI128(U8(1), both, s.Half(second))
			}
			s.storeRow(name, pair[1], second, masked)
		}
		ADDQ(stride, at)
	}
}

// storeRow stores the bytes in the lower half of a vector.
func (s *section) storeRow(name string, row int, v reg.VecPhysical, masked bool) {
	at, lanes, tmp := reg.RCX, reg.RAX, reg.RBX
	half := s.Half(v)
	switch {
	case s.ISA == vector.AVX512:
		VMOVDQU8(half, reg.K3, Mem{Base: at})
	case !masked:
		VMOVDQU(half, Mem{Base: at})
	default:
		VMOVDQU(half, s.row)
		Load(Param("n"), lanes)
		label := name + "Bytes" + string(rune('A'+row))
		Label(label)
		from := s.row
		from.Index, from.Scale = lanes, 1
		MOVB(from.Offset(-1), tmp.As8())
		MOVB(tmp.As8(), Mem{Base: at, Index: lanes, Scale: 1, Disp: -1})
		DECQ(lanes)
		JNE(LabelRef(label))
	}
}
