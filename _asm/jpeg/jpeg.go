// Jpeg generates the AVX2 kernels of the JPEG decoder: inverse transforms, two blocks at a
// time, one in each half of a vector; chroma; colours.
package main

import (
	"encoding/binary"
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	transform8()
	transform4()
	transform2()
	sum()
	widen()
	convert()
	Generate()
}

var constants = map[string]Mem{}

// words is a constant vector that repeats 16-bit values.
func words(values ...int16) Mem {
	var raw [32]byte
	for i := range 16 {
		binary.LittleEndian.PutUint16(raw[2*i:], uint16(values[i%len(values)]))
	}
	return constant(raw)
}

// doubles is a constant vector that repeats 32-bit values.
func doubles(values ...int32) Mem {
	var raw [32]byte
	for i := range 8 {
		binary.LittleEndian.PutUint32(raw[4*i:], uint32(values[i%len(values)]))
	}
	return constant(raw)
}

// octets is a constant vector of the same 16 bytes in both halves.
func octets(values [16]int) Mem {
	var raw [32]byte
	for i := range raw {
		raw[i] = uint8(values[i%16])
	}
	return constant(raw)
}

func constant(raw [32]byte) Mem {
	if m, ok := constants[string(raw[:])]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("constant%d", len(constants)), NOPTR|RODATA)
	for i := range 4 {
		DATA(8*i, U64(binary.LittleEndian.Uint64(raw[8*i:])))
	}
	constants[string(raw[:])] = m
	return m
}

type vec = reg.VecVirtual

func op(f func(ops ...Op), a, b Op) vec {
	to := YMM()
	f(a, b, to)
	return to
}

func add16(a, b Op) vec        { return op(func(o ...Op) { VPADDW(o[0], o[1], o[2]) }, b, a) }
func sub16(a, b Op) vec        { return op(func(o ...Op) { VPSUBW(o[0], o[1], o[2]) }, b, a) }
func add32(a, b Op) vec        { return op(func(o ...Op) { VPADDD(o[0], o[1], o[2]) }, b, a) }
func sub32(a, b Op) vec        { return op(func(o ...Op) { VPSUBD(o[0], o[1], o[2]) }, b, a) }
func multiplyAdd(a, b Op) vec  { return op(func(o ...Op) { VPMADDWD(o[0], o[1], o[2]) }, b, a) }
func lowWords(a, b Op) vec     { return op(func(o ...Op) { VPUNPCKLWD(o[0], o[1], o[2]) }, b, a) }
func highWords(a, b Op) vec    { return op(func(o ...Op) { VPUNPCKHWD(o[0], o[1], o[2]) }, b, a) }
func lowDoubles(a, b Op) vec   { return op(func(o ...Op) { VPUNPCKLDQ(o[0], o[1], o[2]) }, b, a) }
func highDoubles(a, b Op) vec  { return op(func(o ...Op) { VPUNPCKHDQ(o[0], o[1], o[2]) }, b, a) }
func lowQuads(a, b Op) vec     { return op(func(o ...Op) { VPUNPCKLQDQ(o[0], o[1], o[2]) }, b, a) }
func highQuads(a, b Op) vec    { return op(func(o ...Op) { VPUNPCKHQDQ(o[0], o[1], o[2]) }, b, a) }
func packDoubles(a, b Op) vec  { return op(func(o ...Op) { VPACKSSDW(o[0], o[1], o[2]) }, b, a) }
func packWords(a, b Op) vec    { return op(func(o ...Op) { VPACKSSWB(o[0], o[1], o[2]) }, b, a) }
func packUnsigned(a, b Op) vec { return op(func(o ...Op) { VPACKUSWB(o[0], o[1], o[2]) }, b, a) }

func shift32(v vec, n int) vec {
	VPSRAD(U8(n), v, v)
	return v
}

// halves are the lower and the upper four of eight values of either block.
var unpack = [2]func(a, b Op) vec{lowWords, highWords}

func zero() vec {
	z := YMM()
	VPXOR(z, z, z)
	return z
}

// shifted is a half of values times 2^bits, as 32 bits.
func shifted(half int, z, v vec, bits int) vec {
	return shift32(unpack[half](z, v), 16-bits)
}

type pointers struct{ dst, stride, coefficients, quant, pairs reg.Register }

// pairs begins a kernel that takes pairs of blocks.
func pairs(name, doc string) pointers {
	TEXT(name, NOSPLIT, "func(dst *uint8, stride int, coefficients *int16, quant *uint16, pairs int)")
	Doc(name+" writes pairs of "+doc,
		"It is the decoder's function of that name for sums that fit into 16 bits.")
	return pointers{
		Load(Param("dst"), GP64()), Load(Param("stride"), GP64()), Load(Param("coefficients"), GP64()),
		Load(Param("quant"), GP64()), Load(Param("pairs"), GP64()),
	}
}

// row loads row i of two blocks, times the quantisation.
func (p pointers) row(i int) vec {
	v, q := YMM(), YMM()
	VBROADCASTI128(Mem{Base: p.coefficients, Disp: 16 * i}, v)
	VINSERTI128(U8(1), Mem{Base: p.coefficients, Disp: 128 + 16*i}, v, v)
	VBROADCASTI128(Mem{Base: p.quant, Disp: 16 * i}, q)
	VPMULLW(q, v, v)
	return v
}

// loop repeats body for each pair; a block is width bytes wide.
func (p pointers) loop(width int, body func()) {
	Label("pair")
	TESTQ(p.pairs, p.pairs)
	JZ(LabelRef("done"))
	body()
	ADDQ(U32(2*128), p.coefficients)
	ADDQ(U8(2*width), p.dst)
	DECQ(p.pairs)
	JMP(LabelRef("pair"))
	Label("done")
	VZEROUPPER()
	RET()
}

// The constants of vision/jpeg's transform.go.
const (
	fix0_211164243 = 1730
	fix0_298631336 = 2446
	fix0_390180644 = 3196
	fix0_509795579 = 4176
	fix0_541196100 = 4433
	fix0_601344887 = 4926
	fix0_720959822 = 5906
	fix0_765366865 = 6270
	fix0_850430095 = 6967
	fix0_899976223 = 7373
	fix1_061594337 = 8697
	fix1_175875602 = 9633
	fix1_272758580 = 10426
	fix1_451774981 = 11893
	fix1_501321110 = 12299
	fix1_847759065 = 15137
	fix1_961570560 = 16069
	fix2_053119869 = 16819
	fix2_172734803 = 17799
	fix2_562915447 = 20995
	fix3_072711026 = 25172
	fix3_624509785 = 29692
)

func transform8() {
	p := pairs("Transform8", "8 x 8 samples.")
	scratch := AllocLocal(8 * 32)
	p.loop(8, func() {
		var r [8]vec
		for i := range r {
			r[i] = p.row(i)
		}
		r = transpose(pass8(r, scratch, 11))
		r = transpose(pass8(r, scratch, 18))
		to := GP64()
		MOVQ(p.dst, to)
		for i := 0; i < 8; i += 2 {
			two := packWords(r[i], r[i+1])
			VPADDB(octets([16]int{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128}), two, two)
			VPERMQ(U8(0b11_01_10_00), two, two)
			VMOVDQU(two.AsX(), Mem{Base: to})
			VEXTRACTI128(U8(1), two, Mem{Base: to, Index: p.stride, Scale: 1})
			if i < 6 {
				LEAQ(Mem{Base: to, Index: p.stride, Scale: 2}, to)
			}
		}
	})
}

// pass8 transforms eight values that are in as many vectors.
func pass8(r [8]vec, scratch Mem, bits int) (out [8]vec) {
	odd := func(half, i int) Mem { return scratch.Offset(32 * (4*half + i)) }
	z3, z4 := add16(r[7], r[3]), add16(r[5], r[1])
	for half := range 2 {
		z := unpack[half](z3, z4)
		third := multiplyAdd(z, words(fix1_175875602-fix1_961570560, fix1_175875602))
		fourth := multiplyAdd(z, words(fix1_175875602, fix1_175875602-fix0_390180644))
		c71 := unpack[half](r[7], r[1])
		VMOVDQU(add32(multiplyAdd(c71, words(-fix0_899976223, fix1_501321110-fix0_899976223)), fourth), odd(half, 0))
		VMOVDQU(add32(multiplyAdd(c71, words(fix0_298631336-fix0_899976223, -fix0_899976223)), third), odd(half, 3))
		c53 := unpack[half](r[5], r[3])
		VMOVDQU(add32(multiplyAdd(c53, words(-fix2_562915447, fix3_072711026-fix2_562915447)), third), odd(half, 1))
		VMOVDQU(add32(multiplyAdd(c53, words(fix2_053119869-fix2_562915447, -fix2_562915447)), fourth), odd(half, 2))
	}
	z := zero()
	plus, minus := add16(r[0], r[4]), sub16(r[0], r[4])
	for half := range 2 {
		c26 := unpack[half](r[2], r[6])
		outer := multiplyAdd(c26, words(fix0_541196100+fix0_765366865, fix0_541196100))
		inner := multiplyAdd(c26, words(fix0_541196100, fix0_541196100-fix1_847759065))
		p, m := shifted(half, z, plus, 13), shifted(half, z, minus, 13)
		VPADDD(doubles(1<<(bits-1)), p, p)
		VPADDD(doubles(1<<(bits-1)), m, m)
		for i, even := range [4]vec{add32(p, outer), add32(m, inner), sub32(m, inner), sub32(p, outer)} {
			first, last := shift32(add32(even, odd(half, i)), bits), shift32(sub32(even, odd(half, i)), bits)
			if half == 0 {
				out[i], out[7-i] = first, last
			} else {
				out[i], out[7-i] = packDoubles(out[i], first), packDoubles(out[7-i], last)
			}
		}
	}
	return out
}

// transpose exchanges rows and columns of 8 x 8 words in either half.
func transpose(r [8]vec) (out [8]vec) {
	var t, u [8]vec
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = lowWords(r[i], r[i+1]), highWords(r[i], r[i+1])
	}
	for i := 0; i < 8; i += 4 {
		u[i], u[i+1] = lowDoubles(t[i], t[i+2]), highDoubles(t[i], t[i+2])
		u[i+2], u[i+3] = lowDoubles(t[i+1], t[i+3]), highDoubles(t[i+1], t[i+3])
	}
	for i := range 4 {
		out[2*i], out[2*i+1] = lowQuads(u[i], u[i+4]), highQuads(u[i], u[i+4])
	}
	return out
}

func transform4() {
	p := pairs("Transform4", "4 x 4 samples.")
	p.loop(4, func() {
		r := [8]vec{}
		for _, i := range []int{0, 1, 2, 3, 5, 6, 7} {
			r[i] = p.row(i)
		}
		z := zero()
		var w [4]vec
		for half := range 2 {
			out := half4(shifted(half, z, r[0], 14), unpack[half](r[2], r[6]), unpack[half](r[3], r[7]), unpack[half](r[1], r[5]), 12)
			for i, v := range out {
				if half == 0 {
					w[i] = v
				} else {
					w[i] = packDoubles(w[i], v)
				}
			}
		}
		upper, lower := lowWords(w[0], w[1]), lowWords(w[2], w[3]) // of columns 0 to 3
		c01, c23 := lowDoubles(upper, lower), highDoubles(upper, lower)
		upper, lower = highWords(w[0], w[1]), highWords(w[2], w[3])
		c45, c67 := lowDoubles(upper, lower), highDoubles(upper, lower)
		out := half4(shifted(0, z, c01, 14), lowWords(c23, c67), highWords(c23, c67), highWords(c01, c45), 19)
		bytes := packWords(packDoubles(out[0], out[1]), packDoubles(out[2], out[3]))
		VPSHUFB(octets([16]int{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}), bytes, bytes)
		VPADDB(octets([16]int{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128}), bytes, bytes)
		order := YMM()
		VMOVDQU(doubles(0, 4, 1, 5, 2, 6, 3, 7), order)
		VPERMD(bytes, order, bytes)
		to, upperHalf := GP64(), XMM()
		MOVQ(p.dst, to)
		VMOVQ(bytes.AsX(), Mem{Base: to})
		VPEXTRQ(U8(1), bytes.AsX(), Mem{Base: to, Index: p.stride, Scale: 1})
		LEAQ(Mem{Base: to, Index: p.stride, Scale: 2}, to)
		VEXTRACTI128(U8(1), bytes, upperHalf)
		VMOVQ(upperHalf, Mem{Base: to})
		VPEXTRQ(U8(1), upperHalf, Mem{Base: to, Index: p.stride, Scale: 1})
	})
}

// half4 transforms values to four, from the first one times 2^14 and pairs of the others.
func half4(c0, c26, c37, c15 vec, bits int) [4]vec {
	VPADDD(doubles(1<<(bits-1)), c0, c0)
	t2 := multiplyAdd(c26, words(fix1_847759065, -fix0_765366865))
	inner := add32(multiplyAdd(c37, words(-fix2_172734803, -fix0_211164243)), multiplyAdd(c15, words(fix1_061594337, fix1_451774981)))
	outer := add32(multiplyAdd(c37, words(fix0_899976223, -fix0_509795579)), multiplyAdd(c15, words(fix2_562915447, -fix0_601344887)))
	a, b := add32(c0, t2), sub32(c0, t2)
	return [4]vec{
		shift32(add32(a, outer), bits), shift32(add32(b, inner), bits),
		shift32(sub32(b, inner), bits), shift32(sub32(a, outer), bits),
	}
}

func transform2() {
	p := pairs("Transform2", "2 x 2 samples.")
	p.loop(2, func() {
		r := [8]vec{}
		for _, i := range []int{0, 1, 3, 5, 7} {
			r[i] = p.row(i)
		}
		z := zero()
		var upper, lower vec
		for half := range 2 {
			even := shifted(half, z, r[0], 15)
			VPADDD(doubles(1<<12), even, even)
			odd := add32(
				multiplyAdd(unpack[half](r[1], r[5]), words(fix3_624509785, fix0_850430095)),
				multiplyAdd(unpack[half](r[3], r[7]), words(-fix1_272758580, -fix0_720959822)))
			first, second := shift32(add32(even, odd), 13), shift32(sub32(even, odd), 13)
			if half == 0 {
				upper, lower = first, second
			} else {
				upper, lower = packDoubles(upper, first), packDoubles(lower, second)
			}
		}
		low, high := lowWords(upper, lower), highWords(upper, lower) // columns 0 to 3, 4 to 7
		c0415, c2637 := lowWords(low, high), highWords(low, high)
		sums := add32(
			multiplyAdd(c0415, words(1<<14, 0, 1<<14, 0, fix3_624509785, fix0_850430095, fix3_624509785, fix0_850430095)),
			multiplyAdd(c2637, words(0, 0, 0, 0, -fix1_272758580, -fix0_720959822, -fix1_272758580, -fix0_720959822)))
		even, odd := YMM(), YMM()
		VPSHUFD(U8(0b01_00_01_00), sums, even)
		VPSHUFD(U8(0b11_10_11_10), sums, odd)
		VPADDD(even, even, even)
		VPSIGND(doubles(1, 1, -1, -1), odd, odd)
		VPADDD(doubles(1<<19), even, even)
		out := shift32(add32(even, odd), 20) // left upper and lower, right upper and lower
		bytes := packWords(packDoubles(out, out), z)
		VPADDB(octets([16]int{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128}), bytes, bytes)
		VPSHUFB(octets([16]int{0, 2, 1, 3, 0, 2, 1, 3, 0, 2, 1, 3, 0, 2, 1, 3}), bytes, bytes)
		second := XMM()
		VEXTRACTI128(U8(1), bytes, second)
		VPUNPCKLWD(second, bytes.AsX(), second)
		VMOVD(second, Mem{Base: p.dst})
		VPEXTRD(U8(1), second, Mem{Base: p.dst, Index: p.stride, Scale: 1})
	})
}

// count begins a loop over an argument that is rounded up to 16.
func count(n reg.Register, body func()) {
	Label("next")
	CMPQ(n, U8(0))
	JLE(LabelRef("done"))
	body()
	SUBQ(U8(16), n)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

func sum() {
	TEXT("Sum", NOSPLIT, "func(dst *int16, near, far *uint8, n int)")
	Doc("Sum writes 3*near + far, n of them and up to 15 more.")
	dst, near, far, n := Load(Param("dst"), GP64()), Load(Param("near"), GP64()), Load(Param("far"), GP64()), Load(Param("n"), GP64())
	count(n, func() {
		a, b := YMM(), YMM()
		VPMOVZXBW(Mem{Base: near}, a)
		VPMOVZXBW(Mem{Base: far}, b)
		VPADDW(a, b, b)
		VPADDW(a, a, a)
		VPADDW(a, b, b)
		VMOVDQU(b, Mem{Base: dst})
		ADDQ(U8(32), dst)
		ADDQ(U8(16), near)
		ADDQ(U8(16), far)
	})
}

func widen() {
	TEXT("Widen", NOSPLIT, "func(dst *uint8, sums *int16, n int, leftBias, rightBias uint16)")
	Doc("Widen writes (3*sums[1+i] + sums[i] + leftBias) / 16 and (3*sums[1+i] + sums[2+i] + rightBias) / 16,",
		"n of both and up to 15 more.")
	dst, sums, n := Load(Param("dst"), GP64()), Load(Param("sums"), GP64()), Load(Param("n"), GP64())
	biases := [2]vec{YMM(), YMM()}
	for i, name := range []string{"leftBias", "rightBias"} {
		x := Load(Param(name), GP32())
		VMOVD(x, biases[i].AsX())
		VPBROADCASTW(biases[i].AsX(), biases[i])
	}
	count(n, func() {
		v, left, right := YMM(), YMM(), YMM()
		VMOVDQU(Mem{Base: sums, Disp: 2}, v)
		VPADDW(v, v, right)
		VPADDW(v, right, right)
		VPADDW(Mem{Base: sums}, right, left)
		VPADDW(Mem{Base: sums, Disp: 4}, right, right)
		VPADDW(biases[0], left, left)
		VPADDW(biases[1], right, right)
		VPSRLW(U8(4), left, left)
		VPSRLW(U8(4), right, right)
		VPSLLW(U8(8), right, right)
		VPOR(left, right, right)
		VMOVDQU(right, Mem{Base: dst})
		ADDQ(U8(32), sums)
		ADDQ(U8(32), dst)
	})
}

func convert() {
	TEXT("Convert", NOSPLIT, "func(dst, luma, cb, cr *uint8, n int)")
	Doc("Convert writes n pixels of RGB, n a multiple of 16.")
	dst, luma, cb, cr, n := Load(Param("dst"), GP64()), Load(Param("luma"), GP64()), Load(Param("cb"), GP64()), Load(Param("cr"), GP64()), Load(Param("n"), GP64())
	// What is added to luma is exact in 16 bits: (f*v + 2^15) >> 16 is ((2v*f >> 16) + 1) >> 1.
	fraction := func(v vec, factor int16) vec {
		to := YMM()
		VPADDW(v, v, to)
		VPMULHW(words(factor), to, to)
		VPADDW(words(1), to, to)
		VPSRAW(U8(1), to, to)
		return to
	}
	count(n, func() {
		y, b, r := YMM(), YMM(), YMM()
		VPMOVZXBW(Mem{Base: luma}, y)
		VPMOVZXBW(Mem{Base: cb}, b)
		VPMOVZXBW(Mem{Base: cr}, r)
		VPSUBW(words(128), b, b)
		VPSUBW(words(128), r, r)
		red := add16(add16(fraction(r, 26345), r), y) // 1.402
		blue := fraction(b, -14942)                   // 1.772 - 2
		VPADDW(b, blue, blue)
		VPADDW(b, blue, blue)
		VPADDW(y, blue, blue)
		var parts [2]vec
		for half := range parts {
			parts[half] = multiplyAdd(unpack[half](b, r), words(-22554, 18734)) // -0.34414, 1 - 0.71414
			VPADDD(doubles(1<<15), parts[half], parts[half])
			VPSRAD(U8(16), parts[half], parts[half])
		}
		green := sub16(add16(packDoubles(parts[0], parts[1]), y), r)
		rg, bb := packUnsigned(red, green), packUnsigned(blue, blue)
		// Of either half: 8 of R, 8 of G; 8 of B.
		VPERMQ(U8(0b11_01_10_00), rg, rg) // R, G
		VPERMQ(U8(0b11_01_10_00), bb, bb) // B, B
		g := XMM()
		VEXTRACTI128(U8(1), rg, g)
		for i := range 3 {
			var out reg.VecVirtual
			for c, from := range []reg.Register{rg.AsX(), g, bb.AsX()} {
				var order [16]int
				for k := range order {
					order[k] = 128
					if at := 16*i + k; at%3 == c {
						order[k] = at / 3
					}
				}
				part := XMM()
				VPSHUFB(octets(order), from, part)
				if c == 0 {
					out = part
				} else {
					VPOR(part, out, out)
				}
			}
			VMOVDQU(out, Mem{Base: dst, Disp: 16 * i})
		}
		ADDQ(U8(48), dst)
		ADDQ(U8(16), luma)
		ADDQ(U8(16), cb)
		ADDQ(U8(16), cr)
	})
}
