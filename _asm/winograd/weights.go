package winograd

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// weights is the transform of the taps of bfloat16 weights to points, for a panel of
// columns of the product: two vectors.
type weights struct{ code }

const panelVectors = 2

func (w *weights) emit() {
	name := fmt.Sprintf("WinogradWeightsBF16_%s_%s", w.size(w.taps()), w.size(w.side()))
	columns := panelVectors * w.Lanes
	taps := w.taps()
	if w.Square {
		taps *= w.taps()
	}
	TEXT(name, 0, "func(rows int, w *uint16, b *float32, points int, coefs *float32)")
	Doc(fmt.Sprintf("%s is, for panels of %d columns:", name, columns),
		"",
		"\tfor k := range rows {",
		fmt.Sprintf("\t\tfor j := range %d {", columns),
		fmt.Sprintf("\t\t\tvar taps [%d]float32", taps),
		"\t\t\tfor i := range taps {",
		fmt.Sprintf("\t\t\t\ttaps[i] = w[(k*%d+i)*%d+j]", taps, columns),
		"\t\t\t}",
		"\t\t\tfor i, value := range transformed(taps, coefs) {",
		fmt.Sprintf("\t\t\t\tb[i*points+k*%d+j] = value", columns),
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"where transformed, along each side, is generic.WinogradWeights.")
	Pragma("noescape")
	rows, vector0, from, to, out, points := reg.RAX, reg.RDX, reg.RSI, reg.RDI, reg.R8, reg.R9
	w.coefs, w.values = reg.RBX, reg.RCX
	vectors := 0
	if w.Square {
		vectors = w.side() * w.taps()
	}
	w.allocate(0, vectors)
	Load(Param("rows"), rows)
	Load(Param("w"), from)
	Load(Param("b"), to)
	Load(Param("points"), points)
	SHLQ(U8(2), points)
	Load(Param("coefs"), w.coefs)
	Label("row")
	MOVQ(U32(panelVectors), vector0)
	Label("vector")
	load := func(tap int, v reg.VecPhysical) {
		vector.LoadBF16(Mem{Base: from, Disp: 2 * columns * tap}, v, nil)
	}
	store := func(_ int, v reg.VecPhysical) {
		w.Store(v, Mem{Base: out}, nil)
		ADDQ(points, out)
	}
	MOVQ(to, out)
	if w.Square {
		for column := range w.taps() {
			for i := range w.taps() {
				load(i*w.taps()+column, w.Reg(i))
			}
			w.transform(func(i int, v reg.VecPhysical) { w.Store(v, w.value(i*w.taps()+column), nil) })
		}
		for row := range w.side() {
			for i := range w.taps() {
				w.Load(w.value(row*w.taps()+i), w.Reg(i), nil)
			}
			w.transform(store)
		}
	} else {
		for i := range w.taps() {
			load(i, w.Reg(i))
		}
		w.transform(store)
	}
	ADDQ(I8(2*w.Lanes), from)
	ADDQ(I8(4*w.Lanes), to)
	DECQ(vector0)
	JNE(LabelRef("vector"))
	ADDQ(I32(2*columns*(taps-1)), from)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// transform passes every point's value, in order, to out, from the taps in the first
// registers. The coefficients are the factor of the point 0, if it is one, and for each
// pair those of the taps.
func (w *weights) transform(out func(point int, v reg.VecPhysical)) {
	n, z := w.taps(), w.zeros()
	halves, sum := [2]reg.VecPhysical{w.Reg(n), w.Reg(n + 1)}, w.Reg(n+2)
	if z > 0 {
		w.multiply(0, w.Reg(0), sum)
		out(0, sum)
	}
	for pair := range w.Pairs {
		for tap := range n {
			apply := w.add
			if tap < 2 {
				apply = w.multiply
			}
			apply(z+pair*n+tap, w.Reg(tap), halves[tap%2])
		}
		VADDPS(halves[1], halves[0], sum)
		out(z+2*pair, sum)
		if z > 0 {
			VSUBPS(halves[1], halves[0], sum)
		} else {
			VSUBPS(halves[0], halves[1], sum)
		}
		out(z+1+2*pair, sum)
	}
	out(w.side()-1, w.Reg(n-1))
}
