package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Slices of any length convert as their definition says, there and back, and nothing beside
// them.
func TestConvertU8(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 2*64 + 2 {
			what := fmt.Sprintf("%d elements", n)
			inverse, zero := float32(r.Float64()*100), float32(128*r.IntN(2))
			from, to := newGuarded(n), newGuardedOf[uint8](n)
			for i := range from.s {
				from.s[i] = float32(2 * r.NormFloat64())
				switch r.IntN(8) {
				case 0:
					from.s[i] *= 1e30
				case 1: // to the middle of two integers
					from.s[i] = float32(math.Floor(float64(from.s[i])*100) + 0.5)
					inverse = 1
				}
			}
			set.ConvertToU8(to.s, from.s, inverse, zero)
			for i, got := range to.s {
				v := float64(from.s[i])*float64(inverse) + float64(zero)
				low, high := roundings(v, 0x1p-23*(math.Abs(v)+float64(zero)))
				if exact := inverse == 1 && math.Abs(v) < 1e6; exact {
					low = min(max(math.RoundToEven(v), 0), 255)
					high = low
				}
				if float64(got) < low || float64(got) > high {
					t.Fatalf("%s: %g by %g is %d, want %g to %g", what, from.s[i], inverse, got, low, high)
				}
			}
			to.check(t, what)
			back := newGuarded(n)
			set.ConvertFromU8(back.s, to.s, inverse, zero)
			for i, got := range back.s {
				if want := (float32(to.s[i]) - zero) * inverse; got != want {
					t.Fatalf("%s: %d becomes %g, want %g", what, to.s[i], got, want)
				}
			}
			back.check(t, what)
		}
		for what, convert := range map[string]func(n int){
			"to":   func(n int) { set.ConvertToU8(make([]uint8, n), make([]float32, 3), 1, 0) },
			"from": func(n int) { set.ConvertFromU8(make([]float32, n), make([]uint8, 3), 1, 0) },
		} {
			expectPanics(t, map[string]func(n *int){what: func(n *int) { *n = 4 }}, func(spoil func(n *int)) {
				n := 3
				spoil(&n)
				convert(n)
			})
		}
	})
}
