// Package evex writes AVX-512 instructions that neither Go's assembler nor avo knows, as
// bytes.
package evex

import (
	"encoding/binary"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// opcode is an instruction on registers of 512 bits in the opcode map 0F38, with W of 0,
// as in the reference of the Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2.
type opcode struct {
	name   string
	prefix byte // the pp field: 0 for none, 1 for 66, 2 for F3, 3 for F2
	code   byte
}

var (
	dpbf16    = opcode{"VDPBF16PS", 2, 0x52}     // EVEX.512.F3.0F38.W0 52 /r
	cvtnebf16 = opcode{"VCVTNEPS2BF16", 2, 0x72} // EVEX.512.F3.0F38.W0 72 /r
)

// VDPBF16PS adds, in each lane of float32 of acc, the two products of the lane's pairs of
// bfloat16 of a and b. Denormal values count as zero.
func VDPBF16PS(b, a, acc reg.VecPhysical) {
	emit(dpbf16, acc, a, b)
}

// VCVTNEPS2BF16 rounds the float32 of v to the nearest bfloat16, to even ones of two, in
// the lower half of to. Denormal values become zero.
func VCVTNEPS2BF16(v, to reg.VecPhysical) {
	emit(cvtnebf16, to, nil, v)
}

// emit writes an instruction of one source where vvvv is nil, else of two.
func emit(op opcode, r, vvvv, rm reg.VecPhysical) {
	second, comment := 0, fmt.Sprintf("%s %s, %s", op.name, rm.Asm(), r.Asm())
	if vvvv != nil {
		second, comment = int(vvvv.PhysicalIndex()), fmt.Sprintf("%s %s, %s, %s", op.name, rm.Asm(), vvvv.Asm(), r.Asm())
	}
	code := encode(op, int(r.PhysicalIndex()), second, int(rm.PhysicalIndex()))
	build.Comment(comment)
	data("LONG", operand.U32(binary.LittleEndian.Uint32(code[:4])))
	data("WORD", operand.U16(binary.LittleEndian.Uint16(code[4:])))
}

func data(size string, value operand.Op) {
	build.Instruction(&ir.Instruction{Opcode: size, Operands: []operand.Op{value}, ISA: []string{"AVX512BF16"}})
}

// encode is the instruction with registers of the given numbers in the fields reg, vvvv
// (0 where it has none) and r/m (section 2.7 of the manual, "Intel AVX-512 encoding"). The
// fields' bits 3 and 4 are in the prefix, inverted.
func encode(op opcode, r, vvvv, rm int) [6]byte {
	inverted := func(n, bit int) byte { return byte(^n>>bit) & 1 }
	const map0F38, length512 = 2, 2
	return [6]byte{
		0x62,
		inverted(r, 3)<<7 | inverted(rm, 4)<<6 | inverted(rm, 3)<<5 | inverted(r, 4)<<4 | map0F38,
		byte(^vvvv&15)<<3 | 1<<2 | op.prefix,
		length512<<5 | inverted(vvvv, 4)<<3,
		op.code,
		3<<6 | byte(r&7)<<3 | byte(rm&7),
	}
}
