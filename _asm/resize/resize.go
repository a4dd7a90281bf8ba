// Resize generates the AVX2 kernels that images are resized with: the two passes of a
// separable filter over bytes, in fixed point.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fraction is how many bits of a share are behind its point, as in package vision.
const fraction = 32 - 8 - 2

func main() {
	rows()
	columns()
	Generate()
}

// rows sums in vectors of the three channels of a pixel and one value that is thrown away.
func rows() {
	TEXT("Rows", NOSPLIT, "func(dst *uint8, dstStride int, src *uint8, srcStride int, columns *int32, n int)")
	Doc("Rows writes n pixels of RGB of each of four rows. The columns are for each pixel the offset",
		"in bytes of its first tap, the number of taps, and their shares with 22 bits behind the point.",
		"It reads a byte behind each tap.")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	src, srcStride := Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	columns, n := Load(Param("columns"), GP64()), Load(Param("n"), GP64())
	thirdDst, thirdSrc := threefold(dstStride), threefold(srcStride)
	half := rounding()

	Label("pixel")
	from, count := GP64(), GP64()
	MOVLQSX(Mem{Base: columns}, from)
	ADDQ(src, from)
	MOVLQSX(Mem{Base: columns, Disp: 4}, count)
	ADDQ(U8(8), columns)
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = XMM()
		VMOVDQA(half.AsX(), sums[i])
	}
	Label("tap")
	share := XMM()
	VPBROADCASTD(Mem{Base: columns}, share)
	for i, at := range fourRows(from, srcStride, thirdSrc) {
		v := XMM()
		VPMOVZXBD(at, v)
		VPMULLD(share, v, v)
		VPADDD(v, sums[i], sums[i])
	}
	ADDQ(U8(3), from)
	ADDQ(U8(4), columns)
	DECQ(count)
	JNZ(LabelRef("tap"))

	bytes := toBytes(sums)
	for i, at := range fourRows(dst, dstStride, thirdDst) {
		VPEXTRW(U8(2*i), bytes, at)
		at.Disp += 2
		VPEXTRB(U8(4*i+2), bytes, at)
	}
	ADDQ(U8(3), dst)
	DECQ(n)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

func columns() {
	const values = 4 * 8 // at a time
	TEXT("Columns", NOSPLIT, "func(dst, src *uint8, stride int, shares *int32, taps, n int)")
	Doc("Columns writes n values, a multiple of 32: each the sum over taps of the value at its place in",
		"as many rows, times the row's share with 22 bits behind the point.")
	dst, src, stride := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("stride"), GP64())
	shares, taps, n := Load(Param("shares"), GP64()), Load(Param("taps"), GP64()), Load(Param("n"), GP64())
	half := rounding()

	Label("block")
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = YMM()
		VMOVDQA(half, sums[i])
	}
	row, tap := GP64(), GP64()
	MOVQ(src, row)
	XORQ(tap, tap)
	Label("row")
	share := YMM()
	VPBROADCASTD(Mem{Base: shares, Index: tap, Scale: 4}, share)
	for i, sum := range sums {
		v := YMM()
		VPMOVZXBD(Mem{Base: row, Disp: 8 * i}, v)
		VPMULLD(share, v, v)
		VPADDD(v, sum, sum)
	}
	ADDQ(stride, row)
	INCQ(tap)
	CMPQ(tap, taps)
	JLT(LabelRef("row"))

	bytes := toBytes(sums)
	// Packing has left fours of the sums' lower halves before those of their upper ones.
	order := GLOBL("order", NOPTR|RODATA)
	for i, from := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(from))
	}
	permutation := YMM()
	VMOVDQU(order, permutation)
	VPERMD(bytes, permutation, bytes)
	VMOVDQU(bytes, Mem{Base: dst})
	ADDQ(U8(values), dst)
	ADDQ(U8(values), src)
	SUBQ(U8(values), n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// toBytes limits sums to bytes, and packs those of each half of the vectors.
func toBytes(sums [4]reg.VecVirtual) reg.VecVirtual {
	for _, sum := range sums {
		VPSRAD(U8(fraction), sum, sum)
	}
	VPACKSSDW(sums[1], sums[0], sums[0])
	VPACKSSDW(sums[3], sums[2], sums[2])
	VPACKUSWB(sums[2], sums[0], sums[0])
	return sums[0]
}

// rounding is a half, which sums begin with.
func rounding() reg.VecVirtual {
	half := YMM()
	one := GP32()
	MOVL(U32(1<<(fraction-1)), one)
	VMOVD(one, half.AsX())
	VPBROADCASTD(half.AsX(), half)
	return half
}

func threefold(stride reg.Register) reg.GPVirtual {
	third := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, third)
	return third
}

// fourRows are where four rows begin.
func fourRows(first, stride, third reg.Register) [4]Mem {
	return [4]Mem{
		{Base: first}, {Base: first, Index: stride, Scale: 1},
		{Base: first, Index: stride, Scale: 2}, {Base: first, Index: third, Scale: 1},
	}
}
