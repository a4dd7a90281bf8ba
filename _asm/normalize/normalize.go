// Package normalize generates the passes of batch normalization over pixels, vector by
// vector of channels.
package normalize

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// pass is a kernel that walks over pixels, some vectors of channels at a time.
type pass struct {
	vector.ISA
	name, signature, doc string

	streams  []string // pointers to pixels; the distance of pixels has the prefix pitch
	reads    int      // of the streams are read, the others written
	channels []string // pointers to what each channel has one of
	sums     []string // pointers to where sums over the pixels go
	relu     bool     // there is a variant for when the pointer scale is nil
	together int      // vectors of channels that one walk over the pixels takes

	body func(w *walk, v int) // does vector v of a pixel
}

// ahead is how many pixels early a pixel is asked for.
const ahead = 8

// Emit writes the kernels into the file under construction.
func Emit(isa vector.ISA) {
	several := 2 // vectors whose five values of a channel fit in registers
	if isa == vector.AVX512 {
		several = 4
	}
	for _, p := range []*pass{{
		name:      "StatisticsF32",
		signature: "x *float32, pitchX int, shift, sum, squares *float32",
		doc: `for c := range channels {
	sum[c] = sum of x[i*pitchX+c]-shift[c] over i < pixels
	squares[c] = sum of its square
}`,
		streams: []string{"x"}, reads: 1, channels: []string{"shift"}, sums: []string{"sum", "squares"},
		together: 4, body: statistics,
	}, {
		name:      "NormalizeF32",
		signature: "x *float32, pitchX int, scale, offset *float32, floor float32, y *float32, pitchY int",
		doc: `for i := range pixels {
	for c := range channels {
		y[i*pitchY+c] = max(x[i*pitchX+c]*scale[c]+offset[c], floor)
	}
}`,
		streams: []string{"x", "y"}, reads: 1, channels: []string{"scale", "offset"},
		together: 4, body: normalize,
	}, {
		name:      "NormGradientSumsF32",
		signature: "x *float32, pitchX int, dy *float32, pitchDY int, scale, offset, mean, sum, products *float32",
		doc: `for c := range channels {
	sum[c] = sum of dy[i*pitchDY+c] over i < pixels
	products[c] = sum of dy[i*pitchDY+c]*(x[i*pitchX+c]-mean[c])
}

where dy counts as zero if x[i*pitchX+c]*scale[c]+offset[c] < 0, unless scale is nil.`,
		streams: []string{"x", "dy"}, reads: 2, channels: []string{"mean", "scale", "offset"}, sums: []string{"sum", "products"},
		relu: true, together: several, body: gradientSums,
	}, {
		name:      "NormGradientF32",
		signature: "x *float32, pitchX int, dy *float32, pitchDY int, scale, offset, a, b, d, dx *float32, pitchDX int",
		doc: `for i := range pixels {
	for c := range channels {
		dx[i*pitchDX+c] = a[c]*dy[i*pitchDY+c] + b[c]*x[i*pitchX+c] + d[c]
	}
}

where dy counts as zero if x[i*pitchX+c]*scale[c]+offset[c] < 0, unless scale is nil.`,
		streams: []string{"x", "dy", "dx"}, reads: 2, channels: []string{"a", "b", "d", "scale", "offset"},
		relu: true, together: several, body: gradient,
	}} {
		p.ISA = isa
		p.emit()
	}
}

func (p *pass) emit() {
	TEXT(p.name, 4, "func(pixels, channels int, "+p.signature+")") // NOSPLIT
	lines := []string{p.name + " is, for one pixel or more:", ""}
	for line := range strings.SplitSeq(p.doc, "\n") {
		if line != "" && !strings.HasPrefix(line, "where") {
			line = "\t" + line
		}
		lines = append(lines, line)
	}
	Doc(lines...)
	Pragma("noescape")
	for i, stream := range p.streams {
		Load(Param("pitch"+strings.ToUpper(stream)), pitches[i])
		SHLQ(U8(2), pitches[i])
	}
	Load(Param("channels"), channels)
	XORL(offset.As32(), offset.As32())
	if !p.relu {
		p.walks("")
		return
	}
	Load(Param("scale"), tmp)
	TESTQ(tmp, tmp)
	JNE(LabelRef("wideReLU"))
	linear := *p
	linear.relu, linear.channels = false, p.channels[:len(p.channels)-2] // without scale and offset
	linear.walks("")
	p.walks("ReLU")
}

var (
	channels, pixels, offset = reg.RAX, reg.RBX, reg.RCX // offset: bytes of the channels that are done
	lanes, tmp               = reg.RDX, reg.RSI
	pitches                  = []reg.GPPhysical{reg.RDI, reg.R8, reg.R9}
	at                       = []reg.GPPhysical{reg.R10, reg.R11, reg.R12}
)

// walks emits the loops over the channels.
func (p *pass) walks(suffix string) {
	width := p.together * p.Lanes
	Label("wide" + suffix)
	CMPQ(channels, I32(width))
	JLT(LabelRef("narrow" + suffix))
	(&walk{pass: p, vectors: p.together, label: "widePixel" + suffix}).emit()
	ADDQ(I32(4*width), offset)
	SUBQ(I32(width), channels)
	JMP(LabelRef("wide" + suffix))

	Label("narrow" + suffix)
	CMPQ(channels, I8(0))
	JLE(LabelRef("done" + suffix))
	mask := p.Mask(0, p.Registers-1)
	MOVQ(channels, lanes)
	p.SetMask(mask, lanes, tmp)
	(&walk{pass: p, vectors: 1, mask: mask, label: "narrowPixel" + suffix}).emit()
	ADDQ(I32(p.Bytes()), offset)
	SUBQ(I32(p.Lanes), channels)
	JMP(LabelRef("narrow" + suffix))

	Label("done" + suffix)
	VZEROUPPER()
	RET()
}

// walk is one walk over the pixels. Vector registers: the values of the channels and
// the sums, some vectors of each, then one constant and three temporaries.
type walk struct {
	*pass
	vectors int
	mask    reg.Register
	label   string
}

// of is the register of vector v of a value of the channels or of a sum.
func (w *walk) of(name string, v int) reg.VecPhysical {
	for i, n := range append(w.channels[:len(w.channels):len(w.channels)], w.sums...) {
		if n == name {
			return w.Reg(i*w.vectors + v)
		}
	}
	panic("normalize: no " + name)
}

func (w *walk) free(i int) reg.VecPhysical {
	return w.Reg((len(w.channels)+len(w.sums))*w.vectors + i)
}

// constant is the floor, or zero.
func (w *walk) constant() reg.VecPhysical { return w.free(0) }

func (w *walk) temporary(i int) reg.VecPhysical { return w.free(1 + i) }

func (w *walk) emit() {
	Load(Param("pixels"), pixels)
	for i, stream := range w.streams {
		Load(Param(stream), at[i])
		ADDQ(offset, at[i])
	}
	for _, name := range w.channels {
		Load(Param(name), tmp)
		for v := range w.vectors {
			w.ISA.Load(Mem{Base: tmp, Index: offset, Scale: 1, Disp: v * w.Bytes()}, w.of(name, v), w.mask)
		}
	}
	for _, name := range w.sums {
		for v := range w.vectors {
			w.Zero(w.of(name, v))
		}
	}
	if w.name == "NormalizeF32" {
		VBROADCASTSS(vector.Arg("floor"), w.constant())
	} else {
		w.Zero(w.constant())
	}
	Label(w.label)
	for i := range w.reads {
		for line := 0; line < w.vectors*w.Bytes(); line += 64 {
			PREFETCHT0(Mem{Base: at[i], Index: pitches[i], Scale: ahead, Disp: line})
		}
	}
	for v := range w.vectors {
		w.body(w, v)
	}
	for i := range w.streams {
		ADDQ(pitches[i], at[i])
	}
	DECQ(pixels)
	JNE(LabelRef(w.label))
	for _, name := range w.sums {
		Load(Param(name), tmp)
		for v := range w.vectors {
			w.Store(w.of(name, v), Mem{Base: tmp, Index: offset, Scale: 1, Disp: v * w.Bytes()}, w.mask)
		}
	}
}

// read reads vector v of stream i into temporary i.
func (w *walk) read(i, v int) reg.VecPhysical {
	w.ISA.Load(Mem{Base: at[i], Disp: v * w.Bytes()}, w.temporary(i), w.mask)
	return w.temporary(i)
}

func (w *walk) write(i, v int, value reg.VecPhysical) {
	w.Store(value, Mem{Base: at[i], Disp: v * w.Bytes()}, w.mask)
}

// readDY is read of dy with zeros where ReLU had a negative number. What is not a
// number is none.
func (w *walk) readDY(v int, x reg.VecPhysical) reg.VecPhysical {
	if !w.relu {
		return w.read(1, v)
	}
	const notLess = 0x15
	before, dy := w.temporary(2), w.temporary(1)
	VMOVAPS(x, before)
	VFMADD213PS(w.of("offset", v), w.of("scale", v), before)
	if w.ISA == vector.AVX2 {
		w.read(1, v)
		VCMPPS(U8(notLess), w.constant(), before, before)
		VANDPS(before, dy, dy)
		return dy
	}
	kept := reg.K2
	if w.mask == nil {
		VCMPPS(U8(notLess), w.constant(), before, kept)
	} else {
		VCMPPS(U8(notLess), w.constant(), before, w.mask, kept)
	}
	w.ISA.Load(Mem{Base: at[1], Disp: v * w.Bytes()}, dy, kept)
	return dy
}

func statistics(w *walk, v int) {
	x := w.read(0, v)
	VSUBPS(w.of("shift", v), x, x)
	VADDPS(x, w.of("sum", v), w.of("sum", v))
	VFMADD231PS(x, x, w.of("squares", v))
}

func normalize(w *walk, v int) {
	x := w.read(0, v)
	VFMADD213PS(w.of("offset", v), w.of("scale", v), x)
	VMAXPS(x, w.constant(), x) // keeps what is not a number
	w.write(1, v, x)
}

func gradientSums(w *walk, v int) {
	x := w.read(0, v)
	dy := w.readDY(v, x)
	VSUBPS(w.of("mean", v), x, x)
	VADDPS(dy, w.of("sum", v), w.of("sum", v))
	VFMADD231PS(dy, x, w.of("products", v))
}

func gradient(w *walk, v int) {
	x := w.read(0, v)
	dy := w.readDY(v, x)
	VFMADD213PS(w.of("d", v), w.of("b", v), x)
	VFMADD231PS(dy, w.of("a", v), x)
	w.write(2, v, x)
}
