package tensorfile

import (
	"math"
	"testing"
)

// TestNotFinite puts each kind of value at every place of slices of every alignment.
func TestNotFinite(t *testing.T) {
	finite := []float32{0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32}
	broken := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0x7f800001), math.Float32frombits(0xffffffff)}
	for begin := range 2 {
		for n := range 21 {
			values := make([]float32, begin+n)[begin:]
			for i := range values {
				values[i] = finite[i%len(finite)]
			}
			if first, count := NotFinite(values); first != -1 || count != 0 {
				t.Fatalf("%v: found %d from %d on", values, count, first)
			}
			for at := range values {
				for _, v := range broken {
					kept := values[at]
					values[at] = v
					if first, count := NotFinite(values); first != at || count != 1 {
						t.Errorf("%v: found %d from %d on, want one at %d", values, count, first, at)
					}
					values[at] = kept
				}
			}
		}
	}
	all := []float32{float32(math.NaN()), 1, float32(math.Inf(1)), 2, 3}
	if first, count := NotFinite(all); first != 0 || count != 2 {
		t.Errorf("found %d from %d on", count, first)
	}
}

func BenchmarkNotFinite(b *testing.B) {
	values := make([]float32, 1<<16)
	for i := range values {
		values[i] = float32(i) - 1000
	}
	b.SetBytes(int64(4 * len(values)))
	for b.Loop() {
		if first, _ := NotFinite(values); first >= 0 {
			b.Fatal(first)
		}
	}
}
