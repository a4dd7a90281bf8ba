// Package vex writes VEX-encoded instructions that neither Go's assembler nor avo knows, as
// bytes: those on AMX's tiles, and those of AVX-VNNI, which the assembler knows in AVX-512's
// encoding alone.
package vex

import (
	"encoding/binary"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// opcode is an instruction in the opcode map 0F38, with W of 0, as in the reference of the
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
type opcode struct {
	name   string
	length byte // the L field: 0 for 128 bits and for tiles, 1 for 256 bits
	prefix byte // the pp field: 0 for none, 1 for 66, 2 for F3, 3 for F2
	code   byte
}

var (
	ldtilecfg   = opcode{"LDTILECFG", 0, 0, 0x49}   // VEX.128.NP.0F38.W0 49 !11:000:bbb
	tilerelease = opcode{"TILERELEASE", 0, 0, 0x49} // VEX.128.NP.0F38.W0 49 C0
	tilezero    = opcode{"TILEZERO", 0, 3, 0x49}    // VEX.128.F2.0F38.W0 49 11:rrr:000
	tileload    = opcode{"TILELOADD", 0, 3, 0x4b}   // VEX.128.F2.0F38.W0 4B !11:rrr:100
	tilestream  = opcode{"TILELOADDT1", 0, 1, 0x4b} // VEX.128.66.0F38.W0 4B !11:rrr:100
	tilestore   = opcode{"TILESTORED", 0, 2, 0x4b}  // VEX.128.F3.0F38.W0 4B !11:rrr:100
	dpbf16      = opcode{"TDPBF16PS", 0, 2, 0x5c}   // VEX.128.F3.0F38.W0 5C 11:rrr:bbb
	dpbusd      = opcode{"TDPBUSD", 0, 1, 0x5e}     // VEX.128.66.0F38.W0 5E 11:rrr:bbb
	vpdpbusd    = opcode{"VPDPBUSD", 1, 1, 0x50}    // VEX.256.66.0F38.W0 50 /r
)

// A Tile is a tile register, 0 to 7.
type Tile int

// LDTILECFG sets the shapes of the tiles by 64 bytes in memory, and clears them.
func LDTILECFG(at operand.Mem) {
	emit(ldtilecfg, inMemory(ldtilecfg, 0, at), at.Asm())
}

// TILERELEASE makes an end of the tiles.
func TILERELEASE() { emit(tilerelease, inRegister(tilerelease, 0, 0, 0)) }

// TILEZERO clears a tile.
func TILEZERO(t Tile) { emit(tilezero, inRegister(tilezero, int(t), 0, 0), t.name()) }

// TILELOADD loads the rows of a tile, which lie as far apart as the index of at tells.
func TILELOADD(at operand.Mem, t Tile) {
	emit(tileload, inMemory(tileload, int(t), at), at.Asm(), t.name())
}

// TILELOADDT1 is TILELOADD of rows that are not used again soon, for which no others leave the
// first cache.
func TILELOADDT1(at operand.Mem, t Tile) {
	emit(tilestream, inMemory(tilestream, int(t), at), at.Asm(), t.name())
}

// TILESTORED stores the rows of a tile, as far apart as the index of at tells.
func TILESTORED(t Tile, at operand.Mem) {
	emit(tilestore, inMemory(tilestore, int(t), at), t.name(), at.Asm())
}

// TDPBF16PS adds the products of a's rows of pairs of bfloat16 and b's columns of pairs to
// the float32 of acc. Denormal values count as zero.
func TDPBF16PS(b, a, acc Tile) { products(dpbf16, b, a, acc) }

// TDPBUSD adds the products of a's rows of four unsigned 8-bit integers and b's columns of
// four signed ones to the 32-bit integers of acc.
func TDPBUSD(b, a, acc Tile) { products(dpbusd, b, a, acc) }

func products(op opcode, b, a, acc Tile) {
	emit(op, inRegister(op, int(acc), int(b), int(a)), b.name(), a.name(), acc.name())
}

// VPDPBUSD adds, in each 32-bit lane of acc, the products of the four unsigned bytes of a and
// the four signed ones of b, of 256 bits.
func VPDPBUSD(b, a, acc reg.VecPhysical) {
	emit(vpdpbusd, inRegister(vpdpbusd, int(acc.PhysicalIndex()), int(a.PhysicalIndex()), int(b.PhysicalIndex())),
		b.Asm(), a.Asm(), acc.Asm())
}

func (t Tile) name() string { return fmt.Sprintf("TMM%d", t) }

// prefix is the three bytes of the prefix and the opcode, with registers in the fields reg,
// vvvv, and r/m or base and index, whose bits 3 it has, inverted (section 2.3 of the manual).
func prefix(op opcode, r, vvvv, x, b int) []byte {
	inverted := func(n int) byte { return byte(^n>>3) & 1 }
	const map0F38 = 2
	return []byte{
		0xc4,
		inverted(r)<<7 | inverted(x)<<6 | inverted(b)<<5 | map0F38,
		byte(^vvvv&15)<<3 | op.length<<2 | op.prefix,
		op.code,
	}
}

// inRegister is an instruction on registers alone.
func inRegister(op opcode, r, vvvv, rm int) []byte {
	return append(prefix(op, r, vvvv, 0, rm), 3<<6|byte(r&7)<<3|byte(rm&7))
}

// inMemory is an instruction on a register and memory, addressed by a base and, maybe, an
// index that is not scaled.
func inMemory(op opcode, r int, at operand.Mem) []byte {
	base, index := number(at.Base), -1
	if at.Index != nil {
		if index = number(at.Index); at.Scale != 1 || index == 4 {
			panic("vex: an index is a register but the stack pointer, and not scaled")
		}
	}
	code := prefix(op, r, 0, max(index, 0), base)
	field := byte(r&7) << 3
	const withDisp8, withDisp32, withSIB = 1 << 6, 2 << 6, 4
	displaced := byte(withDisp8)
	switch {
	case at.Disp == 0 && base&7 != 5: // which would be no base
		displaced = 0
	case at.Disp < -128 || at.Disp > 127:
		displaced = withDisp32
	}
	switch {
	case index >= 0:
		code = append(code, displaced|field|withSIB, byte(index&7)<<3|byte(base&7))
	case base&7 == withSIB:
		code = append(code, displaced|field|withSIB, 4<<3|byte(base&7))
	default:
		code = append(code, displaced|field|byte(base&7))
	}
	switch displaced {
	case withDisp8:
		code = append(code, byte(at.Disp))
	case withDisp32:
		code = binary.LittleEndian.AppendUint32(code, uint32(int32(at.Disp)))
	}
	return code
}

func number(r reg.Register) int { return int(r.(reg.GPPhysical).PhysicalIndex()) }

// emit writes code as data in as large pieces as there are.
func emit(op opcode, code []byte, operands ...string) {
	comment := op.name
	for i, o := range operands {
		comment += map[bool]string{true: " ", false: ", "}[i == 0] + o
	}
	build.Comment(comment)
	for len(code) > 0 {
		size := 1
		switch {
		case len(code) >= 4:
			size = 4
			data("LONG", operand.U32(binary.LittleEndian.Uint32(code)))
		case len(code) >= 2:
			size = 2
			data("WORD", operand.U16(binary.LittleEndian.Uint16(code)))
		default:
			data("BYTE", operand.U8(code[0]))
		}
		code = code[size:]
	}
}

func data(size string, value operand.Op) {
	build.Instruction(&ir.Instruction{Opcode: size, Operands: []operand.Op{value}, ISA: []string{"VEX"}})
}
