package arch_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
)

// TestGoldenTraining compares a forward pass with the batch's statistics, and
// what it does to the moving ones, with the foreign reference.
func TestGoldenTraining(t *testing.T) {
	const decay = 0.75 // moves the averages far enough to measure, and is exact in float32
	for _, name := range arch.Names() {
		t.Run(name, func(t *testing.T) {
			file, err := golden.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			want := file.Training
			inner, err := gobackend.New("ops_sequential")
			if err != nil {
				t.Fatal(err)
			}
			backend := trainingBackend{inner}
			network, err := arch.New(name, arch.Options{Classes: want.Classes, DropoutKeep: 1, BatchNormDecay: decay})
			if err != nil {
				t.Fatal(err)
			}
			parameters, err := network.Parameters(backend)
			if err != nil {
				t.Fatal(err)
			}
			store, err := golden.Store(file.Salt, parameters)
			if err != nil {
				t.Fatal(err)
			}
			before := map[string][]float32{}
			for name, value := range golden.Parameters(file.Salt, parameters) {
				before[name] = tensors.MustCopyFlatData[float32](value)
			}
			exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
				scope.Store().SetTraining(images.Graph(), true)
				return network.Graph(scope, images).Logits
			})
			if err != nil {
				t.Fatal(err)
			}
			images := tensors.FromFlatDataAndDimensions(golden.Images(file.Salt, want.Image, want.Batch, want.Side), want.Batch, want.Side, want.Side, 3)
			results, err := exec.Exec(images)
			if err != nil {
				t.Fatal(err)
			}
			relative := golden.RelativeL2(tensors.MustCopyFlatData[float32](results[0]), slices.Concat(want.Logits...))
			tolerance := max(1e-3, 3*want.LogitsFloat32Error)
			t.Logf("logits: relative L2 error %.2g, PyTorch's float32 has %.2g", relative, want.LogitsFloat32Error)
			if !(relative <= tolerance) {
				t.Errorf("logits: relative L2 error %.3g, want at most %.3g", relative, tolerance)
			}
			// The moving statistics are decay * before + (1-decay) * batch.
			for _, layer := range slices.Sorted(maps.Keys(want.BatchStatisticsL2)) {
				for i, statistic := range []string{"moving_mean", "moving_variance"} {
					path := layer + "/BatchNorm/" + statistic
					after := tensors.MustCopyFlatData[float32](store.GetVariable("/" + path).MustValue())
					var squares float64
					for c, v := range after {
						batch := (float64(v) - decay*float64(before[path][c])) / (1 - decay)
						squares += batch * batch
					}
					if got, want := math.Sqrt(squares), want.BatchStatisticsL2[layer][i]; math.Abs(got-want) > 1e-3*want {
						t.Errorf("%s moved towards a statistic of L2 %g, want %g", path, got, want)
					}
				}
			}
		})
	}
}

// A trainingBackend gives GoMLX's go backend the batch normalisation that it
// lacks, from elementary operations.
type trainingBackend struct{ compute.Backend }

func (b trainingBackend) Builder(name string) compute.Builder {
	return trainingBuilder{b.Backend.Builder(name)}
}

type trainingBuilder struct{ compute.Builder }

func (b trainingBuilder) Main() compute.Function { return trainingFunction{b.Builder.Main()} }

type trainingFunction struct{ compute.Function }

func (f trainingFunction) BatchNormForTraining(operand, scale, offset compute.Value, epsilon float32, axis int) (normalized, mean, variance compute.Value, err error) {
	do := func(v compute.Value, e error) compute.Value {
		if err == nil {
			err = e
		}
		return v
	}
	shape, err := f.Shape(operand)
	if err != nil {
		return nil, nil, nil, err
	}
	var axes []int
	for i := range shape.Rank() {
		if i != axis {
			axes = append(axes, i)
		}
	}
	channels := shape.Dimensions[axis]
	constant := func(v float32) compute.Value {
		return do(f.Constant(slices.Repeat([]float32{v}, channels), channels))
	}
	broadcast := func(v compute.Value) compute.Value {
		return do(f.BroadcastInDim(v, shapes.Make(shape.DType, shape.Dimensions...), []int{axis}))
	}
	count := constant(float32(channels) / float32(shape.Size()))
	mean = do(f.Mul(do(f.ReduceSum(operand, axes...)), count))
	centred := do(f.Sub(operand, broadcast(mean)))
	variance = do(f.Mul(do(f.ReduceSum(do(f.Mul(centred, centred)), axes...)), count))
	inverse := do(f.Mul(scale, do(f.Rsqrt(do(f.Add(variance, constant(epsilon)))))))
	normalized = do(f.Add(do(f.Mul(centred, broadcast(inverse))), broadcast(offset)))
	return normalized, mean, variance, err
}
