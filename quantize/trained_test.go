package quantize_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// shared is a file or folder beside the project, which a test is skipped without.
func shared(t *testing.T, variable, otherwise string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join("../../shared", otherwise)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("there is no %s; name its place in %s", path, variable)
	}
	return path
}

// A trained network is an Inception-v3 that was trained on photographs, with a head of its
// own behind the pooled features. Its layers are numbered in the order of their use.
type trained struct {
	*quantize.Model
	head []dense
}

type dense struct {
	weights, biases []float32
	rectified       bool
}

// openTrained reads a layers model of TensorFlow.js, whose values are bytes with a scale.
func openTrained(t *testing.T, folder string) *trained {
	t.Helper()
	var file struct {
		WeightsManifest []struct {
			Paths   []string
			Weights []struct {
				Name         string
				Shape        []int
				Quantization struct{ Min, Scale float64 }
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, "model.json"))
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	manifest := file.WeightsManifest[0]
	var raw []byte
	for _, path := range manifest.Paths {
		part, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, part...)
	}
	found := map[string][]float32{}
	for _, w := range manifest.Weights {
		values := make([]float32, tensorSize(w.Shape))
		for i := range values {
			values[i] = float32(raw[i])*float32(w.Quantization.Scale) + float32(w.Quantization.Min)
		}
		raw, found[w.Name] = raw[len(values):], values
	}
	network, err := arch.New("inception_v3", arch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	values, layer := map[string][]float32{}, 0
	for _, p := range parameters {
		leaf := p.Name[strings.LastIndexByte(p.Name, '/')+1:]
		switch {
		case strings.Contains(p.Name, "/Logits/"):
			values[p.Name] = make([]float32, p.Size())
		case leaf == "weights":
			layer++
			values[p.Name] = found[fmt.Sprintf("conv2d_%d/kernel", layer)]
		case leaf == "gamma":
			values[p.Name] = slices.Repeat([]float32{1}, p.Size())
		default:
			values[p.Name] = found[fmt.Sprintf("batch_normalization_%d/%s", layer, leaf)]
		}
	}
	m, err := quantize.New(network, values, weights.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	n := &trained{Model: m}
	for i := range 3 {
		name := fmt.Sprintf("dense_%d/", i+1)
		n.head = append(n.head, dense{found[name+"kernel"], found[name+"bias"], i < 2})
	}
	return n
}

func tensorSize(shape []int) int {
	size := 1
	for _, n := range shape {
		size *= n
	}
	return size
}

// logits are those of pooled features.
func (n *trained) logits(features []float32) []float32 {
	x := features
	for _, layer := range n.head {
		y := slices.Clone(layer.biases)
		for i, v := range x {
			for j := range y {
				y[j] += v * layer.weights[i*len(y)+j]
			}
		}
		if layer.rectified {
			for j := range y {
				y[j] = max(y[j], 0)
			}
		}
		x = y
	}
	return x
}

const side = 299

// squashed returns a photograph as the network takes it: without its aspect ratio, in [0,1].
func squashed(t *testing.T, data []byte) []float32 {
	t.Helper()
	image, err := vision.Decode(data, vision.DecodeOptions{})
	if err == nil {
		image, err = vision.Resize(image, side, side, vision.Bilinear)
	}
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]float32, len(image.Pix))
	for i, v := range image.Pix {
		pixels[i] = float32(v) / 255
	}
	return pixels
}

// features are the pooled ones of each image.
func features(t *testing.T, backend compute.Backend, network *arch.Network, value func(arch.Parameter) *tensors.Tensor, images [][]float32) [][]float32 {
	t.Helper()
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	defer store.Finalize()
	device.Place(backend, store)
	for _, p := range parameters {
		if _, err := store.CreateVariable(p.Name, value(p)); err != nil {
			t.Fatal(err)
		}
	}
	shape := shapes.Make(dtypes.Float32, 1, side, side, 3)
	program, err := device.Compile(backend, store, network.Name(), func(scope *model.Scope, g *graph.Graph) []*graph.Node {
		return []*graph.Node{network.Graph(scope, graph.Parameter(g, "images", shape)).EndPoints["PreLogits"]}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	all := make([][]float32, len(images))
	for i, pixels := range images {
		image, err := backend.BufferFromFlatData(0, pixels, shape)
		if err != nil {
			t.Fatal(err)
		}
		outputs, err := program.Run(image)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = make([]float32, program.Executable().Outputs()[0].Size())
		if err := outputs[0].ToFlatData(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

func best(values []float32) int { return slices.Index(values, slices.Max(values)) }

// calibration yields photographs of a set, spread evenly from the one at first on.
func calibration(t *testing.T, set *dataset.Set, first, count int) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for i := range count {
			data, err := set.Read((first + i*set.Len()/count) % set.Len())
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(squashed(t, data), nil) {
				return
			}
		}
	}
}

// TestTrained compares the pooled features, and the classes of the head on them, of a
// trained network in bfloat16 and int8 with those in float32. The ranges are those that are
// chosen on clothes like those of the calibration; the photographs compared are unlike them.
func TestTrained(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates a whole network; leave out -short")
	}
	n := openTrained(t, shared(t, "INCEPTION_TRAINED", "models/nsfw_inception_v3"))
	photos, _, err := dataset.Images(context.Background(), shared(t, "INCEPTION_PHOTOS", "photos"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(context.Background(), shared(t, "INCEPTION_CALIBRATION", "data/clothing-small.tar"), dataset.Options{Split: "train"})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var images [][]float32
	for _, photo := range photos {
		data, err := os.ReadFile(photo)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, squashed(t, data))
	}
	backend := cpubackend.New(t)
	float := func(p arch.Parameter) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(n.Values[p.Name], p.Shape...)
	}
	want := features(t, backend, n.Network, float, images)
	compare := func(precision arch.Precision, got [][]float32, least float64) {
		lowest, mean := 1.0, 0.0
		for i := range got {
			c := cosine(got[i], want[i])
			lowest, mean = min(lowest, c), mean+c/float64(len(got))
			if a, b := best(n.logits(got[i])), best(n.logits(want[i])); a != b {
				t.Errorf("%s: %s is of class %d, in float32 of %d", precision, filepath.Base(photos[i]), a, b)
			}
		}
		t.Logf("%s: cosine at least %.6f, on average %.6f", precision, lowest, mean)
		if !(lowest >= least) {
			t.Errorf("%s: cosine %.6f, want at least %g", precision, lowest, least)
		}
	}

	o := n.Network.Options()
	o.Precision = arch.BFloat16
	mixed, err := arch.New(n.Network.Name(), o)
	if err != nil {
		t.Fatal(err)
	}
	compare(arch.BFloat16, features(t, backend, mixed, float, images), 0.9995)

	const calibrating = 40
	statistics, err := n.Observe(context.Background(), backend, side, calibration(t, set, 0, calibrating))
	if err != nil {
		t.Fatal(err)
	}
	var heldOut [][]float32
	for part := 1; len(heldOut) < quantize.LeastToChoose; part++ {
		for pixels, err := range calibration(t, set, part*set.Len()/calibrating/3, calibrating) { // between those above
			if err != nil {
				t.Fatal(err)
			}
			heldOut = append(heldOut, pixels)
		}
	}
	outputs := func(network *arch.Network, value func(arch.Parameter) *tensors.Tensor) *quantize.Outputs {
		o := &quantize.Outputs{}
		for _, x := range features(t, backend, network, value, heldOut) {
			o.Logits, o.Classes = append(o.Logits, n.logits(x)), append(o.Classes, -1)
		}
		return o
	}
	original := outputs(n.Network, float)
	taken, trials, err := quantize.Choose(quantize.Options{}, func(o quantize.Options) (*quantize.Comparison, error) {
		q, err := n.Quantize(statistics, o)
		if err != nil {
			return nil, err
		}
		return quantize.Compare(original, outputs(q.Network, q.Value))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range trials {
		t.Logf("on held-out clothes, ranges by %s, headroom %g: %+v", trial.Ranges, trial.Headroom, *trial.Comparison)
	}
	if len(trials) != 1 {
		t.Errorf("%d ranges were tried, want the default alone, which is best for photographs that are no clothes", len(trials))
	}
	q, err := n.Quantize(statistics, taken)
	if err != nil {
		t.Fatal(err)
	}
	compare(arch.Int8, features(t, backend, q.Network, q.Value, images), 0.99)
}
