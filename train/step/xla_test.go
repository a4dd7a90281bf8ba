//go:build xla

package step

import (
	"math"
	"testing"

	"github.com/gomlx/go-xla/pjrt"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
)

func TestGoldenRMSPropXLA(t *testing.T) { testGoldenRMSProp(t, xlabackend.New(t)) }

func TestBFloat16XLA(t *testing.T) { testBFloat16(t, xlabackend.New(t)) }

// TestStateXLA expects the losses of the engine, a state that is on the device alone, and
// that a step frees what it replaces.
func TestStateXLA(t *testing.T) {
	r := smallRecipe()
	r.DropoutKeep = 1
	images, labels := pictures(r.Batch)
	here, there := newStep(t, cpubackend.New(t), r, Options{}), newStep(t, xlabackend.New(t), r, Options{})
	var alive int64
	for step := range 4 {
		want, err := here.Apply(step, images, labels, 0.01, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		got, err := there.Apply(step, images, labels, 0.01, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Loss-want.Loss) > 1e-3*want.Loss {
			t.Errorf("the loss of step %d is %g, want %g", step, got.Loss, want.Loss)
		}
		for _, section := range there.Sections() {
			for _, p := range section.Parameters {
				if v := there.variable(section.scope, p).MustValue(); v.IsLocal() || !v.IsOnDevice(0) {
					t.Fatalf("after step %d, %s is not on the device alone", step, section.Tensor(p))
				}
			}
		}
		if step == 0 {
			alive = pjrt.BuffersAlive()
		} else if now := pjrt.BuffersAlive(); now != alive {
			t.Errorf("after step %d there are %d buffers, after the first %d", step, now, alive)
		}
	}
	// What is set is where the next step begins.
	for _, section := range there.Sections() {
		for _, p := range section.Parameters {
			values, err := here.Values(section, p)
			if err != nil {
				t.Fatal(err)
			}
			if err := there.SetValues(section, p, values); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := here.Apply(4, images, labels, 0.01, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	got, err := there.Apply(4, images, labels, 0.01, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Loss-want.Loss) > 1e-4*want.Loss {
		t.Errorf("from the same state the loss is %g, want %g", got.Loss, want.Loss)
	}
}
