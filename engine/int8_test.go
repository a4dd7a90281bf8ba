package engine_test

import (
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// TestInt8Networks compares small networks in int8 with the go backend's results, which
// compute as the graph says. Sums of integers are exact; one of float32 in another order, in
// the first convolution, now and then ends on another side of a rounding, and what follows
// from that is as large as the error of quantisation.
func TestInt8Networks(t *testing.T) {
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Finalize()
	o := arch.Options{Blocks: []int{1, 2, 2}, Width: 0.25, Classes: 11, Precision: arch.Int8}
	for _, name := range arch.Names() {
		for _, counts := range []bool{false, true} {
			o.AveragePoolCountsPadding = counts
			want := logits(t, theirs, name, o, 3, 91)
			for _, isa := range kernel.Available() {
				ours := newBackend(t, "isa="+string(isa))
				e := distance(logits(t, ours, name, o, 3, 91), want)
				t.Logf("%s, %s: relative L2 difference %.2g", name, isa, e)
				if !(e < 3e-2) {
					t.Errorf("%s, %s: relative L2 difference %g", name, isa, e)
				}
			}
		}
	}
}
