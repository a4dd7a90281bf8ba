package weights_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A release is a network as TensorFlow ran it: its variables, and the outputs.
type release struct {
	Side      int              `json:"side"`
	Variables map[string][]int `json:"variables"`
	Output    []float64        `json:"output"`
}

func releases(t testing.TB) map[string]release {
	t.Helper()
	data, err := os.ReadFile("testdata/slim_release.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Networks map[string]release `json:"networks"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all.Networks
}

// memory is a file of generated tensors.
type memory []tensorfile.Tensor

func (m memory) Tensors() []tensorfile.Tensor { return slices.Clone(m) }
func (m memory) Metadata() map[string]string  { return nil }
func (m memory) Size() int64                  { return 0 }
func (m memory) Close() error                 { return nil }

// releaseValues fills dst by the rule of slim_release.json.
func releaseValues(name string, shape []int, dst []float32) {
	fan := 1
	for _, n := range shape[:max(0, len(shape)-1)] {
		fan *= n
	}
	lo, hi := -0.1, 0.1
	switch {
	case strings.HasSuffix(name, "weights") && len(shape) == 4:
		hi = math.Sqrt(6 / float64(fan))
		lo = -hi
	case strings.HasSuffix(name, "weights"):
		hi = 0.1 * math.Sqrt(3/float64(fan))
		lo = -hi
	case strings.HasSuffix(name, "moving_variance"), strings.HasSuffix(name, "gamma"):
		lo, hi = 0.5, 1.5
	}
	values := make([]float64, len(dst))
	golden.Uniform("slim:"+name, values)
	for i, v := range values {
		dst[i] = float32(lo + (hi-lo)*v)
	}
}

// TestRelease takes the networks as TF-slim and facenet released them, in memory, and
// compares with what TensorFlow computed.
func TestRelease(t *testing.T) {
	for name, r := range releases(t) {
		t.Run(name, func(t *testing.T) {
			file := memory{{Name: "global_step", DType: "int64", Shape: []int{}}}
			for variable, shape := range r.Variables {
				file = append(file, tensorfile.Tensor{Name: variable, DType: "float32", Shape: shape, Values: func(dst []float32) error {
					releaseValues(variable, shape, dst)
					return nil
				}})
			}
			// What training leaves beside the weights.
			conv := slices.IndexFunc(file, func(x tensorfile.Tensor) bool { return strings.HasSuffix(x.Name, "Conv2d_1a_3x3/weights") })
			for _, slot := range []string{"/RMSProp", "/RMSProp_1", "/Momentum"} {
				x := file[conv]
				x.Name += slot
				file = append(file, x)
			}
			c, err := weights.OfFile(name, file)
			if err != nil {
				t.Fatal(err)
			}
			compareRelease(t, c, name, r)
		})
	}
}

// TestReleaseFiles does so with checkpoints of both versions that TensorFlow wrote of the
// same values, NETWORK_v1.ckpt and NETWORK_v2.ckpt.* in a folder, and with what is written of
// these here, which is TF-slim's again, and the network's own.
func TestReleaseFiles(t *testing.T) {
	folder := formatFiles(t)
	for name, r := range releases(t) {
		for _, file := range []string{name + "_v1.ckpt", name + "_v2.ckpt.index"} {
			path := filepath.Join(folder, file)
			if _, err := os.Stat(path); err != nil {
				t.Logf("not tested: %v", err)
				continue
			}
			t.Run(file, func(t *testing.T) { compareRelease(t, open(t, path), name, r) })
			for _, written := range []string{"written.ckpt", "written.safetensors"} {
				t.Run(file+" as "+written, func(t *testing.T) {
					to := filepath.Join(t.TempDir(), written)
					if _, err := weights.Convert(t.Context(), path, to, "", weights.Hint{Background: true, AuxiliaryHead: true}); err != nil {
						t.Fatal(err)
					}
					compareRelease(t, open(t, to), name, r)
				})
			}
		}
	}
}

// compareRelease runs the network of a file.
func compareRelease(t *testing.T, c *weights.Checkpoint, name string, r release) {
	t.Helper()
	networks := map[string]string{"inception_v3": "inception_v3", "inception_v4": "inception_v4", "inception_resnet_v2": "inception_resnet_v2", "facenet": "inception_resnet_v1"}
	network, _, err := c.Identify(weights.Hint{Background: true})
	if err != nil {
		t.Fatal(err)
	}
	if network.Name() != networks[name] || network.Options().Classes != len(r.Output) {
		t.Fatalf("identified as %s with %d outputs", network.Name(), network.Options().Classes)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Match(parameters)
	if err != nil {
		t.Fatal(err)
	}
	endPoint := "Logits"
	if name == "facenet" {
		endPoint = "PreLogits" // before its length is divided away
	}
	got := output(t, network, found, golden.Images("", "input", 1, r.Side), r.Side, endPoint)
	worst, sum, squares := 0.0, 0.0, 0.0
	for i, want := range r.Output {
		worst = max(worst, math.Abs(float64(got[i])-want))
		sum, squares = sum+want, squares+want*want
	}
	n := float64(len(r.Output))
	deviation := math.Sqrt(squares/n - sum/n*sum/n)
	t.Logf("%s: %s, layout %s, %d outputs, largest difference %.2g of their deviation", name, c.Format.Name, c.Layout, len(got), worst/deviation)
	if !(worst <= 1e-4*deviation) {
		t.Errorf("an output differs by %g, the deviation is %g", worst, deviation)
	}
}

// output runs a network with the weights of a file.
func output(t *testing.T, network *arch.Network, found []weights.Tensor, images []float32, side int, endPoint string) []float32 {
	t.Helper()
	backend := cpubackend.New(t)
	store := model.NewStore()
	for _, x := range found {
		values := make([]float32, x.Size())
		if err := x.Read(values); err != nil {
			t.Fatal(err)
		}
		if _, err := store.CreateVariable(x.Name, tensors.FromFlatDataAndDimensions(values, x.Shape...)); err != nil {
			t.Fatal(err)
		}
	}
	device.Place(backend, store)
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node {
		node, err := network.Graph(scope, images).EndPoint(endPoint)
		if err != nil {
			panic(err)
		}
		return node
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := exec.Exec(tensors.FromFlatDataAndDimensions(images, len(images)/(side*side*3), side, side, 3))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](results[0])
}
