package arch

import (
	"math"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// TestAveragePoolPadding averages ones: TensorFlow's average of the cells inside
// the image is one everywhere; with the padding counted a corner has 4 of 9 cells
// and an edge 6.
func TestAveragePoolPadding(t *testing.T) {
	for _, c := range []struct {
		counts       bool
		corner, edge float64
	}{{false, 1, 1}, {true, 4.0 / 9, 6.0 / 9}} {
		network, err := New("inception_v3", Options{AveragePoolCountsPadding: c.counts})
		if err != nil {
			t.Fatal(err)
		}
		exec, err := graph.NewExec1(gobackend.GetBackend(), func(x *graph.Node) *graph.Node {
			in := &value{node: x, shape: x.Shape().Dimensions, layer: imageInput}
			return newBuilder(network, model.NewStore().RootScope(), in).averagePool(in, "AvgPool_0a_3x3").node
		})
		if err != nil {
			t.Fatal(err)
		}
		ones := tensors.FromFlatDataAndDimensions([]float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 1, 3, 4, 1)
		result, err := exec.Call(ones)
		if err != nil {
			t.Fatal(err)
		}
		got := tensors.MustCopyFlatData[float32](result)
		for at, want := range map[int]float64{0: c.corner, 1: c.edge, 4: c.edge, 5: 1, 11: c.corner} {
			if math.Abs(float64(got[at])-want) > 1e-6 {
				t.Errorf("counting padding %v: element %d is %g, want %g", c.counts, at, got[at], want)
			}
		}
	}
}
