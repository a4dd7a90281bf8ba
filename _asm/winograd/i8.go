package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// EmitI8 writes the transforms of unsigned 8-bit integers, to words and back from sums of 32
// bits: for squares of 4 x 4 pixels and the points 0, 1, -1, 2, -2 and infinity.
func EmitI8(isa vector.ISA) {
	t := &Transform{ISA: isa, Outputs: 4, Pairs: 2, Square: true, I8: true}
	(&inputI8{code{Transform: t}}).emit()
	(&outputI8{code: code{Transform: t}}).emit()
}

// EmitLinesI8 writes those for windows of seven along one side, in two pieces: for lines of 6
// pixels and the points 0, 1, -1, 2, -2, 1/2, -1/2, 3 and infinity.
func EmitLinesI8(isa vector.ISA) {
	t := &Transform{ISA: isa, Outputs: 6, I8: true}
	(&inputI8{code{Transform: t}}).emitLines()
	(&outputI8{code: code{Transform: t}}).emitLines()
}

type inputI8 struct{ code }

func (in *inputI8) emit() {
	side := in.side()
	TEXT("WinogradInputI8_6x6", 0, signatureInputI8)
	in.doc("WinogradInputI8_6x6 is, for tiles that read 6x6 pixels:", side*side,
		"where transformed, along each side, is generic.WinogradInputI8.")
	in.values = reg.RCX
	in.allocate(side*side, side*side)
	in.overTiles(side*side, func(v, points, out, pixel, ahead reg.GPPhysical) {
		for column := range side {
			for row := range side {
				MOVQ(in.table.Offset(8*(row*side+column)), pixel)
				in.loadBytes(Mem{Base: pixel, Index: in.at, Scale: 1}, in.Reg(row))
				if column >= side-in.Outputs {
					PREFETCHT0(Mem{Base: pixel, Index: ahead, Scale: 1})
				}
			}
			in.transform(func(i int, from reg.VecPhysical) { in.move(from, in.value(i*side+column)) })
		}
		LEAQ(Mem{Base: v, Index: in.at, Scale: 2}, out)
		for row := range side {
			for i := range side {
				in.move(in.value(row*side+i), in.Reg(i))
			}
			// The points in the order in which they are computed, with the distances between.
			at := 0
			in.transform(func(i int, from reg.VecPhysical) {
				for ; at < i; at++ {
					ADDQ(points, out)
				}
				in.storeWords(from, Mem{Base: out})
			})
			ADDQ(points, out)
		}
	})
}

const signatureInputI8 = "func(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int)"

// doc is the comment of an input transform, with what it begins and ends with.
func (in *inputI8) doc(begin string, pixels int, end ...string) {
	Doc(append([]string{begin,
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		fmt.Sprintf("\t\t\tvar d [%d]int16", pixels),
		"\t\t\tfor i := range d {",
		fmt.Sprintf("\t\t\t\td[i] = x[pixels[t*%d+i]*pitch+c] // zero[c] where the pixel is negative", pixels),
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(d) {",
		"\t\t\t\tv[i*points+t*ldv+c] = value",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
	}, append(end, in.least(in.wordsOfBody())...)...)...)
	Pragma("noescape")
}

// overTiles emits the body for the channels of every tile, which reads count pixels. ahead is
// the distance to the pixel four on, where the next tile is.
func (in *inputI8) overTiles(count int, body func(v, points, out, pixel, ahead reg.GPPhysical)) {
	in.at = reg.RAX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	v, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	x, toZero := reg.R12, reg.R13
	tile, ahead := reg.R14, reg.R15
	Load(Param("points"), points)
	ADDQ(points, points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("x"), x)
	Load(Param("zero"), toZero)
	SUBQ(x, toZero)
	Load(Param("v"), v)
	Load(Param("pitch"), tile)
	SHLQ(U8(2), tile)
	Label("tile")
	for i := range count {
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, pixel)
		IMULQ(address("pitch"), pixel)
		TESTQ(pixel, pixel)
		CMOVQMI(toZero, pixel)
		ADDQ(x, pixel)
		MOVQ(pixel, in.table.Offset(8*i))
	}
	in.overWords(left, tmp, func() {
		LEAQ(Mem{Base: tile, Index: in.at, Scale: 1}, ahead)
		body(v, points, tmp, pixel, ahead)
	})
	Load(Param("ldv"), tmp)
	LEAQ(Mem{Base: v, Index: tmp, Scale: 2}, v)
	ADDQ(I32(4*count), pixels)
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

// wordsOfBody is how many channels a vector of words has.
func (c *code) wordsOfBody() int { return 2 * c.Lanes }

// least says what AVX2 asks for, which has no masks of bytes and words.
func (c *code) least(channels int) []string {
	if c.ISA != vector.AVX2 {
		return nil
	}
	return []string{"", fmt.Sprintf("There are at least %d channels, and the last ones may be computed twice.", channels)}
}

// loadBytes makes words of bytes.
func (c *code) loadBytes(from Mem, to reg.VecPhysical) {
	if c.mask == nil {
		VPMOVZXBW(from, to)
	} else {
		VPMOVZXBW_Z(from, c.mask, to)
	}
}

func (c *code) storeWords(from reg.VecPhysical, to Mem) {
	if c.mask == nil {
		c.move(from, to)
	} else {
		VMOVDQU16(from, c.mask, to)
	}
}

// move copies a whole vector of integers.
func (c *code) move(from, to Op) {
	if c.ISA == vector.AVX512 {
		VMOVDQU16(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

// overWords emits the body for vectors of words of all channels, as overChannels does of
// float32.
func (c *code) overWords(left, tmp reg.GPPhysical, body func()) {
	if c.ISA == vector.AVX2 {
		c.overlapping(c.wordsOfBody(), left, body)
		return
	}
	channels := c.wordsOfBody()
	XORL(c.at.As32(), c.at.As32())
	Load(Param("channels"), left)
	SUBQ(I8(channels), left)
	JLT(LabelRef("rest"))
	Label("whole")
	c.mask = nil
	body()
	ADDQ(I8(channels), c.at)
	SUBQ(I8(channels), left)
	JGE(LabelRef("whole"))
	Label("rest")
	ADDQ(I8(channels), left)
	JEQ(LabelRef("next"))
	c.mask = reg.K1
	MOVL(I32(-1), tmp.As32())
	BZHIL(left.As32(), tmp.As32(), tmp.As32())
	KMOVD(tmp.As32(), c.mask)
	body()
	Label("next")
}

// overlapping emits the body for so many channels at a time, and for the last ones.
func (c *code) overlapping(channels int, tmp reg.GPPhysical, body func()) {
	c.mask = nil
	XORL(c.at.As32(), c.at.As32())
	Label("whole")
	body()
	Load(Param("channels"), tmp)
	SUBQ(I8(channels), tmp)
	CMPQ(c.at, tmp)
	JEQ(LabelRef("next"))
	ADDQ(I8(channels), c.at)
	CMPQ(c.at, tmp)
	CMOVQGT(tmp, c.at)
	JMP(LabelRef("whole"))
	Label("next")
}

type outputI8 struct {
	code
	bodies int
}

func (o *outputI8) emit() {
	side, outputs := o.side(), o.outputs()
	TEXT("WinogradOutputI8_6x6_4x4", 0, signatureOutputI8)
	o.doc("WinogradOutputI8_6x6_4x4 is, for tiles that write 4x4 pixels:", side*side, outputs,
		"where transformed, along each side, is generic.WinogradOutputI8, with the factors of",
		"generic.WinogradFactorI8, and y is rounded to the nearest integer, of two to the even one,",
		"and limited to 0 and 255. What is rounded is to be less than 1<<31.")
	GLOBL("factors", 8|16) // RODATA|NOPTR
	for i := range outputs {
		DATA(4*i, U32(factorI8(i/o.Outputs, i%o.Outputs)))
	}
	// The values between the two passes take the first 24 registers of AVX-512, and memory in AVX2.
	inRegisters := o.ISA == vector.AVX512
	between := func(row, i int) reg.VecPhysical { return o.Reg(row*o.Outputs + i) }
	in, values, temporary := o.registers(0, 6), o.registers(6, 4), o.registers(10, 3)
	factors, biases, spare := o.Reg(13), o.Reg(14), o.Reg(15)
	if inRegisters {
		in = append(o.registers(24, 4), o.Reg(30))
		temporary = []reg.VecPhysical{o.Reg(28), o.Reg(29), o.Reg(31)}
		factors, biases, spare = o.Reg(29), o.Reg(30), o.Reg(31)
		o.allocate(outputs, 0)
	} else {
		o.values = reg.RCX
		o.allocate(outputs, side*o.Outputs)
	}
	o.overTiles(outputs, func(m, points, tmp, pixel, scale, bias reg.GPPhysical) {
		LEAQ(Mem{Base: m, Index: o.at, Scale: 4}, tmp)
		for row := range side {
			from, to := in, values
			if inRegisters {
				from, to = append([]reg.VecPhysical{between(row, 0)}, in...), o.registers(row*o.Outputs, o.Outputs)
			}
			for _, v := range from {
				o.Load(Mem{Base: tmp}, v, o.mask)
				ADDQ(points, tmp)
			}
			o.transform(from, to, temporary)
			for i, v := range to {
				if !inRegisters {
					VMOVDQU(v, o.value(row*o.Outputs+i))
				}
			}
		}
		finish := func(column int, values []reg.VecPhysical) {
			for row, v := range values {
				i := row*o.Outputs + column
				o.finish(i, v, NewDataAddr(Symbol{Name: "factors", Static: true}, 4*i), factors, biases, spare, pixel)
			}
		}
		var all [4][]reg.VecPhysical
		for column := range o.Outputs {
			from, to := in, values
			if inRegisters {
				from, to = nil, nil
				for row := range side {
					from = append(from, between(row, column))
				}
				to = from[:o.Outputs]
			} else {
				for row, v := range from {
					VMOVDQU(o.value(row*o.Outputs+column), v)
				}
			}
			o.transform(from, to, temporary)
			all[column] = to
			if !inRegisters {
				o.Load(Mem{Base: scale, Index: o.at, Scale: 4}, factors, nil)
				o.Load(Mem{Base: bias, Index: o.at, Scale: 4}, biases, nil)
				finish(column, to)
			}
		}
		if !inRegisters {
			return
		}
		o.Load(Mem{Base: scale, Index: o.at, Scale: 4}, factors, o.mask)
		o.Load(Mem{Base: bias, Index: o.at, Scale: 4}, biases, o.mask)
		o.Zero(spare)
		for column, values := range all {
			finish(column, values)
		}
	})
}

const signatureOutputI8 = "func(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32)"

// doc is the comment of an output transform, with what it begins and ends with.
func (o *outputI8) doc(begin string, points, outputs int, end ...string) {
	Doc(append([]string{begin,
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		fmt.Sprintf("\t\t\tvar p [%d]int32", points),
		"\t\t\tfor i := range p {",
		"\t\t\t\tp[i] = m[i*points+t*ldm+c]",
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(p) {",
		fmt.Sprintf("\t\t\t\tif pixel := pixels[t*%d+i]; pixel >= 0 {", outputs),
		"\t\t\t\t\ty[pixel*pitch+c] = value*scale[c] + bias[c]",
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
	}, append(end, o.least(o.Lanes)...)...)...)
	Pragma("noescape")
}

// overTiles emits the body for the channels of every tile, of which outputs pixels are written.
func (o *outputI8) overTiles(outputs int, body func(m, points, tmp, pixel, scale, bias reg.GPPhysical)) {
	o.at = reg.RAX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	m, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	scale, bias := reg.R12, reg.R13
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
	each := func() {
		body(m, points, tmp, pixel, scale, bias)
		o.bodies++
	}
	if o.ISA == vector.AVX2 {
		o.overlapping(o.Lanes, left, each)
	} else {
		o.overChannels("channels", left, tmp, reg.K1, each)
	}
	Load(Param("ldm"), tmp)
	LEAQ(Mem{Base: m, Index: tmp, Scale: 4}, m)
	ADDQ(I32(4*outputs), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// registers are count registers from first on.
func (c *code) registers(first, count int) []reg.VecPhysical {
	var list []reg.VecPhysical
	for i := range count {
		list = append(list, c.Reg(first+i))
	}
	return list
}

// finish makes integers of a value for pixel i, times a factor if that has a place, and
// stores them. spare is zero in AVX-512.
func (o *outputI8) finish(i int, value reg.VecPhysical, factor Mem, factors, biases, spare reg.VecPhysical, pixel reg.GPPhysical) {
	skip := fmt.Sprintf("skip%d_%d", o.bodies, i)
	MOVQ(o.table.Offset(8*i), pixel)
	TESTQ(pixel, pixel)
	JLT(LabelRef(skip))
	switch {
	case factor.Symbol.Name == "":
	case o.ISA == vector.AVX512:
		VPMULLD_BCST(factor, value, value)
	default:
		VPBROADCASTD(factor, spare)
		VPMULLD(spare, value, value)
	}
	VCVTDQ2PS(value, value)
	VFMADD213PS(biases, factors, value)
	VCVTPS2DQ(value, value)
	to := Mem{Base: pixel, Index: o.at, Scale: 1}
	switch {
	case o.ISA == vector.AVX2:
		low, high := o.Half(value), o.Half(spare)
		VEXTRACTI128(U8(1), value, high)
		VPACKSSDW(high, low, low)
		VPACKUSWB(low, low, low)
		VMOVQ(low, to)
	case o.mask == nil:
		VPMAXSD(spare, value, value)
		VPMOVUSDB(value, to)
	default:
		VPMAXSD(spare, value, value)
		VPMOVUSDB(value, o.mask, to)
	}
	Label(skip)
}

// transform computes four values of those at six points, the first of which may be where the
// first value is to be, as any of in may be where the value of its place is.
func (o *outputI8) transform(in, values, temporary []reg.VecPhysical) {
	sum1, sum2, difference := temporary[0], temporary[1], temporary[2]
	VPADDD(in[2], in[1], sum1)
	VPSUBD(in[2], in[1], difference)
	VPADDD(in[4], in[3], sum2)
	VPSUBD(in[4], in[3], values[3]) // of the second pair
	VPSUBD(sum1, sum2, values[2])
	VPSLLD(U8(2), sum1, sum1)
	VPSUBD(sum1, sum2, sum2)
	VPADDD(sum2, in[0], values[0])
	VPADDD(difference, difference, sum1)
	VPSUBD(sum1, values[3], values[1])
	VPADDD(values[3], values[3], sum2)
	VPSUBD(difference, sum2, sum2)
	VPADDD(in[5], sum2, values[3])
}

// factorI8 makes 64 times a sum of the value of a row and a column that the transforms give,
// which is 9 times a power of two times it, modulo 1<<32.
func factorI8(row, column int) uint32 {
	const inverseOf9 = 954437177
	powers := []int{3, 2, 1, 1}
	return inverseOf9 << (6 - powers[row] - powers[column])
}
