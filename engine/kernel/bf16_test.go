package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Every bfloat16 is itself again, and values between two neighbours go to the nearer, from
// the middle to the even one.
func TestToBF16(t *testing.T) {
	for bits := range 1 << 16 {
		v := FromBF16(uint16(bits))
		got := ToBF16(v)
		if v != v {
			if back := FromBF16(got); back == back || math.Signbit(float64(back)) != math.Signbit(float64(v)) {
				t.Fatalf("NaN %#x becomes %#x", bits, got)
			}
			continue
		}
		if got != uint16(bits) {
			t.Fatalf("%#x becomes %#x", bits, got)
		}
		if math.IsInf(float64(v), 0) {
			continue
		}
		even := uint16(bits + bits&1) // of bits and its neighbour away from zero
		for _, c := range []struct {
			lower uint32
			want  uint16
		}{{1, uint16(bits)}, {0x7fff, uint16(bits)}, {0x8000, even}, {0x8001, uint16(bits + 1)}, {0xffff, uint16(bits + 1)}} {
			if got := ToBF16(math.Float32frombits(uint32(bits)<<16 | c.lower)); got != c.want {
				t.Fatalf("%#x%04x becomes %#x, want %#x", bits, c.lower, got, c.want)
			}
		}
	}
	for _, bits := range []uint32{0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff} { // of which some have nothing above
		if v := FromBF16(ToBF16(math.Float32frombits(bits))); v == v {
			t.Errorf("NaN %#x becomes %g", bits, v)
		}
	}
}

// Slices of any length convert as one value does, to the bit, and nothing beside them.
func TestConvertBF16(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := range 2*64 + 2 {
			what := fmt.Sprintf("%d elements", n)
			from, to := newGuarded(n), newGuardedOf[uint16](n)
			for i := range from.s {
				bits := r.Uint32()
				if i%3 == 0 {
					bits = bits&^0xffff | []uint32{0x7fff, 0x8000, 0x8001, 0x18000}[r.IntN(4)]
				}
				if i%5 == 0 {
					bits |= 0x7f800000 // infinite or NaN
				}
				if i%7 == 0 {
					bits &^= 0x7f800000 // zero or denormal
				}
				from.s[i] = math.Float32frombits(bits)
			}
			set.ConvertToBF16(to.s, from.s)
			for i, got := range to.s {
				if want := ToBF16(from.s[i]); got != want {
					t.Fatalf("%s: %#x becomes %#x, want %#x", what, math.Float32bits(from.s[i]), got, want)
				}
			}
			to.check(t, what)
			back := newGuarded(n)
			set.ConvertFromBF16(back.s, to.s)
			for i, got := range back.s {
				if math.Float32bits(got) != uint32(to.s[i])<<16 {
					t.Fatalf("%s: %#x becomes %#x", what, to.s[i], math.Float32bits(got))
				}
			}
			back.check(t, what)
		}
		expectPanics(t, map[string]func(n *int){"to": func(n *int) { *n = 4 }}, func(spoil func(n *int)) {
			n := 3
			spoil(&n)
			set.ConvertToBF16(make([]uint16, n), make([]float32, 3))
		})
		expectPanics(t, map[string]func(n *int){"to": func(n *int) { *n = 4 }}, func(spoil func(n *int)) {
			n := 3
			spoil(&n)
			set.ConvertFromBF16(make([]float32, n), make([]uint16, 3))
		})
	})
}
