package winograd

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// input is a transform of pixels to points.
type input struct {
	code
	name  string
	along string // the transform along a side, in plain Go
	reads int    // pixels along a side of a tile
	needs int    // coefficients
	// transform passes every point's value, in order, to out, from the pixels in the
	// first registers.
	transform func(out func(point int, value reg.VecPhysical))
}

// newInput is of the pixels that a convolution reads.
func newInput(t *Transform) *input {
	in := &input{
		code: code{Transform: t}, name: "WinogradInput" + t.suffix() + "_" + t.size(t.side()), along: "WinogradInput",
		reads: t.side(), needs: t.Pairs + t.Pairs*t.Pairs,
	}
	in.transform = in.ofPixels
	return in
}

// newGradient is of the gradient with respect to the pixels that a convolution writes:
// the transposed output transform.
func newGradient(t *Transform) *input {
	in := &input{
		code: code{Transform: t}, name: fmt.Sprintf("WinogradGradientF32_%s_%s", t.size(t.Outputs), t.size(t.side())), along: "WinogradGradient",
		reads: t.Outputs, needs: (t.Outputs - 1) * t.Pairs,
	}
	in.transform = in.ofGradient
	return in
}

func (in *input) pixels() int {
	if in.Square {
		return in.reads * in.reads
	}
	return in.reads
}

func (in *input) emit() {
	TEXT(in.name, 0, fmt.Sprintf("func(tiles, channels int, x *%[1]s, pitch int, pixels *int32, zero *%[1]s, v *float32, ldv, points int, coefs *float32)", in.element()))
	Doc(fmt.Sprintf("%s is, for tiles that read %s pixels:", in.name, in.size(in.reads)),
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		fmt.Sprintf("\t\t\tvar d [%d]float32", in.pixels()),
		"\t\t\tfor i := range d {",
		fmt.Sprintf("\t\t\t\td[i] = x[pixels[t*%d+i]*pitch+c] // zero[c] where the pixel is negative", in.pixels()),
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(d, coefs) {",
		"\t\t\t\tv[i*points+t*ldv+c] = value",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		fmt.Sprintf("where transformed, along each side, is generic.%s.", in.along))
	Pragma("noescape")
	in.at, in.coefs, in.values = reg.RAX, reg.RBX, reg.RCX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	v, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	x, toZero := reg.R12, reg.R13
	// The next tile of a row of squares is Outputs pixels, of the elements' size times pitch, on. Its
	// pixels are asked for while this one's are transformed: they come from memory, and the
	// processor does not foresee them.
	tile, ahead := reg.R14, reg.R15
	vectors := 0
	if in.Square {
		vectors = in.side() * in.reads
	}
	in.allocate(in.pixels(), vectors)
	in.spare = in.Reg(in.Registers - 1)
	Load(Param("coefs"), in.coefs)
	in.keep(in.needs)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("x"), x)
	Load(Param("zero"), toZero)
	SUBQ(x, toZero)
	Load(Param("v"), v)
	if in.Square {
		Load(Param("pitch"), tile)
		in.times(in.Outputs, tile)
	}
	Label("tile")
	for i := range in.pixels() {
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, pixel)
		IMULQ(address("pitch"), pixel)
		SHLQ(in.logSize(), pixel)
		TESTQ(pixel, pixel)
		CMOVQMI(toZero, pixel)
		ADDQ(x, pixel)
		MOVQ(pixel, in.table.Offset(8*i))
	}
	load := func(i int, to reg.VecPhysical) {
		MOVQ(in.table.Offset(8*i), pixel)
		if from := (Mem{Base: pixel, Index: in.at, Scale: 1}); in.BF16 {
			vector.LoadBF16(from, to, in.mask)
		} else {
			in.Load(from, to, in.mask)
		}
		if in.Square && i%in.reads >= in.reads-in.Outputs {
			PREFETCHT0(Mem{Base: pixel, Index: ahead, Scale: 1})
		}
	}
	out := tmp
	store := func(_ int, from reg.VecPhysical) {
		in.Store(from, Mem{Base: out}, in.mask)
		ADDQ(points, out)
	}
	in.overChannels("channels", left, tmp, in.Mask(0, in.reads+3), func() {
		if in.Square {
			LEAQ(Mem{Base: tile, Index: in.at, Scale: 1}, ahead)
			for column := range in.reads {
				for i := range in.reads {
					load(i*in.reads+column, in.Reg(i))
				}
				in.transform(func(i int, from reg.VecPhysical) { in.Store(from, in.value(i*in.reads+column), nil) })
			}
			LEAQ(in.float(v), out)
			for row := range in.side() {
				for j := range in.reads {
					in.Load(in.value(row*in.reads+j), in.Reg(j), nil)
				}
				in.transform(store)
			}
			return
		}
		for i := range in.reads {
			load(i, in.Reg(i))
		}
		LEAQ(in.float(v), out)
		in.transform(store)
	})
	Load(Param("ldv"), tmp)
	LEAQ(Mem{Base: v, Index: tmp, Scale: 4}, v)
	ADDQ(I32(4*in.pixels()), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// times multiplies a distance in elements of pixels by n and makes it bytes.
func (in *input) times(n int, distance reg.GPPhysical) {
	if n&(n-1) == 0 {
		SHLQ(in.logSize()+U8(bits.TrailingZeros(uint(n))), distance)
		return
	}
	IMUL3Q(I32(n), distance, distance)
	SHLQ(in.logSize(), distance)
}

// ofPixels has the coefficients of the product of (x^2 - p^2) over all pairs, then, for
// each pair, those of the product over the others, and p; the highest coefficient, one,
// is left out. Where 0 is a point, x is a factor of all but its own.
func (in *input) ofPixels(out func(point int, value reg.VecPhysical)) {
	x := func(i int) reg.VecPhysical { return in.Reg(i) }
	n, z := in.reads, in.zeros()
	even, odd, sum := in.Reg(n), in.Reg(n+1), in.Reg(n+2)
	// half sets to to the sum of every second pixel from first times the coefficients.
	half := func(to reg.VecPhysical, first, coefs, count int) {
		VMOVAPS(x(first+2*count), to)
		for i := range count {
			in.add(coefs+i, x(first+2*i), to)
		}
	}
	if z > 0 {
		half(even, 0, 0, in.Pairs)
		out(0, even)
	}
	for pair := range in.Pairs {
		coefs := in.Pairs + pair*in.Pairs
		point := coefs + in.Pairs - 1
		half(even, 1+z, coefs, in.Pairs-1)
		half(odd, z, coefs, in.Pairs-1)
		VMOVAPS(even, sum)
		in.add(point, odd, sum)
		in.subtract(point, odd, even)
		out(z+2*pair, sum)
		out(z+1+2*pair, even)
	}
	half(odd, z, 0, in.Pairs)
	out(n-1, odd)
}

// ofGradient has, for each pair, the coefficients p, its square and its cube.
func (in *input) ofGradient(out func(point int, value reg.VecPhysical)) {
	y := func(i int) reg.VecPhysical { return in.Reg(i) }
	even, odd, sum := in.Reg(in.Outputs), in.Reg(in.Outputs+1), in.Reg(in.Outputs+2)
	out(0, y(0))
	for pair := range in.Pairs {
		VMOVAPS(y(0), even)
		in.add(3*pair+1, y(2), even)
		in.multiply(3*pair, y(1), odd)
		in.add(3*pair+2, y(3), odd)
		VADDPS(odd, even, sum)
		VSUBPS(odd, even, even)
		out(1+2*pair, sum)
		out(2+2*pair, even)
	}
	out(in.side()-1, y(3))
}
