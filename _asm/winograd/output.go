package winograd

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/evex"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

type output struct {
	code
	entry int // bytes of the table for a pixel
}

func (o *output) emit() {
	name := fmt.Sprintf("WinogradOutput%s_%s_%s", o.suffix(), o.size(o.side()), o.size(o.Outputs))
	if o.BF16 {
		TEXT(name, 0, "func(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32)")
	} else {
		TEXT(name, 0, "func(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs *float32)")
	}
	residualDoc, valueDoc := []string{
		"\t\t\t\tif residual != nil {",
		"\t\t\t\t\tvalue = residual[pixel*ldr+c] + scale*value",
		"\t\t\t\t}",
	}, "max(value, floor)"
	if o.BF16 {
		residualDoc, valueDoc = nil, "bfloat16(max(value, floor)) // the nearest"
	}
	Doc(slices.Concat([]string{
		fmt.Sprintf("%s is, for tiles that write %s pixels:", name, o.size(o.Outputs)),
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
	}, residualDoc, []string{
		"\t\t\t\ty[pixel*pitch+c] = " + valueDoc,
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradOutput.",
	})...)
	Pragma("noescape")
	o.at, o.coefs, o.values = reg.RAX, reg.RBX, reg.RCX
	left, tmp, pixel := reg.RDX, reg.RSI, reg.RDI
	m, points := reg.R8, reg.R9
	tiles, pixels := reg.R10, reg.R11
	bias, residual := reg.R12, reg.R13
	vectors := 0
	if o.Square {
		vectors = o.Outputs * o.side()
	}
	// The table has a pointer into y and one into the residual, if there may be one, for
	// every pixel.
	o.entry = 16
	if o.BF16 {
		o.entry = 8
	}
	o.allocate(o.entry/8*o.outputs(), vectors)
	Load(Param("coefs"), o.coefs)
	o.keep((o.Outputs - 1) * o.Pairs)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("tiles"), tiles)
	Load(Param("pixels"), pixels)
	Load(Param("m"), m)
	Load(Param("bias"), bias)
	if !o.BF16 {
		Load(Param("residual"), residual)
	}
	Label("tile")
	for i := range o.outputs() {
		// A pointer below zero marks a pixel outside: none is there in user space.
		MOVLQSX(Mem{Base: pixels, Disp: 4 * i}, left)
		MOVQ(I32(-1), pixel)
		TESTQ(left, left)
		JLT(LabelRef(fmt.Sprintf("outside%d", i)))
		MOVQ(left, pixel)
		IMULQ(address("pitch"), pixel)
		SHLQ(o.logSize(), pixel)
		ADDQ(address("y"), pixel)
		if !o.BF16 {
			IMULQ(address("ldr"), left)
			LEAQ(Mem{Base: residual, Index: left, Scale: 4}, left)
			MOVQ(left, o.table.Offset(o.entry*i+8))
		}
		Label(fmt.Sprintf("outside%d", i))
		MOVQ(pixel, o.table.Offset(o.entry*i))
	}
	epilogue := o.Reg(o.Outputs + 5)
	side := o.side()
	body := 0
	o.overChannels("channels", left, tmp, o.Mask(0, o.Outputs+4), func() {
		from := tmp
		LEAQ(o.float(m), from)
		next := func(to reg.VecPhysical) {
			o.Load(Mem{Base: from}, to, o.mask)
			ADDQ(points, from)
		}
		store := func(first, step int) {
			for i := range o.Outputs {
				o.finish(fmt.Sprintf("%d_%d", body, first+i*step), first+i*step, o.sum(i), epilogue, pixel, bias, residual)
			}
		}
		if o.Square {
			// Rows of points lie one after the other: each makes four values.
			for row := range side {
				o.transform(next)
				for i := range o.Outputs {
					o.Store(o.sum(i), o.value(i*side+row), nil)
				}
			}
			for column := range o.Outputs {
				at := column * side
				o.transform(func(to reg.VecPhysical) {
					o.Load(o.value(at), to, nil)
					at++
				})
				store(column, o.Outputs)
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

// transform computes the outputs' sums from the points, which next loads in order. The
// coefficients are, for each pair, the powers of the point from the first on.
func (o *output) transform(next func(to reg.VecPhysical)) {
	n := o.Outputs
	plus, minus, even := o.Reg(n), o.Reg(n+1), o.Reg(n+2)
	o.spare = o.Reg(n + 3)
	if !o.NoZero {
		next(o.sum(0))
	}
	for pair := range o.Pairs {
		next(plus)
		next(minus)
		VADDPS(minus, plus, even)
		VSUBPS(minus, plus, plus)
		apply := o.add
		if pair == 0 {
			apply = o.multiply
		}
		if pair == 0 && o.NoZero {
			VMOVAPS(even, o.sum(0))
		} else {
			VADDPS(even, o.sum(0), o.sum(0))
		}
		for power := 1; power < n; power++ {
			apply((n-1)*pair+power-1, []reg.VecPhysical{even, plus}[power%2], o.sum(power))
		}
	}
	next(plus)
	VADDPS(plus, o.sum(n-1), o.sum(n-1))
}

// finish adds the bias and the residual to a pixel's sum, applies the floor and stores.
func (o *output) finish(id string, i int, sum, tmp reg.VecPhysical, pixel, bias, residual reg.GPPhysical) {
	skip, unbiased, alone := "skip"+id, "unbiased"+id, "alone"+id
	MOVQ(o.table.Offset(o.entry*i), pixel)
	TESTQ(pixel, pixel)
	JLT(LabelRef(skip))
	TESTQ(bias, bias)
	JEQ(LabelRef(unbiased))
	o.Load(o.float(bias), tmp, o.mask)
	VADDPS(tmp, sum, sum)
	Label(unbiased)
	if o.BF16 {
		VBROADCASTSS(address("floor"), tmp)
		VMAXPS(sum, tmp, sum)
		evex.VCVTNEPS2BF16(sum, o.Half(sum))
		to := Mem{Base: pixel, Index: o.at, Scale: 1}
		if o.mask == nil {
			VMOVDQU(o.Half(sum), to)
		} else {
			VMOVDQU16(o.Half(sum), o.mask, to)
		}
		Label(skip)
		return
	}
	TESTQ(residual, residual)
	JEQ(LabelRef(alone))
	MOVQ(o.table.Offset(o.entry*i+8), pixel)
	VBROADCASTSS(address("scale"), tmp)
	VMULPS(tmp, sum, sum)
	o.Load(Mem{Base: pixel, Index: o.at, Scale: 1}, tmp, o.mask)
	VADDPS(tmp, sum, sum)
	MOVQ(o.table.Offset(o.entry*i), pixel)
	Label(alone)
	VBROADCASTSS(address("floor"), tmp)
	VMAXPS(sum, tmp, sum)
	o.Store(sum, Mem{Base: pixel, Index: o.at, Scale: 1}, o.mask)
	Label(skip)
}

func address(name string) Mem { return vector.Arg(name) }
