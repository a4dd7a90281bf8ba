// Package vector writes instructions on vectors of float32 at either width, so that
// a generator is written once for AVX2 and AVX-512.
package vector

import (
	"strconv"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is a width of vectors.
type ISA struct {
	Lanes     int // float32 in a vector
	Registers int // vector registers
}

var (
	AVX2   = ISA{Lanes: 8, Registers: 16}
	AVX512 = ISA{Lanes: 16, Registers: 32}
)

// Bytes is the size of a vector.
func (isa ISA) Bytes() int { return 4 * isa.Lanes }

// Reg is vector register i.
func (isa ISA) Reg(i int) reg.VecPhysical {
	if i < 0 || i >= isa.Registers {
		panic("vector: no register " + strconv.Itoa(i))
	}
	if isa == AVX2 {
		return []reg.VecPhysical{
			reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
			reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}[i]
	}
	return []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31}[i]
}

// Half is the lower half of a vector register.
func (isa ISA) Half(v reg.VecPhysical) reg.VecPhysical {
	if isa == AVX2 {
		return v.AsX().(reg.VecPhysical)
	}
	return v.AsY().(reg.VecPhysical)
}

// Upper takes the upper half of a vector.
func (isa ISA) Upper(v, half reg.VecPhysical) {
	if isa == AVX2 {
		VEXTRACTF128(U8(1), v, half)
	} else {
		VEXTRACTF64X4(U8(1), v, half)
	}
}

// Join makes a vector of the lower halves of two.
func (isa ISA) Join(lower, upper, v reg.VecPhysical) {
	if isa == AVX2 {
		VINSERTF128(U8(1), isa.Half(upper), lower, v)
	} else {
		VINSERTF64X4(U8(1), isa.Half(upper), lower, v)
	}
}

// Narrow converts a vector of float64 to half a vector of float32.
func (isa ISA) Narrow(v, half reg.VecPhysical) {
	if isa == AVX2 {
		VCVTPD2PSY(v, half)
	} else {
		VCVTPD2PS(v, half)
	}
}

// General are the general registers a generator may name: all but the stack and
// frame pointers.
var General = []reg.GPPhysical{
	reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI, reg.R8,
	reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R14, reg.R15,
}

// Zero sets v to zero.
func (isa ISA) Zero(v reg.VecPhysical) {
	if isa == AVX512 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// Load reads a vector. With a mask, lanes outside it are zero and not touched in memory.
func (isa ISA) Load(m Mem, v reg.VecPhysical, mask reg.Register) {
	switch {
	case mask == nil:
		VMOVUPS(m, v)
	case isa == AVX512:
		VMOVUPS_Z(m, mask, v)
	default:
		VMASKMOVPS(m, mask, v)
	}
}

// Store writes a vector. With a mask, lanes outside it are not touched in memory.
func (isa ISA) Store(v reg.VecPhysical, m Mem, mask reg.Register) {
	switch {
	case mask == nil:
		VMOVUPS(v, m)
	case isa == AVX512:
		VMOVUPS(v, mask, m)
	default:
		VMASKMOVPS(v, mask, m)
	}
}

// Mask is where the mask of vector i of a row is kept: a mask register in AVX-512,
// vector register from+i in AVX2.
func (isa ISA) Mask(i, from int) reg.Register {
	if isa == AVX2 {
		return isa.Reg(from + i)
	}
	return []reg.Register{reg.K1, reg.K2, reg.K3}[i]
}

// SetMask makes mask cover the first lanes, clamped to the width, of a vector. It
// changes lanes and, in AVX2, tmp. The masks of AVX2 need LaneMasks in the file.
func (isa ISA) SetMask(mask reg.Register, lanes, tmp reg.GPPhysical) {
	if isa == AVX512 {
		clamp(lanes, tmp, isa.Lanes)
		MOVL(I32(-1), tmp.As32())
		BZHIL(lanes.As32(), tmp.As32(), tmp.As32())
		KMOVW(tmp.As32(), mask)
		return
	}
	VMOVDQU(isa.MaskMem(lanes, tmp), mask)
}

// MaskMem is where, in AVX2, the mask of SetMask is in memory. It changes lanes and
// tmp, which it refers to.
func (isa ISA) MaskMem(lanes, tmp reg.GPPhysical) Mem {
	clamp(lanes, tmp, isa.Lanes)
	NEGQ(lanes)
	LEAQ(NewDataAddr(Symbol{Name: "laneMasks", Static: true}, 0), tmp)
	return Mem{Base: tmp, Index: lanes, Scale: 4, Disp: isa.Bytes()}
}

// clamp limits v to 0..limit.
func clamp(v, tmp reg.GPPhysical, limit int) {
	XORL(tmp.As32(), tmp.As32())
	TESTQ(v, v)
	CMOVQLT(tmp, v)
	MOVL(U32(uint32(limit)), tmp.As32())
	CMPQ(v, tmp)
	CMOVQGT(tmp, v)
}

// LaneMasks writes the table that SetMask reads in AVX2: eight lanes set, then eight clear.
func (isa ISA) LaneMasks() {
	if isa != AVX2 {
		return
	}
	GLOBL("laneMasks", 8|16) // RODATA|NOPTR
	for i := range 16 {
		v := uint32(0xffffffff)
		if i >= 8 {
			v = 0
		}
		DATA(4*i, U32(v))
	}
}

// Arg is the memory that an argument of the function is in.
func Arg(name string) Mem {
	argument, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return argument.Addr
}
