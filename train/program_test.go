package train

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// smallStep is a recipe with everything that a step can have, for a narrow network.
func smallStep(network string) recipe.Training {
	return recipe.Training{
		Network: network, Width: 0.125, Size: 107, Batch: 2, Seed: 1,
		AuxiliaryHead: network != "inception_resnet_v1" && network != "inception_resnet_v2_paper", AuxiliaryWeight: 0.4,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: 0.01},
		ClipNorm:     1, WeightDecay: 4e-5, LabelSmoothing: 0.1, AverageDecay: 0.99,
	}
}

// TestStepOnEngine asserts that the engine computes every operation of a training step
// itself, that it keeps no arguments of ReLU beside what is kept to compute the rest again,
// and that steps allocate little beside their inputs.
func TestStepOnEngine(t *testing.T) {
	backend, err := engine.New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	for _, network := range arch.Names() {
		for _, recompute := range []bool{false, true} {
			r := smallStep(network)
			r.Recompute = recompute
			program, err := NewProgram(backend, r, 7)
			if err != nil {
				t.Fatal(err)
			}
			images, labels := make([]float32, r.Batch*r.Size*r.Size*3), []int32{3, 5}
			for i := range images {
				images[i] = float32(i%255)/127 - 1
			}
			for step := range 2 {
				if _, err := program.Step(step, images, labels, nil); err != nil {
					t.Fatal(err)
				}
			}
			steps, err := engine.Operations(program.Executable())
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range steps {
				if s.Name == "go backend" {
					t.Errorf("%s: step %d of %d is the go backend's: %s", network, i, len(steps), s.Algorithm)
				}
				if !recompute && strings.Contains(s.Algorithm, "sub, sign, add, sign") {
					t.Errorf("%s: step %d of %d needs the argument of a ReLU: %s", network, i, len(steps), s.Algorithm)
				}
			}
			const runs = 3
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for step := range runs {
				if _, err := program.Step(2+step, images, labels, nil); err != nil {
					t.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			// The images are copied, and each variable has a few words of GoMLX's.
			bytes, most := (after.TotalAlloc-before.TotalAlloc)/runs, uint64(2*4*len(images)+2048*len(program.step.Sections()[0].Parameters)*4)
			t.Logf("%s, recompute %t: %d steps, %d bytes a run", network, recompute, len(steps), bytes)
			if bytes > most {
				t.Errorf("%s, recompute %t: %d bytes are allocated a run, want at most %d", network, recompute, bytes, most)
			}
			program.Close()
		}
	}
}

// TestRecomputeSame trains with and without computing activations again: the losses are the
// same to the last bit.
func TestRecomputeSame(t *testing.T) {
	backend, err := engine.New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	losses := func(r recipe.Training) (all []float64) {
		program, err := NewProgram(backend, r, 7)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		images := make([]float32, r.Batch*r.Size*r.Size*3)
		for i := range images {
			images[i] = float32(i*7919%255)/127 - 1
		}
		for step := range 3 {
			loss, err := program.Step(step, images, []int32{3, 5}, nil)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, loss)
		}
		return all
	}
	for _, network := range arch.Names() {
		r := smallStep(network)
		r.Blocks = []int{1, 1, 1}
		want := losses(r)
		r.Recompute = true
		if got := losses(r); !slices.Equal(got, want) {
			t.Errorf("%s: losses are %v with activations computed again, want %v", network, got, want)
		}
	}
}

// TestRecomputeLittle counts what a step computes twice to save memory: the convolutions
// of the stem and the expansions before two in three sums of residual blocks, and the
// sums of no batch norm but the stem's.
func TestRecomputeLittle(t *testing.T) {
	backend, err := engine.New("threads=2")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	count := func(r recipe.Training) (convolutions, norms int) {
		program, err := NewProgram(backend, r, 7)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if _, err := program.Step(0, make([]float32, r.Batch*r.Size*r.Size*3), []int32{3, 5}, nil); err != nil {
			t.Fatal(err)
		}
		steps, err := engine.Operations(program.Executable())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			switch {
			case s.Name == "convolution":
				convolutions++
			case s.Name == "batch norm" && s.Algorithm == "two passes":
				norms++
			case s.Name == "elementwise" && strings.HasPrefix(s.Algorithm, "sub, sign, add, sign, mul") && !strings.Contains(r.Network, "resnet"):
				t.Errorf("%s: the gradient of a ReLU after batch norm is a step of its own", r.Network)
			}
		}
		return convolutions, norms
	}
	// Of figure 3's stem, with 11 convolutions, two are one step, and two end what is
	// computed again: their batch norm has no second pass. The residual network has 6 of 10,
	// 13 of 20 and 6 of 9 expansions more than the stem.
	for network, want := range map[string]struct{ convolutions, norms int }{
		"inception_v3": {5, 5}, "inception_v4": {10, 9}, "inception_resnet_v2": {5 + 6 + 13 + 6, 5},
	} {
		r := smallStep(network)
		convolutions, norms := count(r)
		r.Recompute = true
		again, normsAgain := count(r)
		if again-convolutions != want.convolutions || normsAgain-norms != want.norms {
			t.Errorf("%s: %d convolutions and the sums of %d batch norms are computed twice, want %d and %d",
				network, again-convolutions, normsAgain-norms, want.convolutions, want.norms)
		}
	}
}
