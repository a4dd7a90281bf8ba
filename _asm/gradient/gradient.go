// Package gradient generates the tiles of the gradients of convolutions with respect
// to their kernels.
package gradient

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Tile is a kernel that sums the products of up to Rows values of a pixel with Vectors
// vectors of another over a list of pairs of pixels.
type Tile struct {
	vector.ISA
	Rows, Vectors int
}

func (t *Tile) columns() int { return t.Vectors * t.Lanes }

// Name is the kernel's name: operation, type, tile.
func (t *Tile) Name() string { return fmt.Sprintf("GradientF32_%dx%d", t.Rows, t.columns()) }

var (
	a, dy, pairs, at   = reg.RAX, reg.RBX, reg.RCX, reg.RDX
	aPixel, dyPixel    = reg.RSI, reg.RDI
	c, ldc, lanes, tmp = reg.R8, reg.R9, reg.R10, reg.R11
	lowMask, highMask  = reg.R12, reg.R13 // AVX2: where the masks are
)

// Ahead is how many pairs before its turn dy's part of a pair is asked for, measured:
// the panels of dy come from the level-2 cache, while a's values are used for several
// of them. So many pairs follow the last one.
const Ahead = 16

// Emit writes the kernel into the file under construction.
func (t *Tile) Emit() {
	TEXT(t.Name(), 4, "func(m, n, count int, pairs *[2]int, a, dy, c *float32, ldc int, add bool)") // NOSPLIT
	doc := fmt.Sprintf(`%s is, for m of 1 to %d, n of 1 to %d and count of 0 or more:

	for i := range m {
		for j := range n {
			acc := 0
			for _, pair := range pairs[:count] {
				acc += a[pair[0]+i] * dy[pair[1]+j]
			}
			if add {
				acc += c[i*ldc+j]
			}
			c[i*ldc+j] = acc
		}
	}

%d more pairs follow, for which dy is asked for and not read.`, t.Name(), t.Rows, t.columns(), Ahead)
	Doc(strings.Split(doc, "\n")...)
	Pragma("noescape")
	Load(Param("a"), a)
	Load(Param("dy"), dy)
	Load(Param("pairs"), pairs)
	Load(Param("count"), at)
	SHLQ(U8(4), at)
	ADDQ(at, pairs) // to the end of the list, and the index rises to zero
	NEGQ(at)
	Load(Param("c"), c)
	Load(Param("ldc"), ldc)
	SHLQ(U8(2), ldc)
	if t.ISA == vector.AVX512 {
		for v := range t.Vectors {
			t.columnsOf(v)
			t.SetMask(t.Mask(v, 0), lanes, tmp)
		}
	}
	m := lanes
	Load(Param("m"), m)
	for rows := t.Rows; rows > 1; rows-- {
		CMPQ(m, I8(rows))
		JEQ(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	for rows := 1; rows <= t.Rows; rows++ {
		Label(fmt.Sprintf("rows%d", rows))
		s := &section{Tile: t, rows: rows, masked: t.ISA == vector.AVX512}
		for i := range rows * t.Vectors {
			s.Zero(s.Reg(i))
		}
		if t.ISA == vector.AVX512 {
			s.run()
			continue
		}
		CMPQ(vector.Arg("n"), I8(t.columns()))
		JNE(LabelRef(fmt.Sprintf("rows%dMasked", rows)))
		s.run()
		s.masked = true
		Label(fmt.Sprintf("rows%dMasked", rows))
		s.run()
	}
}

// columnsOf sets lanes to the number of columns from vector v on.
func (t *Tile) columnsOf(v int) {
	Load(Param("n"), lanes)
	if v > 0 {
		SUBQ(I8(v*t.Lanes), lanes)
	}
}

// section is the code for one number of rows. Vector registers: the accumulators, row
// by row, from 0; a vector of dy per column and the broadcast from the end.
type section struct {
	*Tile
	rows   int
	masked bool
}

func (s *section) acc(i, v int) reg.VecPhysical { return s.Reg(i*s.Vectors + v) }
func (s *section) dy(v int) reg.VecPhysical     { return s.Reg(s.Registers - s.Vectors + v) }
func (s *section) broadcast() reg.VecPhysical   { return s.Reg(s.Registers - s.Vectors - 1) }

func (s *section) label(name string) string {
	if s.masked {
		name += "Masked"
	}
	return fmt.Sprintf("%s%d", name, s.rows)
}

// load reads vector v of a row. There is no register in AVX2 to keep a mask in: it is
// read, each time, into the register of the vector.
func (s *section) load(v int, from Mem) {
	from = from.Offset(v * s.Bytes())
	switch {
	case s.ISA == vector.AVX512:
		s.ISA.Load(from, s.dy(v), s.Mask(v, 0))
	case s.masked:
		VMOVDQU(Mem{Base: []reg.Register{lowMask, highMask}[v]}, s.dy(v))
		VMASKMOVPS(from, s.dy(v), s.dy(v))
	default:
		VMOVUPS(from, s.dy(v))
	}
}

func (s *section) run() {
	if s.ISA == vector.AVX2 && s.masked {
		for v, mask := range []reg.GPPhysical{lowMask, highMask} {
			s.columnsOf(v)
			LEAQ(s.MaskMem(lanes, tmp), mask)
		}
	}
	CMPB(vector.Arg("add"), I8(0))
	JEQ(LabelRef(s.label("asked")))
	MOVQ(c, tmp)
	for i := range s.rows {
		if i > 0 {
			ADDQ(ldc, tmp)
		}
		for line := 0; line < s.columns()*4; line += 64 {
			PREFETCHT0(Mem{Base: tmp, Disp: line})
		}
	}
	Label(s.label("asked"))
	TESTQ(at, at)
	JEQ(LabelRef(s.label("summed")))

	Label(s.label("pair"))
	MOVQ(Mem{Base: pairs, Index: at, Scale: 1}, aPixel)
	MOVQ(Mem{Base: pairs, Index: at, Scale: 1, Disp: 8}, dyPixel)
	for v := range s.Vectors {
		s.load(v, Mem{Base: dy, Index: dyPixel, Scale: 4})
	}
	for i := range s.rows {
		VBROADCASTSS(Mem{Base: a, Index: aPixel, Scale: 4, Disp: 4 * i}, s.broadcast())
		for v := range s.Vectors {
			VFMADD231PS(s.dy(v), s.broadcast(), s.acc(i, v))
		}
	}
	MOVQ(Mem{Base: pairs, Index: at, Scale: 1, Disp: 16*Ahead + 8}, dyPixel)
	for line := 0; line < s.columns()*4; line += 64 {
		PREFETCHT0(Mem{Base: dy, Index: dyPixel, Scale: 4, Disp: line})
	}
	ADDQ(I8(16), at)
	JNE(LabelRef(s.label("pair")))

	Label(s.label("summed"))
	CMPB(vector.Arg("add"), I8(0))
	JEQ(LabelRef(s.label("store")))
	MOVQ(c, tmp)
	for i := range s.rows {
		for v := range s.Vectors {
			s.load(v, Mem{Base: tmp})
			VADDPS(s.dy(v), s.acc(i, v), s.acc(i, v))
		}
		ADDQ(ldc, tmp)
	}
	Label(s.label("store"))
	masks := make([]reg.Register, s.Vectors)
	for v := range s.Vectors {
		switch {
		case s.ISA == vector.AVX512:
			masks[v] = s.Mask(v, 0)
		case s.masked:
			masks[v] = s.dy(v)
			VMOVDQU(Mem{Base: []reg.Register{lowMask, highMask}[v]}, s.dy(v))
		}
	}
	for i := range s.rows {
		for v := range s.Vectors {
			s.Store(s.acc(i, v), Mem{Base: c, Disp: v * s.Bytes()}, masks[v])
		}
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}
