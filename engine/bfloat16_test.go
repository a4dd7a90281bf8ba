package engine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// TestBFloat16Networks compares small networks in bfloat16 with the go backend's results,
// which convert as the graph says: sums in another order end on another side of a rounding
// now and then. On machines without the instructions, the conversions are computed here
// too.
func TestBFloat16Networks(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	o := arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, Precision: arch.BFloat16}
	for _, name := range arch.Names() {
		for _, counts := range []bool{false, true} {
			o.AveragePoolCountsPadding = counts
			want := logits(t, theirs, name, o, 3, 91)
			for _, isa := range kernel.Available() {
				ours := newBackend(t, "isa="+string(isa))
				e := distance(logits(t, ours, name, o, 3, 91), want)
				t.Logf("%s, %s: relative L2 difference %.2g", name, isa, e)
				if !(e < 1e-2) {
					t.Errorf("%s, %s: relative L2 difference %g", name, isa, e)
				}
			}
		}
	}
	plain := o
	plain.Precision = arch.Float32
	if e := distance(logits(t, theirs, "inception_v4", plain, 3, 91), logits(t, theirs, "inception_v4", o, 3, 91)); !(e > 1e-3) {
		t.Errorf("bfloat16 is no other precision than float32: relative L2 difference %g", e)
	}
}

// TestBFloat16Operations asserts that convolutions and pooling compute in bfloat16 where the
// machine has instructions for it, without conversions between layers, and that results do
// not depend on the number of threads.
func TestBFloat16Operations(t *testing.T) {
	set, err := kernel.For(kernel.Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	if set.GemmBF16 == nil || !set.GemmBF16.Faster {
		t.Skipf("%s has no faster instructions for bfloat16 than for float32 here", set.ISA)
	}
	for _, name := range arch.Names() {
		o := arch.Options{Width: 0.5, Blocks: []int{1, 1, 1}, Precision: arch.BFloat16}
		program := compileNetwork(t, newBackend(t, "threads=2"), name, o, 1, 107)
		operations, err := engine.Operations(program)
		if err != nil {
			t.Fatal(err)
		}
		conversions := 0
		for i, op := range operations {
			switch {
			case op.Name == "go backend":
				t.Errorf("%s: operation %d is the go backend's: %s", name, i, op.Algorithm)
			case op.Name == "convert":
				conversions++
			case op.Name == "convolution" && !strings.Contains(op.Algorithm, "BF16") && !strings.Contains(op.Algorithm, "of bfloat16") && op.Input[3] != 3 && op.Output[3] != 1000:
				t.Errorf("%s: operation %d, a convolution of %v, is %s", name, i, op.Input, op.Algorithm)
			}
		}
		if conversions != 2 { // after the first convolution and before the average over the grid
			t.Errorf("%s: %d conversions, want 2", name, conversions)
		}
		program.Finalize()
		var want []float32
		for _, threads := range []string{"1", "2", "3"} {
			got := logits(t, newBackend(t, "winograd=off,threads="+threads), name, o, 2, 107)
			if want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s: %s threads give other results than one", name, threads)
			}
		}
	}
}
