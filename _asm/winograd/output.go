package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

type output struct{ code }

func (o *output) emit() {
	name := fmt.Sprintf("WinogradOutputF32_%s_%s", o.size(o.side()), o.size(Outputs))
	TEXT(name, 0, "func(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs *float32)")
	Doc(fmt.Sprintf("%s is, for tiles that write %s pixels:", name, o.size(Outputs)),
		"",
		"\tfor t := range tiles {",
		"\t\tfor c := range channels {",
		fmt.Sprintf("\t\t\tvar p [%d]float32", o.points()),
		"\t\t\tfor i := range p {",
		"\t\t\t\tp[i] = m[i*points+t*ldm+c]",
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(p, coefs) {",
		fmt.Sprintf("\t\t\t\tpixel := pixels[t*%d+i]", o.outputs()),
		"\t\t\t\tif pixel < 0 {",
		"\t\t\t\t\tcontinue",
		"\t\t\t\t}",
		"\t\t\t\tif bias != nil {",
		"\t\t\t\t\tvalue += bias[c]",
		"\t\t\t\t}",
		"\t\t\t\tif residual != nil {",
		"\t\t\t\t\tvalue = residual[pixel*ldr+c] + scale*value",
		"\t\t\t\t}",
		"\t\t\t\ty[pixel*pitch+c] = max(value, floor)",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradOutput.")
	Pragma("noescape")
	o.at, o.coefs, o.values = reg.RAX, reg.RBX, reg.RCX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	m, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	bias, residual := reg.R12, reg.R13
	vectors := 0
	if o.Square {
		vectors = Outputs * o.side()
	}
	// The table has a pointer into y and one into the residual for every pixel.
	o.allocate(2*o.outputs(), vectors)
	Load(Param("coefs"), o.coefs)
	o.keep(3 * o.Pairs)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("m"), m)
	Load(Param("bias"), bias)
	Load(Param("residual"), residual)
	Label("tile")
	for i := range o.outputs() {
		// A pointer below zero marks a pixel outside: none is there in user space.
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, left)
		MOVQ(I32(-1), pixel)
		TESTQ(left, left)
		JLT(LabelRef(fmt.Sprintf("outside%d", i)))
		MOVQ(left, pixel)
		IMULQ(address("pitch"), pixel)
		SHLQ(U8(2), pixel)
		ADDQ(address("y"), pixel)
		IMULQ(address("ldr"), left)
		LEAQ(Mem{Base: residual, Index: left, Scale: 4}, left)
		MOVQ(left, o.table.Offset(16*i+8))
		Label(fmt.Sprintf("outside%d", i))
		MOVQ(pixel, o.table.Offset(16*i))
	}
	epilogue := o.Reg(9)
	side := o.side()
	body := 0
	o.overChannels("channels", left, tmp, o.Mask(0, 8), func() {
		from := tmp
		LEAQ(Mem{Base: m, Index: o.at, Scale: 1}, from)
		next := func(to reg.VecPhysical) {
			o.Load(Mem{Base: from}, to, o.mask)
			ADDQ(points, from)
		}
		store := func(first, step int) {
			for i := range Outputs {
				o.finish(fmt.Sprintf("%d_%d", body, first+i*step), first+i*step, o.sum(i), epilogue, pixel, bias, residual)
			}
		}
		if o.Square {
			// Rows of points lie one after the other: each makes four values.
			for row := range side {
				o.transform(next)
				for i := range Outputs {
					o.Store(o.sum(i), o.value(i*side+row), nil)
				}
			}
			for column := range Outputs {
				at := column * side
				o.transform(func(to reg.VecPhysical) {
					o.Load(o.value(at), to, nil)
					at++
				})
				store(column, Outputs)
			}
		} else {
			o.transform(next)
			store(0, 1)
		}
		body++
	})
	Load(Param("ldm"), tmp)
	LEAQ(Mem{Base: m, Index: tmp, Scale: 4}, m)
	ADDQ(I32(4*o.outputs()), pixels)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// sum is the register of an output.
func (o *output) sum(i int) reg.VecPhysical { return o.Reg(i) }

// transform computes four sums from the points, which next loads in order. The
// coefficients are, for each pair, the point, its square and its cube.
func (o *output) transform(next func(to reg.VecPhysical)) {
	plus, minus, even := o.Reg(4), o.Reg(5), o.Reg(6)
	o.spare = o.Reg(7)
	next(o.sum(0))
	for pair := range o.Pairs {
		next(plus)
		next(minus)
		VADDPS(minus, plus, even)
		VSUBPS(minus, plus, plus)
		VADDPS(even, o.sum(0), o.sum(0))
		apply := o.add
		if pair == 0 {
			apply = o.multiply
		}
		apply(3*pair, plus, o.sum(1))
		apply(3*pair+1, even, o.sum(2))
		apply(3*pair+2, plus, o.sum(3))
	}
	next(plus)
	VADDPS(plus, o.sum(3), o.sum(3))
}

// finish adds the bias and the residual to a pixel's sum, applies the floor and stores.
func (o *output) finish(id string, i int, sum, tmp reg.VecPhysical, pixel, bias, residual reg.GPPhysical) {
	skip, unbiased, alone := "skip"+id, "unbiased"+id, "alone"+id
	MOVQ(o.table.Offset(16*i), pixel)
	TESTQ(pixel, pixel)
	JLT(LabelRef(skip))
	TESTQ(bias, bias)
	JEQ(LabelRef(unbiased))
	o.Load(Mem{Base: bias, Index: o.at, Scale: 1}, tmp, o.mask)
	VADDPS(tmp, sum, sum)
	Label(unbiased)
	TESTQ(residual, residual)
	JEQ(LabelRef(alone))
	MOVQ(o.table.Offset(16*i+8), pixel)
	VBROADCASTSS(address("scale"), tmp)
	VMULPS(tmp, sum, sum)
	o.Load(Mem{Base: pixel, Index: o.at, Scale: 1}, tmp, o.mask)
	VADDPS(tmp, sum, sum)
	MOVQ(o.table.Offset(16*i), pixel)
	Label(alone)
	VBROADCASTSS(address("floor"), tmp)
	VMAXPS(sum, tmp, sum)
	o.Store(sum, Mem{Base: pixel, Index: o.at, Scale: 1}, o.mask)
	Label(skip)
}

func address(name string) Mem { return vector.Arg(name) }
