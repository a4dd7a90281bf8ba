package weights

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/keras"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestKerasOrder compares with the order of Keras' own networks
// (testdata/make_keras_order.py).
func TestKerasOrder(t *testing.T) {
	data, err := os.ReadFile("testdata/keras_order.json")
	if err != nil {
		t.Fatal(err)
	}
	var networks map[string]map[string][]string
	if err := json.Unmarshal(data, &networks); err != nil {
		t.Fatal(err)
	}
	// Keras' numbers begin with none, those here with 1.
	fromOne := func(names []string) (all []string) {
		for _, name := range names {
			for _, kind := range []string{"conv2d", "batch_normalization"} {
				if n, ok := countOf(name, kind); ok {
					name = kind + "_" + strconv.Itoa(n+1)
					break
				}
			}
			all = append(all, name)
		}
		return all
	}
	for name, want := range networks {
		network, err := arch.New(name, arch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		parameters, err := network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		convolutions, norms, err := kerasLayers(parameters)
		if err != nil {
			t.Fatal(err)
		}
		if want := fromOne(want["Conv2D"]); !slices.Equal(convolutions, want) {
			t.Errorf("%s: convolutions %q, want %q", name, convolutions, want)
		}
		if want := fromOne(want["BatchNormalization"]); !slices.Equal(norms, want) {
			t.Errorf("%s: batch norms %q, want %q", name, norms, want)
		}
	}
}

// countedFile has its layers called by kind and count.
type countedFile []tensorfile.Tensor

func (c countedFile) Tensors() []tensorfile.Tensor { return slices.Clone(c) }
func (c countedFile) Metadata() map[string]string  { return map[string]string{keras.CountedKey: "true"} }
func (c countedFile) Size() int64                  { return 0 }
func (c countedFile) Close() error                 { return nil }

// TestKerasCounted finds the parameters of both networks in files that count layers.
func TestKerasCounted(t *testing.T) {
	for _, name := range []string{"inception_v3", "inception_resnet_v2"} {
		network, err := arch.New(name, arch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		parameters, err := network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		names, err := kerasNames(parameters)
		if err != nil {
			t.Fatal(err)
		}
		convolutions, norms, err := kerasLayers(parameters)
		if err != nil {
			t.Fatal(err)
		}
		var file countedFile
		for i, p := range parameters {
			layer, tensor, _ := kerasPath(names[i])
			if tensor == "gamma" {
				continue
			}
			stored := "dense"
			for kind, all := range map[string][]string{"conv2d": convolutions, "batch_normalization": norms} {
				if at := slices.Index(all, layer); at == 0 {
					stored = kind
				} else if at > 0 {
					stored = kind + "_" + strconv.Itoa(at)
				}
			}
			file = append(file, tensorfile.Tensor{Name: stored + "/" + tensor, Shape: p.Shape, Values: func(dst []float32) error {
				dst[0] = float32(i)
				return nil
			}})
		}
		c, err := OfFile(name, file)
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := c.Identify(Hint{})
		if err != nil {
			t.Fatal(err)
		}
		if found.Name() != name || found.Options().Classes != 1000 {
			t.Errorf("identified as %s with %d classes", found.Name(), found.Options().Classes)
		}
		tensors, err := c.Match(parameters)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range tensors {
			values := make([]float32, x.Size())
			if err := x.Read(values); err != nil {
				t.Fatal(err)
			}
			if x.source.Values != nil && values[0] != float32(i) {
				t.Errorf("%s is %s", x.Name, parameters[int(values[0])].Name)
			}
		}
		if c, err = OfFile(name, file[8:]); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Identify(Hint{}); err == nil {
			t.Error("a file that lacks layers is identified")
		}
	}
}
