package vector

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// LoadBF16 reads half a vector of bfloat16 as a vector of float32. With a mask, in
// AVX-512, lanes outside it are zero and not touched in memory.
func LoadBF16(m Mem, v reg.VecPhysical, mask reg.Register) {
	if mask == nil {
		VPMOVZXWD(m, v)
	} else {
		VPMOVZXWD_Z(m, mask, v)
	}
	VPSLLD(U8(16), v, v)
}

// StoreBF16 writes a vector whose values are bfloat16, or were Rounded. With a mask,
// lanes outside it are not touched in memory. It changes v.
func StoreBF16(v reg.VecPhysical, m Mem, mask reg.Register) {
	VPSRLD(U8(16), v, v)
	if mask == nil {
		VPMOVDW(v, m)
	} else {
		VPMOVDW(v, mask, m)
	}
}

// Rounding is the constants for rounding to bfloat16 by ordinary instructions on integers,
// which every AVX-512 has.
type Rounding struct{ half, one, quiet reg.VecPhysical }

// NewRounding puts the constants into the registers from the given one on. It changes tmp.
func NewRounding(from int, tmp reg.GPPhysical) Rounding {
	r := Rounding{AVX512.Reg(from), AVX512.Reg(from + 1), AVX512.Reg(from + 2)}
	for _, c := range []struct {
		v    reg.VecPhysical
		bits uint32
	}{{r.half, 0x7fff}, {r.one, 1}, {r.quiet, 0x400000}} {
		MOVL(U32(c.bits), tmp.As32())
		VPBROADCASTD(tmp.As32(), c.v)
	}
	return r
}

// Round makes the upper half of each lane of to the nearest bfloat16 to v's, of two the
// even one: it adds just less than half of its last bit, and one where that bit is set. NaN
// becomes a quiet one. It changes K7.
func (r Rounding) Round(v, to reg.VecPhysical) {
	const unordered = 3
	VCMPPS(U8(unordered), v, v, reg.K7)
	VPSRLD(U8(16), v, to)
	VPANDD(r.one, to, to)
	VPADDD(r.half, to, to)
	VPADDD(v, to, to)
	VPORD(r.quiet, v, reg.K7, to)
}
