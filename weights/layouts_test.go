package weights_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/keras/model"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A foreign network is one of another library: its names and shapes, what it computed with
// generated values, and its description where the library has one
// (testdata/make_layouts.py).
type foreign struct {
	Side      int               `json:"side"`
	Variables map[string][2]any `json:"variables"`
	Output    []float64         `json:"output"`
	Config    json.RawMessage   `json:"config"`
}

func foreignNetworks(t testing.TB, kind string) (how string, networks map[string]foreign) {
	t.Helper()
	file, err := os.Open("testdata/layouts_" + kind + ".json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		How      string             `json:"how"`
		Networks map[string]foreign `json:"networks"`
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all.How, all.Networks
}

// described is a file that carries Keras' description of its model.
type described struct {
	memory
	config []byte
}

func (d described) Graph() (*tensorfile.Graph, error) { return model.Parse(d.config, d.memory) }

// foreignFile is a network's values in memory. Kernels of PyTorch have outputs first.
func foreignFile(f foreign, outputsFirst bool) memory {
	var file memory
	for name, v := range f.Variables {
		shape := []int{}
		for _, n := range v[1].([]any) {
			shape = append(shape, int(n.(float64)))
		}
		file = append(file, tensorfile.Tensor{Name: name, DType: v[0].(string), Shape: shape, Values: func(dst []float32) error {
			fan := 1
			inputs := shape[:max(0, len(shape)-1)]
			if outputsFirst {
				inputs = shape[min(1, len(shape)):]
			}
			for _, n := range inputs {
				fan *= n
			}
			lo, hi := -0.1, 0.1
			ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
			switch {
			case len(shape) == 4:
				hi = math.Sqrt(6 / float64(fan))
				lo = -hi
			case len(shape) == 2:
				hi = 0.1 * math.Sqrt(3/float64(fan))
				lo = -hi
			case ends("var"), ends("variance"), ends("gamma"), ends("bn.weight"):
				lo, hi = 0.5, 1.5
			}
			values := make([]float64, len(dst))
			golden.Uniform("layout:"+name, values)
			for i, v := range values {
				dst[i] = float32(lo + (hi-lo)*v)
			}
			return nil
		}})
	}
	slices.SortFunc(file, func(a, b tensorfile.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return file
}

// TestLayouts compares the outputs of other libraries' networks, whose layouts are found
// without being told.
func TestLayouts(t *testing.T) {
	layouts := map[string]weights.Layout{
		"timm/inception_v3": weights.Timm, "timm/inception_v4": weights.Timm, "timm/inception_resnet_v2": weights.Timm, "torchvision/inception_v3": weights.Timm,
		"cadene/inception_v4": weights.Timm, "cadene/inception_resnet_v2": weights.Cadene, "facenet-pytorch/inception_resnet_v1": weights.Facenet,
	}
	for _, kind := range []string{"torch", "keras"} {
		how, networks := foreignNetworks(t, kind)
		t.Log(how)
		for name, f := range networks {
			library, _, _ := strings.Cut(name, "/")
			t.Run(name, func(t *testing.T) {
				values := foreignFile(f, kind == "torch")
				var file tensorfile.File = values
				if library == "head" { // others by their names alone
					file = described{values, f.Config}
				}
				c, err := weights.OfFile(name, file)
				if err != nil {
					t.Fatal(err)
				}
				want, ok := layouts[name]
				if !ok {
					want = weights.Keras
				}
				if c.Layout != want {
					t.Errorf("the layout is found to be %s, want %s", c.Layout, want)
				}
				network, _, err := c.Identify(weights.Hint{Background: true})
				if err != nil {
					t.Fatal(err)
				}
				if byGraph := c.Layout == weights.ByGraph; byGraph != (library == "head") {
					t.Errorf("the layout is %s", c.Layout)
				}
				if network.Options().Classes != len(f.Output) {
					t.Fatalf("%s has %d outputs, want %d", network.Name(), network.Options().Classes, len(f.Output))
				}
				parameters, err := network.Parameters()
				if err != nil {
					t.Fatal(err)
				}
				found, err := c.Match(parameters)
				if err != nil {
					t.Fatal(err)
				}
				got := output(t, network, found, images(name, f.Side), f.Side, "Logits")
				if network.Options().Multilabel() {
					for i, v := range got {
						got[i] = float32(1 / (1 + math.Exp(-float64(v))))
					}
				}
				if name == "head/functional_softmax" {
					got = softmaxOf(got)
				}
				worst, sum, squares := 0.0, 0.0, 0.0
				for i, w := range f.Output {
					worst = max(worst, math.Abs(float64(got[i])-w))
					sum, squares = sum+w, squares+w*w
				}
				n := float64(len(f.Output))
				deviation := math.Sqrt(squares/n - sum/n*sum/n)
				if n == 1 {
					deviation = math.Abs(sum)
				}
				head, _ := json.Marshal(network.Options().Head)
				t.Logf("%s: %s by layout %s, largest difference %.2g, %.2g of the outputs' deviation; head %s", name, network.Name(), c.Layout, worst, worst/deviation, head)
				if embedding := 1e-5; network.Options().Head != nil && network.Options().Head.Output == arch.OutputEmbedding && !(worst <= embedding) {
					t.Errorf("an embedding differs by %g, at most %g is expected", worst, embedding)
				}
				if !(worst <= 1e-4*deviation) {
					t.Errorf("an output differs by %g, the deviation is %g", worst, deviation)
				}
			})
		}
	}
}

// images are what the network is given: some descriptions divide by 127.5 and take one off.
func images(name string, side int) []float32 {
	pixels := golden.Images("", "input", 1, side)
	if name == "head/sequential_sigmoid" {
		for i, v := range pixels {
			pixels[i] = v/127.5 - 1
		}
	}
	return pixels
}

func softmaxOf(logits []float32) []float32 {
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	shares := make([]float32, len(logits))
	for i, v := range logits {
		shares[i] = float32(math.Exp(float64(v)) / sum)
	}
	return shares
}
