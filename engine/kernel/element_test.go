package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// elementWant is what an operation makes of its operands, in float64.
func elementWant(op ElementOp, a, b, c float64) float64 {
	truth := map[bool]float64{true: 1}
	switch op {
	case Copy:
		return a
	case Neg:
		return -a
	case Abs:
		return math.Abs(a)
	case Sqrt:
		return math.Sqrt(a)
	case Sign:
		if a == 0 || math.IsNaN(a) {
			return a
		}
		return math.Copysign(1, a)
	case Rectify:
		switch {
		case a < 0:
			return math.Copysign(0, -1)
		case a == 0:
			return 0
		}
		return a
	case Step:
		if math.IsNaN(a) {
			return a
		}
		return truth[!math.Signbit(a)]
	case Exp:
		return math.Exp(a)
	case Log:
		return math.Log(a)
	case Add:
		return a + b
	case Sub:
		return a - b
	case Mul:
		return a * b
	case Div:
		return a / b
	case Max:
		return max(a, b)
	case Min:
		return min(a, b)
	case Equal:
		return truth[a == b]
	case NotEqual:
		return truth[a != b]
	case Less:
		return truth[a < b]
	case LessOrEqual:
		return truth[a <= b]
	case Select:
		if a != 0 {
			return b
		}
		return c
	}
	panic(op.String())
}

// TestElement compares every operation with its definition at every length up to two
// vectors of the widest loop and one, in place as well, on special values among others.
func TestElement(t *testing.T) {
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	eachSet(t, func(t *testing.T, set *Set) {
		for op := range elementOps {
			r := rand.New(rand.NewPCG(1, uint64(op)))
			for n := range 2*4*16 + 2 {
				to := newGuarded(n)
				var operands [3]guarded
				for i := range operands {
					operands[i] = newGuarded(n)
					for j := range operands[i].s {
						if operands[i].s[j] = float32(r.NormFloat64()); r.IntN(3) == 0 {
							operands[i].s[j] = special[r.IntN(len(special))]
						}
					}
				}
				a, b, c := operands[0].s, operands[1].s, operands[2].s
				set.Element(op, to.s, a, b, c)
				to.check(t, op.String())
				last := []*guarded{&operands[0], &operands[1], &operands[2]}[op.Operands()-1]
				for i := range n {
					want := elementWant(op, float64(a[i]), float64(b[i]), float64(c[i]))
					got := float64(to.s[i])
					if math.IsNaN(want) != math.IsNaN(got) || !math.IsNaN(want) && got != float64(float32(want)) {
						t.Fatalf("%s of %g, %g, %g is %g, want %g", op, a[i], b[i], c[i], got, want)
					}
					if op == Rectify && !math.IsNaN(want) && math.Signbit(want) != math.Signbit(got) {
						t.Fatalf("%s of %g is %g, want %g with its sign", op, a[i], got, want)
					}
				}
				set.Element(op, last.s, a, b, c)
				last.check(t, op.String())
				for i, v := range last.s {
					if math.Float32bits(v) != math.Float32bits(to.s[i]) && !math.IsNaN(float64(v)) {
						t.Fatalf("%s in place: element %d of %d is %g, want %g", op, i, n, v, to.s[i])
					}
				}
			}
		}
	})
}

func TestElementRefusesShortSlices(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		for op := range elementOps {
			type operands struct{ all [3][]float32 }
			spoil := map[string]func(*operands){}
			for i, name := range []string{"a", "b", "c"}[:op.Operands()] {
				spoil[name] = func(p *operands) { p.all[i] = p.all[i][:8] }
			}
			expectPanics(t, spoil, func(spoil func(*operands)) {
				p := &operands{}
				for i := range p.all {
					p.all[i] = make([]float32, 9)
				}
				spoil(p)
				set.Element(op, make([]float32, 9), p.all[0], p.all[1], p.all[2])
			})
		}
	})
}
