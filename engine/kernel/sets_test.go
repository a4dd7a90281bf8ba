package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// eachSet runs a test on the kernels of every ISA of the machine. With
// INCEPTION_REQUIRE_ISA it fails where the machine lacks that one.
func eachSet(t *testing.T, test func(t *testing.T, set *Set)) {
	t.Helper()
	if want := ISA(os.Getenv("INCEPTION_REQUIRE_ISA")); want != "" && !slices.Contains(Available(), want) {
		t.Fatalf("INCEPTION_REQUIRE_ISA is %s, the machine has %v", want, Available())
	}
	for _, isa := range Available() {
		set, err := For(isa)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(string(isa), func(t *testing.T) { test(t, set) })
	}
}

func TestAvailable(t *testing.T) {
	isas := Available()
	if isas[len(isas)-1] != Generic {
		t.Errorf("available are %v, and plain Go is not the last", isas)
	}
	for _, isa := range isas {
		if set, err := For(isa); err != nil || set.ISA != isa {
			t.Errorf("For(%q) = %v, %v", isa, set, err)
		}
	}
	if _, err := For("mmx"); err == nil {
		t.Error("For accepts an instruction set that does not exist")
	}
}

const guardWords = 64

// guarded is a slice with words on both sides that must be neither read nor written.
type guarded struct {
	s   []float32
	all []float32
}

// newGuarded has n elements, all of them NaN, as the words around them are: what is
// read without having been written shows in the results.
func newGuarded(n int) guarded {
	all := make([]float32, n+2*guardWords)
	for i := range all {
		all[i] = math.Float32frombits(guardBits(n, i-guardWords))
	}
	return guarded{all[guardWords:][:n:n], all}
}

// guardBits is a NaN of its own for each element of n, so that one that was computed
// from another is seen.
func guardBits(n, i int) uint32 { return 0x7fc00001 | uint32(n*7919+i*31)&0x1fffff<<1 }

// kept reports whether an element is as it was made.
func (g guarded) kept(i int) bool {
	return math.Float32bits(g.all[i+guardWords]) == guardBits(len(g.s), i)
}

// check fails if a word beside the slice was written.
func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	for i := -guardWords; i < len(g.s)+guardWords; i++ {
		if (i < 0 || i >= len(g.s)) && !g.kept(i) {
			t.Errorf("%s: element %d was written, of %d", what, i, len(g.s))
		}
	}
}

// zeros is n zeros between guards.
func zeros(n int) []float32 {
	g := newGuarded(n)
	clear(g.s)
	return g.s
}

// prime is the first prime from n on.
func prime(n int) int {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return prime(n + 1)
		}
	}
	return n
}

// expectPanics runs with each thing spoiled, and with nothing, which must not panic.
func expectPanics[P any](t *testing.T, spoil map[string]func(p P), run func(spoil func(p P))) {
	t.Helper()
	spoil["nothing"] = func(P) {}
	for what, do := range spoil {
		func() {
			defer func() {
				if r := recover(); (r == nil) != (what == "nothing") {
					t.Errorf("%s spoiled: panic is %v", what, r)
				}
			}()
			run(do)
		}()
	}
}

// matrix is rows of width random values, stride apart, NaN between them.
func matrix(r *rand.Rand, rows, width, stride int) guarded {
	g := newGuarded(max(0, (rows-1)*stride+width))
	for i := range rows {
		for j := range width {
			g.s[i*stride+j] = float32(r.NormFloat64())
		}
	}
	return g
}

// checkGaps fails if a word between the rows was written.
func (g guarded) checkGaps(t *testing.T, what string, rows, width, stride int) {
	t.Helper()
	g.check(t, what)
	for i := range rows - 1 {
		for j := width; j < stride; j++ {
			if !g.kept(i*stride + j) {
				t.Errorf("%s: the gap after row %d was written", what, i)
				return
			}
		}
	}
}
