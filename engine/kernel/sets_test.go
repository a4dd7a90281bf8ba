package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// requireBF16 is what INCEPTION_REQUIRE_ISA is to demand AVX-512 with the instructions on
// bfloat16, which some machines' AVX-512 has.
const requireBF16 = "avx512bf16"

// requireVNNI is the same of those on 8-bit integers.
const requireVNNI = "avx512vnni"

// eachSet runs a test on the kernels of every ISA of the machine. With
// INCEPTION_REQUIRE_ISA it fails where the machine lacks that one.
func eachSet(t *testing.T, test func(t *testing.T, set *Set)) {
	t.Helper()
	want := os.Getenv("INCEPTION_REQUIRE_ISA")
	if want == requireBF16 || want == requireVNNI {
		set, err := For(AVX512)
		if err != nil || want == requireBF16 && set.GemmBF16 == nil || want == requireVNNI && set.GemmI8.halves {
			t.Fatalf("INCEPTION_REQUIRE_ISA is %s, which the machine lacks", want)
		}
	} else if want != "" && !slices.Contains(Available(), ISA(want)) {
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

// guardedOf is a slice with words on both sides that must be neither read nor written.
type guardedOf[T float32 | uint16 | uint8] struct {
	s   []T
	all []T
}

type guarded = guardedOf[float32]

// newGuarded has n elements, all of them NaN, as the words around them are: what is
// read without having been written shows in the results.
func newGuarded(n int) guarded { return newGuardedOf[float32](n) }

func newGuardedOf[T float32 | uint16 | uint8](n int) guardedOf[T] {
	all := make([]T, n+2*guardWords)
	for i := range all {
		all[i] = guard[T](n, i-guardWords)
	}
	return guardedOf[T]{all[guardWords:][:n:n], all}
}

// guard is a NaN of its own for each element of n, so that one that was computed from
// another is seen; of bfloat16 there are 32. Integers have none, but numbers.
func guard[T float32 | uint16 | uint8](n, i int) (v T) {
	switch v := any(&v).(type) {
	case *float32:
		*v = math.Float32frombits(0x7fc00001 | uint32(n*7919+i*31)&0x1fffff<<1)
	case *uint16:
		*v = 0x7fc1 | uint16(n*7919+i*31)&0x1f<<1
	case *uint8:
		*v = uint8(n*7919 + i*31)
	}
	return v
}

func bitsOf[T float32 | uint16 | uint8](v T) uint32 {
	switch v := any(v).(type) {
	case float32:
		return math.Float32bits(v)
	case uint16:
		return uint32(v)
	case uint8:
		return uint32(v)
	}
	return 0
}

// kept reports whether an element is as it was made.
func (g guardedOf[T]) kept(i int) bool {
	return bitsOf(g.all[i+guardWords]) == bitsOf(guard[T](len(g.s), i))
}

// check fails if a word beside the slice was written.
func (g guardedOf[T]) check(t *testing.T, what string) {
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
func (g guardedOf[T]) checkGaps(t *testing.T, what string, rows, width, stride int) {
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
