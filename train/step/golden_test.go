package step

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// TestGoldenRMSProp compares the losses of some steps on one batch with those of the
// foreign reference, which computes in float64 and says what float32 makes of the same.
// With the networks that are left out, that is so much that a wrong step might pass.
func TestGoldenRMSProp(t *testing.T) { testGoldenRMSProp(t, cpubackend.New(t)) }

func testGoldenRMSProp(t *testing.T, backend compute.Backend) {
	for _, name := range []string{"inception_resnet_v1", "inception_resnet_v2_paper"} {
		t.Run(name, func(t *testing.T) {
			file, err := golden.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			want := file.Training
			network, err := arch.New(name, arch.Options{Classes: want.Classes, DropoutKeep: 1})
			if err != nil {
				t.Fatal(err)
			}
			all, err := network.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			initial := map[string]*tensors.Tensor{}
			for name, value := range golden.Parameters(file.Salt, all) {
				initial[name] = value
			}
			o := want.RMSProp
			if o.MeanSquareStartsAt != 1 {
				t.Fatalf("the reference's mean square starts at %g", o.MeanSquareStartsAt)
			}
			r := recipe.Training{
				Optimizer:      recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: o.Decay, Momentum: o.Momentum, Epsilon: o.Epsilon}},
				LabelSmoothing: want.LabelSmoothing,
			}
			s, err := New(backend, network, r.Resolved(), Divide(all, func(string) bool { return false }), func(dst []float32, p arch.Parameter) error {
				copy(dst, tensors.MustCopyFlatData[float32](initial[p.Name]))
				return nil
			}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			labels := make([]int32, len(want.Labels))
			for i, label := range want.Labels {
				labels[i] = int32(label)
			}
			images := golden.Images(file.Salt, want.Image, want.Batch, want.Side)
			rounding := 0.0
			for step, wantLoss := range o.Losses {
				got, err := s.Apply(step, images, labels, o.LearningRate, 0)
				if err != nil {
					t.Fatal(err)
				}
				if step == 0 && !(math.Abs(got.GradientNorm-want.GradientL2) <= 1e-2*want.GradientL2) {
					t.Errorf("the gradient has L2 %g, want %g", got.GradientNorm, want.GradientL2)
				}
				rounding = max(rounding, want.RMSProp.LossesFloat32Error[step])
				relative := math.Abs(got.Loss-wantLoss) / wantLoss
				t.Logf("loss before step %d: relative error %.2g, PyTorch's float32 has %.2g", step+1, relative, want.RMSProp.LossesFloat32Error[step])
				if bound := max(1e-3, 3*rounding); !(relative <= bound) {
					t.Errorf("loss before step %d is %g, want %g within %.2g of it", step+1, got.Loss, wantLoss, bound)
				}
			}
		})
	}
}
