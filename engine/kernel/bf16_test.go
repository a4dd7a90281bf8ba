package kernel

import (
	"math"
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
