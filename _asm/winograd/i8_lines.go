package winograd

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// A tile of lines reads linePixels. A piece of four taps makes linePoints of its pieceReads
// first, the other of as many from pieceApart on.
const linePixels, linePoints, pieceReads, pieceApart = 12, 9, 9, 3

func (in *inputI8) emitLines() {
	TEXT("WinogradInputI8_12", 0, signatureInputI8)
	in.doc("WinogradInputI8_12 is, for tiles that read 12 pixels:", linePixels,
		"where transformed is generic.WinogradInputI8Line of the first 9 pixels, and of the last 9",
		"with its values of c at c+channels.")
	in.allocate(linePixels, 0)
	constants := func(name string, value uint32) {
		GLOBL(name, 8|16) // RODATA|NOPTR
		for i := range in.Lanes {
			DATA(4*i, U32(value<<16|value))
		}
	}
	constants("words3", 3)
	constants("words5", 5)
	constants("words17", 17)
	constants("words21", 21)
	in.overTiles(linePixels, func(v, points, out, pixel, _ reg.GPPhysical) {
		LEAQ(Mem{Base: v, Index: in.at, Scale: 2}, out)
		for piece := range 2 {
			if piece == 1 {
				Load(Param("channels"), pixel)
				ADDQ(in.at, pixel)
				LEAQ(Mem{Base: v, Index: pixel, Scale: 2}, out)
			}
			for i := range pieceReads {
				MOVQ(in.table.Offset(8*(piece*pieceApart+i)), pixel)
				in.loadBytes(Mem{Base: pixel, Index: in.at, Scale: 1}, in.Reg(i))
			}
			at := 0
			in.transformLine(func(value reg.VecPhysical) {
				in.storeWords(value, Mem{Base: out})
				if at++; at < linePoints {
					ADDQ(points, out)
				}
			})
		}
	})
}

// transformLine passes the values at the points, in order, to out, from the pixels in the first
// registers.
func (in *inputI8) transformLine(out func(value reg.VecPhysical)) {
	d := in.Reg
	three, even, odd, sum, fives, fives2 := d(9), d(10), d(11), d(12), d(13), d(14)
	times := func(name string, from, to reg.VecPhysical) {
		VPMULLW(NewDataAddr(Symbol{Name: name, Static: true}, 0), from, to)
	}
	// ends is 4(last - first) + 21(second - third).
	ends := func(first, second, third, last, tmp, to reg.VecPhysical) {
		VPSUBW(first, last, to)
		VPSUBW(third, second, tmp)
		VPSLLW(U8(2), to, to)
		times("words21", tmp, tmp)
		VPADDW(tmp, to, to)
	}
	both := func() {
		VPADDW(odd, even, sum)
		VPSUBW(odd, even, even)
		out(sum)
		out(even)
	}
	ends(d(1), d(3), d(5), d(7), even, three)
	// All other points have the factor x - 3, which leaves eight values.
	for i := range 8 {
		times("words3", d(i), d(i))
		VPSUBW(d(i), d(i+1), d(i))
	}
	ends(d(0), d(2), d(4), d(6), odd, even)
	out(even)
	quadruple := func(a, b int, by string, middle int, to reg.VecPhysical) { // 4(a + b) - by*middle
		VPADDW(d(a), d(b), to)
		times(by, d(middle), sum)
		VPSLLW(U8(2), to, to)
		VPSUBW(sum, to, to)
	}
	quadruple(6, 2, "words17", 4, even)
	quadruple(5, 1, "words17", 3, odd)
	both()
	times("words5", d(4), fives)
	times("words5", d(3), fives2)
	weighted := func(four, one int, five, to reg.VecPhysical) { // 4 four + one - five
		VPSLLW(U8(2), d(four), to)
		VPADDW(d(one), to, to)
		VPSUBW(five, to, to)
	}
	weighted(6, 2, fives, even)
	weighted(5, 1, fives2, odd)
	VPADDW(odd, odd, odd)
	both()
	weighted(2, 6, fives, even)
	weighted(1, 5, fives2, odd)
	VPADDW(even, even, even)
	both()
	out(three)
	ends(d(1), d(3), d(5), d(7), odd, even)
	out(even)
}

// lineFactors make 64 times a convolution of what it is 12600 times of, modulo 1<<32: at each
// point 12600 over the product of its distances from the others, and 8 times the inverse of
// the odd 1575.
var lineFactors = func() (factors [linePoints]uint32) {
	inverse := uint32(1)
	for range 5 {
		inverse *= 2 - 1575*inverse // twice as many bits are right
	}
	for i, v := range []int32{1050, 350, 175, -35, -7, -7, -5, 3, 3150} {
		factors[i] = uint32(v) * 8 * inverse
	}
	return factors
}()

func (o *outputI8) emitLines() {
	TEXT("WinogradOutputI8_9_6", 0, signatureOutputI8)
	o.doc("WinogradOutputI8_9_6 is, for tiles that write 6 pixels:", linePoints, o.Outputs,
		"where transformed is generic.WinogradOutputI8Line, and y is rounded to the nearest integer,",
		"of two to the even one, and limited to 0 and 255. What is rounded is to be less than 1<<31.")
	GLOBL("lineFactors", 8|16) // RODATA|NOPTR
	for i, factor := range lineFactors {
		DATA(4*i, U32(factor))
	}
	o.allocate(o.Outputs, 0)
	zero, three, infinity := o.Reg(0), o.Reg(7), o.Reg(8)
	value, spare := o.Reg(9), o.Reg(11)
	factors, biases := o.Reg(12), o.Reg(13)
	o.overTiles(o.Outputs, func(m, points, from, pixel, scale, bias reg.GPPhysical) {
		LEAQ(Mem{Base: m, Index: o.at, Scale: 4}, from)
		for i := range linePoints {
			o.Load(Mem{Base: from}, o.Reg(i), o.mask)
			factor := NewDataAddr(Symbol{Name: "lineFactors", Static: true}, 4*i)
			if o.ISA == vector.AVX512 {
				VPMULLD_BCST(factor, o.Reg(i), o.Reg(i))
			} else {
				VPBROADCASTD(factor, spare)
				VPMULLD(spare, o.Reg(i), o.Reg(i))
			}
			if i < linePoints-1 {
				ADDQ(points, from)
			}
		}
		even, odd, tmp := []reg.VecPhysical{o.Reg(1), o.Reg(3), o.Reg(5)}, []reg.VecPhysical{o.Reg(2), o.Reg(4), o.Reg(6)}, o.Reg(10)
		for i := range even {
			VPADDD(odd[i], even[i], tmp)
			VPSUBD(odd[i], even[i], odd[i])
			even[i], tmp = tmp, even[i]
		}
		o.Load(Mem{Base: scale, Index: o.at, Scale: 4}, factors, o.mask)
		o.Load(Mem{Base: bias, Index: o.at, Scale: 4}, biases, o.mask)
		o.Zero(spare)
		for i := range o.Outputs {
			sums := [][]reg.VecPhysical{even, odd}[i%2]
			// 2^i times the pair of 2, 2^(5-i) times that of 1/2, 3^i times the value at 3.
			VPADDD(three, sums[0], value)
			for _, term := range []struct {
				of     reg.VecPhysical
				places int
			}{{sums[1], i}, {sums[2], o.Outputs - 1 - i}} {
				if term.places == 0 {
					VPADDD(term.of, value, value)
					continue
				}
				VPSLLD(U8(uint8(term.places)), term.of, tmp)
				VPADDD(tmp, value, value)
			}
			switch i {
			case 0:
				VPADDD(zero, value, value)
			case o.Outputs - 1:
				VPADDD(infinity, value, value)
			}
			if i < o.Outputs-1 {
				VPADDD(three, three, tmp)
				VPADDD(tmp, three, three)
			}
			o.finish(i, value, Mem{}, factors, biases, spare, pixel)
		}
	})
}
