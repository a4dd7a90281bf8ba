package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type input struct{ code }

func (in *input) emit() {
	name := "WinogradInputF32_" + in.size(in.side())
	TEXT(name, 0, "func(tiles, channels int, x *float32, pitch int, pixels *int32, zero *float32, v *float32, ldv, points int, coefs *float32)")
	Doc(fmt.Sprintf("%s is, for tiles that read %s pixels:", name, in.size(in.side())),
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		fmt.Sprintf("\t\t\tvar d [%d]float32", in.points()),
		"\t\t\tfor i := range d {",
		fmt.Sprintf("\t\t\t\td[i] = x[pixels[t*%d+i]*pitch+c] // zero[c] where the pixel is negative", in.points()),
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(d, coefs) {",
		"\t\t\t\tv[i*points+t*ldv+c] = value",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradInput.")
	Pragma("noescape")
	in.at, in.coefs, in.values = reg.RAX, reg.RBX, reg.RCX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	v, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	x, toZero := reg.R12, reg.R13
	vectors := 0
	if in.Square {
		vectors = in.points()
	}
	in.allocate(in.points(), vectors)
	in.spare = in.Reg(in.Registers - 1)
	Load(Param("coefs"), in.coefs)
	in.keep(in.Pairs + in.Pairs*in.Pairs)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("x"), x)
	Load(Param("zero"), toZero)
	SUBQ(x, toZero)
	Load(Param("v"), v)
	Label("tile")
	for i := range in.points() {
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, pixel)
		IMULQ(address("pitch"), pixel)
		SHLQ(U8(2), pixel)
		TESTQ(pixel, pixel)
		CMOVQMI(toZero, pixel)
		ADDQ(x, pixel)
		MOVQ(pixel, in.table.Offset(8*i))
	}
	load := func(i int, to reg.VecPhysical) {
		MOVQ(in.table.Offset(8*i), pixel)
		in.Load(Mem{Base: pixel, Index: in.at, Scale: 1}, to, in.mask)
	}
	out := tmp
	store := func(_ int, from reg.VecPhysical) {
		in.Store(from, Mem{Base: out}, in.mask)
		ADDQ(points, out)
	}
	side := in.side()
	in.overChannels("channels", left, tmp, in.Mask(0, side+3), func() {
		if in.Square {
			for column := range side {
				for i := range side {
					load(i*side+column, in.Reg(i))
				}
				in.transform(func(i int, from reg.VecPhysical) { in.Store(from, in.value(i*side+column), nil) })
			}
			LEAQ(Mem{Base: v, Index: in.at, Scale: 1}, out)
			for row := range side {
				for j := range side {
					in.Load(in.value(row*side+j), in.Reg(j), nil)
				}
				in.transform(store)
			}
			return
		}
		for i := range side {
			load(i, in.Reg(i))
		}
		LEAQ(Mem{Base: v, Index: in.at, Scale: 1}, out)
		in.transform(store)
	})
	Load(Param("ldv"), tmp)
	LEAQ(Mem{Base: v, Index: tmp, Scale: 4}, v)
	ADDQ(I32(4*in.points()), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// transform passes every point's value, in order, to out, from the pixels in the first
// registers. The coefficients are those of the product of (x^2 - p^2) over all pairs,
// then, for each pair, those of the product over the others, and p; the highest
// coefficient, one, is left out.
func (in *input) transform(out func(point int, value reg.VecPhysical)) {
	x := func(i int) reg.VecPhysical { return in.Reg(i) }
	n := in.side()
	even, odd, sum := in.Reg(n), in.Reg(n+1), in.Reg(n+2)
	// half sets to to the sum of every second pixel from first times the coefficients.
	half := func(to reg.VecPhysical, first, coefs, count int) {
		VMOVAPS(x(first+2*count), to)
		for i := range count {
			in.add(coefs+i, x(first+2*i), to)
		}
	}
	half(even, 0, 0, in.Pairs)
	out(0, even)
	for pair := range in.Pairs {
		coefs := in.Pairs + pair*in.Pairs
		point := coefs + in.Pairs - 1
		half(even, 2, coefs, in.Pairs-1)
		half(odd, 1, coefs, in.Pairs-1)
		VMOVAPS(even, sum)
		in.add(point, odd, sum)
		in.subtract(point, odd, even)
		out(1+2*pair, sum)
		out(2+2*pair, even)
	}
	half(odd, 1, 0, in.Pairs)
	out(n-1, odd)
}
