package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// EmitI8 writes the transforms of unsigned 8-bit integers, for squares of 4 x 4 pixels and the
// points 0, 1, -1, 2, -2 and infinity, with AVX-512: to words, and back from sums of 32 bits.
func EmitI8() {
	t := &Transform{ISA: vector.AVX512, Outputs: 4, Pairs: 2, Square: true, I8: true}
	(&inputI8{code{Transform: t}}).emit()
	(&outputI8{code: code{Transform: t}}).emit()
}

type inputI8 struct{ code }

func (in *inputI8) emit() {
	side, channelsOfBody := in.side(), 2*in.Lanes
	TEXT("WinogradInputI8_6x6", 0, "func(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int)")
	Doc("WinogradInputI8_6x6 is, for tiles that read 6x6 pixels:",
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		"\t\t\tvar d [36]int16",
		"\t\t\tfor i := range d {",
		"\t\t\t\td[i] = x[pixels[t*36+i]*pitch+c] // zero[c] where the pixel is negative",
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(d) {",
		"\t\t\t\tv[i*points+t*ldv+c] = value",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradInputI8.")
	Pragma("noescape")
	in.at, in.values = reg.RAX, reg.RCX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	v, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	x, toZero := reg.R12, reg.R13
	tile, ahead := reg.R14, reg.R15
	in.allocate(side*side, side*side)
	Load(Param("points"), points)
	ADDQ(points, points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("x"), x)
	Load(Param("zero"), toZero)
	SUBQ(x, toZero)
	Load(Param("v"), v)
	Load(Param("pitch"), tile)
	SHLQ(U8(2), tile) // the next tile is four pixels on
	Label("tile")
	for i := range side * side {
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, pixel)
		IMULQ(address("pitch"), pixel)
		TESTQ(pixel, pixel)
		CMOVQMI(toZero, pixel)
		ADDQ(x, pixel)
		MOVQ(pixel, in.table.Offset(8*i))
	}
	out := tmp
	body := func() {
		LEAQ(Mem{Base: tile, Index: in.at, Scale: 1}, ahead)
		for column := range side {
			for row := range side {
				MOVQ(in.table.Offset(8*(row*side+column)), pixel)
				if from := (Mem{Base: pixel, Index: in.at, Scale: 1}); in.mask == nil {
					VPMOVZXBW(from, in.Reg(row))
				} else {
					VPMOVZXBW_Z(from, in.mask, in.Reg(row))
				}
				if column >= side-in.Outputs {
					PREFETCHT0(Mem{Base: pixel, Index: ahead, Scale: 1})
				}
			}
			in.transform(func(i int, from reg.VecPhysical) { VMOVDQU16(from, in.value(i*side+column)) })
		}
		LEAQ(Mem{Base: v, Index: in.at, Scale: 2}, out)
		for row := range side {
			for i := range side {
				VMOVDQU16(in.value(row*side+i), in.Reg(i))
			}
			// The points in the order in which they are computed, with the distances between.
			at := 0
			in.transform(func(i int, from reg.VecPhysical) {
				for ; at < i; at++ {
					ADDQ(points, out)
				}
				if in.mask == nil {
					VMOVDQU16(from, Mem{Base: out})
				} else {
					VMOVDQU16(from, in.mask, Mem{Base: out})
				}
			})
			ADDQ(points, out)
		}
	}
	XORL(in.at.As32(), in.at.As32())
	Load(Param("channels"), left)
	SUBQ(I8(channelsOfBody), left)
	JLT(LabelRef("rest"))
	Label("whole")
	in.mask = nil
	body()
	ADDQ(I8(channelsOfBody), in.at)
	SUBQ(I8(channelsOfBody), left)
	JGE(LabelRef("whole"))
	Label("rest")
	ADDQ(I8(channelsOfBody), left)
	JEQ(LabelRef("next"))
	in.mask = reg.K1
	MOVL(I32(-1), tmp.As32())
	BZHIL(left.As32(), tmp.As32(), tmp.As32())
	KMOVD(tmp.As32(), in.mask)
	body()
	Label("next")
	Load(Param("ldv"), tmp)
	LEAQ(Mem{Base: v, Index: tmp, Scale: 2}, v)
	ADDQ(I32(4*side*side), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// transform passes the values at the points, in order, to out, from the pixels in the first
// registers.
func (in *inputI8) transform(out func(point int, value reg.VecPhysical)) {
	x := in.Reg
	far, near, first, last := x(6), x(7), x(8), x(9) // x4 - x2, x3 - x1, x2 - x0, x5 - x3
	even, odd, sum := x(10), x(11), x(12)
	VPSUBW(x(2), x(4), far)
	VPSUBW(x(1), x(3), near)
	VPSUBW(x(0), x(2), first)
	VPSUBW(x(3), x(5), last)
	VPSLLW(U8(2), first, first)
	VPSUBW(first, far, first)
	out(0, first)
	VPSLLW(U8(2), x(2), even)
	VPSUBW(even, x(4), even)
	VPSLLW(U8(2), x(1), odd)
	VPSUBW(odd, x(3), odd)
	VPADDW(odd, even, sum)
	VPSUBW(odd, even, even)
	out(1, sum)
	out(2, even)
	VPADDW(near, near, odd)
	VPADDW(odd, far, sum)
	VPSUBW(odd, far, far)
	out(3, sum)
	out(4, far)
	VPADDW(odd, odd, odd)
	VPSUBW(odd, last, last)
	out(5, last)
}

type outputI8 struct {
	code
	bodies int
}

func (o *outputI8) emit() {
	side, outputs := o.side(), o.outputs()
	TEXT("WinogradOutputI8_6x6_4x4", 0, "func(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32)")
	Doc("WinogradOutputI8_6x6_4x4 is, for tiles that write 4x4 pixels:",
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		"\t\t\tvar p [36]int32",
		"\t\t\tfor i := range p {",
		"\t\t\t\tp[i] = m[i*points+t*ldm+c]",
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(p) {",
		"\t\t\t\tif pixel := pixels[t*16+i]; pixel >= 0 {",
		"\t\t\t\t\ty[pixel*pitch+c] = value*scale[c] + bias[c]",
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradOutputI8, with the factors of",
		"generic.WinogradFactorI8, and y is rounded to the nearest integer, of two to the even one,",
		"and limited to 0 and 255. What is rounded is to be less than 1<<31.")
	Pragma("noescape")
	GLOBL("factors", 8|16) // RODATA|NOPTR
	for i := range outputs {
		DATA(4*i, U32(factorI8(i/o.Outputs, i%o.Outputs)))
	}
	o.at = reg.RAX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	m, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	scale, bias := reg.R12, reg.R13
	o.allocate(outputs, 0)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("m"), m)
	Load(Param("scale"), scale)
	Load(Param("bias"), bias)
	Label("tile")
	for i := range outputs {
		// A pointer below zero marks a pixel outside: none is there in user space.
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, left)
		MOVQ(I32(-1), pixel)
		TESTQ(left, left)
		JLT(LabelRef(fmt.Sprintf("outside%d", i)))
		MOVQ(left, pixel)
		IMULQ(address("pitch"), pixel)
		ADDQ(address("y"), pixel)
		Label(fmt.Sprintf("outside%d", i))
		MOVQ(pixel, o.table.Offset(8*i))
	}
	// The values between the two passes take the first 24 registers.
	between := func(row, i int) reg.VecPhysical { return o.Reg(row*o.Outputs + i) }
	spare := o.Reg(30)
	o.overChannels("channels", left, tmp, reg.K1, func() {
		from := tmp
		LEAQ(Mem{Base: m, Index: o.at, Scale: 4}, from)
		for row := range side {
			next := func(to reg.VecPhysical) {
				o.Load(Mem{Base: from}, to, o.mask)
				ADDQ(points, from)
			}
			in := []reg.VecPhysical{between(row, 0), o.Reg(24), o.Reg(25), o.Reg(26), o.Reg(27), spare}
			for _, to := range in {
				next(to)
			}
			o.transform(in, func(i int) reg.VecPhysical { return between(row, i) })
		}
		factors, biases, zero := o.Reg(29), o.Reg(30), o.Reg(31)
		for column := range o.Outputs {
			var in []reg.VecPhysical
			for row := range side {
				in = append(in, between(row, column))
			}
			o.transform(in, func(i int) reg.VecPhysical { return between(i, column) })
		}
		o.Load(Mem{Base: scale, Index: o.at, Scale: 4}, factors, o.mask)
		o.Load(Mem{Base: bias, Index: o.at, Scale: 4}, biases, o.mask)
		o.Zero(zero)
		for i := range outputs {
			skip, value := fmt.Sprintf("skip%d_%d", o.bodies, i), between(i/o.Outputs, i%o.Outputs)
			MOVQ(o.table.Offset(8*i), pixel)
			TESTQ(pixel, pixel)
			JLT(LabelRef(skip))
			VPMULLD_BCST(NewDataAddr(Symbol{Name: "factors", Static: true}, 4*i), value, value)
			VCVTDQ2PS(value, value)
			VFMADD213PS(biases, factors, value)
			VCVTPS2DQ(value, value)
			VPMAXSD(zero, value, value)
			if to := (Mem{Base: pixel, Index: o.at, Scale: 1}); o.mask == nil {
				VPMOVUSDB(value, to)
			} else {
				VPMOVUSDB(value, o.mask, to)
			}
			Label(skip)
		}
		o.bodies++
	})
	Load(Param("ldm"), tmp)
	LEAQ(Mem{Base: m, Index: tmp, Scale: 4}, m)
	ADDQ(I32(4*outputs), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// transform computes four values of those at six points, the first of which may be where the
// first value is to be, as any of in may be where the value of its place is.
func (o *outputI8) transform(in []reg.VecPhysical, value func(i int) reg.VecPhysical) {
	sum1, sum2, difference := o.Reg(28), o.Reg(29), o.Reg(31)
	VPADDD(in[2], in[1], sum1)
	VPSUBD(in[2], in[1], difference)
	VPADDD(in[4], in[3], sum2)
	VPSUBD(in[4], in[3], value(3)) // of the second pair
	VPSUBD(sum1, sum2, value(2))
	VPSLLD(U8(2), sum1, sum1)
	VPSUBD(sum1, sum2, sum2)
	VPADDD(sum2, in[0], value(0))
	VPADDD(difference, difference, sum1)
	VPSUBD(sum1, value(3), value(1))
	VPADDD(value(3), value(3), sum2)
	VPSUBD(difference, sum2, sum2)
	VPADDD(in[5], sum2, value(3))
}

// factorI8 makes 64 times a sum of the value of a row and a column that the transforms give,
// which is 9 times a power of two times it, modulo 1<<32.
func factorI8(row, column int) uint32 {
	const inverseOf9 = 954437177
	powers := []int{3, 2, 1, 1}
	return inverseOf9 << (6 - powers[row] - powers[column])
}
