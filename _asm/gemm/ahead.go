package gemm

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The epilogue touches the rows of the residual and of the result at distances that the
// processor does not foresee, and stores one after the other wait for their lines in turn. So
// a tile asks for them before. It does that row by row, while products are summed: asked for
// at once, so many lines hold up what the products load.

// written is a tensor that the epilogue reads or writes: where the tile's next row is, the
// distance of rows in bytes, and how many bytes of each it touches.
type written struct {
	at, stride reg.GPPhysical
	bytes      int
}

// output loads where the epilogue reads and writes: the residual, or what is written where
// there is none, and the integers that are written beside bfloat16.
func (s *section) output(at, stride, integers, pitch reg.GPPhysical) []written {
	switch {
	case s.Int16 != NoInt16:
		return nil // it is scratch, which stays in a level-2 cache
	case s.Int8 == NoInt8:
		Load(Param("residual"), at)
		Load(Param("ldr"), stride)
		TESTQ(at, at)
		JNE(LabelRef(s.label("ask")))
		Load(Param("c"), at)
		Load(Param("ldc"), stride)
		Label(s.label("ask"))
		SHLQ(s.logSize(), stride)
		return []written{{at, stride, s.columns() << s.logSize()}}
	}
	Load(Param("c"), integers)
	Load(Param("ldc"), pitch)
	Load(Param("residual"), at)
	Load(Param("ldr"), stride)
	TESTQ(at, at)
	JNE(LabelRef(s.label("ask")))
	Load(Param("cb"), at)
	Load(Param("ldcb"), stride)
	Label(s.label("ask"))
	SHLQ(U8(1), stride)
	// What is not there is what is: asked for twice, a line costs little.
	TESTQ(at, at)
	CMOVQEQ(integers, at)
	CMOVQEQ(pitch, stride)
	TESTQ(integers, integers)
	CMOVQEQ(at, integers)
	CMOVQEQ(stride, pitch)
	return []written{{at, stride, s.columns() * 2}, {integers, pitch, s.columns()}}
}

// ask asks for a row.
func (w written) ask() {
	for line := 0; line < w.bytes; line += 64 {
		PREFETCHT0(Mem{Base: w.at, Disp: line})
	}
}

// askOutput asks for all rows at once.
func (s *section) askOutput() {
	for _, t := range s.output(reg.RAX, reg.RBX, reg.RCX, reg.RDX) {
		for range s.rows {
			t.ask()
			ADDQ(t.stride, t.at)
		}
	}
}

// stepsOfRow is after how many steps of k a tile asks for the next row of its output: a
// product of 128 values for each sum, the shortest that has a residual, has come to all.
func (s *section) stepsOfRow() int {
	if s.Int8 != NoInt8 || s.BF16 {
		return 2
	}
	return s.Unroll
}
