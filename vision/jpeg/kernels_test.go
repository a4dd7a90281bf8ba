package jpeg

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKernels compares the chosen kernels with the plain loops, bit by bit, at every number
// of blocks or values up to two vectors, and expects them to stay within what they may touch.
func TestKernels(t *testing.T) {
	if kernels.name == generic.name {
		t.Skip("this machine has no AVX2: there is nothing to compare")
	}
	random := rand.New(rand.NewPCG(3, 4))
	type pair struct {
		name        string
		got, want   transform
		side, limit int
	}
	for _, k := range []pair{
		{"transform8", kernels.transform8, generic.transform8, 8, 160},
		{"transform4", kernels.transform4, generic.transform4, 4, 160},
		{"transform2", kernels.transform2, generic.transform2, 2, 160},
	} {
		for blocks := 1; blocks <= 9; blocks++ {
			for range 20 {
				var quant [64]uint16
				for i := range quant {
					quant[i] = uint16(1 + random.IntN(8))
				}
				coefficients := make([]int16, 64*(blocks+1))
				for i := range coefficients {
					if random.IntN(3) == 0 {
						coefficients[i] = int16(random.IntN(2*k.limit) - k.limit)
						if i%64 != 0 {
							coefficients[i] /= 8
						}
					}
				}
				stride := blocks*k.side + padding
				size := k.side*stride + padding
				got, want := bytes.Repeat([]uint8{7}, size), bytes.Repeat([]uint8{7}, size)
				k.got(got, stride, coefficients, &quant, blocks)
				k.want(want, stride, coefficients, &quant, blocks)
				for y := range k.side {
					if g, w := got[y*stride:][:blocks*k.side], want[y*stride:][:blocks*k.side]; !bytes.Equal(g, w) {
						t.Fatalf("%s of %d blocks, row %d: %v, want %v", k.name, blocks, y, g, w)
					}
				}
			}
		}
	}
	values := func(n int) []uint8 {
		v := make([]uint8, n)
		for i := range v {
			v[i] = uint8(random.Uint32())
		}
		return v
	}
	for n := 1; n <= 67; n++ {
		near, far := values(n+padding), values(n+padding)
		got, want := make([]int16, n+padding), make([]int16, n+padding)
		kernels.sum(got, near, far, n)
		generic.sum(want, near, far, n)
		if !slices.Equal(got[:n], want[:n]) {
			t.Fatalf("%d sums: %v, want %v", n, got[:n], want[:n])
		}
		wideGot, wideWant := make([]uint8, 2*n+padding), make([]uint8, 2*n+padding)
		for _, bias := range [][2]uint16{{8, 7}, {4, 8}} {
			kernels.widen(wideGot, got, n-1, bias[0], bias[1])
			generic.widen(wideWant, got, n-1, bias[0], bias[1])
			if !bytes.Equal(wideGot[:2*n-2], wideWant[:2*n-2]) {
				t.Fatalf("%d widened: %v, want %v", n-1, wideGot[:2*n-2], wideWant[:2*n-2])
			}
		}
		luma, cb, cr := values(n), values(n), values(n)
		got3, want3 := make([]uint8, 3*n+1), make([]uint8, 3*n+1)
		kernels.convert(got3[:3*n], luma, cb, cr)
		generic.convert(want3[:3*n], luma, cb, cr)
		if !bytes.Equal(got3, want3) {
			t.Fatalf("%d pixels: %v, want %v", n, got3, want3)
		}
	}
}

// TestAllColours converts every pair of chroma.
func TestAllColours(t *testing.T) {
	const n = 256
	luma, cb, cr := make([]uint8, n), make([]uint8, n), make([]uint8, n)
	got, want := make([]uint8, 3*n), make([]uint8, 3*n)
	for _, l := range []uint8{0, 1, 77, 128, 200, 255} {
		for r := range n {
			for b := range n {
				luma[b], cb[b], cr[b] = l, uint8(b), uint8(r)
			}
			kernels.convert(got, luma, cb, cr)
			generic.convert(want, luma, cb, cr)
			if !bytes.Equal(got, want) {
				t.Fatalf("luma %d, Cr %d: other colours than by the plain loop", l, r)
			}
		}
	}
}
