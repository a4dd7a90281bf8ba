package export

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
)

// TestTransformInput opens a model that begins with torchvision's transform_input, which
// makes values in [-1,1] of images less ImageNet's mean, divided by its deviation: alone, the
// preprocessing is the network's, and beside a config.json, which speaks of the model's
// images, it is both.
func TestTransformInput(t *testing.T) {
	network, err := arch.New("inception_v3", arch.Options{AveragePoolCountsPadding: true, Classes: 7})
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := make([]weights.Source, len(parameters))
	for i, p := range parameters {
		sources[i] = weights.Source{Parameter: p, Values: func(dst []float32) error {
			for i := range dst {
				dst[i] = 1
			}
			return nil
		}}
	}
	p := recipe.Inception()
	m, err := model(network, sources, weights.Metadata{Preprocessing: &p}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.Metadata = nil // as of another program
	transformed(m)
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := onnx.Write(path, *m, false); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		config    string
		mean, std float64 // of the model's images; none where it is 0
	}{
		{config: ""},
		{`{"architecture": "inception_v3", "pretrained_cfg": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}`, -1, -1},
		{`{"architecture": "inception_v3", "pretrained_cfg": {"mean": [0.1, 0.1, 0.1], "std": [0.2, 0.2, 0.2]}}`, 0.1, 0.2},
	} {
		if c.config != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), weights.ConfigFile), []byte(c.config), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		checkpoint, err := weights.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_, card, err := checkpoint.Identify(weights.Hint{})
		if err := checkpoint.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, mean := range []float64{0.485, 0.456, 0.406} {
			deviation := []float64{0.229, 0.224, 0.225}[i]
			for _, x := range []float64{0, 0.3, 1} {
				want := 2*x - 1 // which images of ImageNet's mean and deviation are made
				if c.std > 0 {
					want = (x-c.mean)/c.std*(deviation/0.5) + (mean-0.5)/0.5
				}
				got := (x - float64(card.Preprocessing.Mean[i])) / float64(card.Preprocessing.Std[i])
				if math.Abs(got-want) > 1e-5*max(1, math.Abs(want)) {
					t.Errorf("config %q: %g of channel %d becomes %g, want %g", c.config, x, i, got, want)
				}
			}
		}
	}
}

// transformed puts transform_input before a model: each channel apart, times a number plus
// another.
func transformed(m *onnx.Model) {
	const images = "transformed"
	for i, o := range m.Operations {
		for j, name := range o.Inputs {
			if name == m.Inputs[0].Name {
				m.Operations[i].Inputs[j] = images
			}
		}
	}
	var operations []onnx.Operation
	operation := func(operator, out string, in []string, attributes ...onnx.Attribute) string {
		operations = append(operations, onnx.Operation{Operator: operator, Name: out, Inputs: in, Outputs: []string{out}, Attributes: attributes})
		return out
	}
	number := func(name string, v float64) string {
		m.Constants = append(m.Constants, onnx.Constant{Name: name, Type: onnx.Float32, Values: func(dst []float32) error { dst[0] = float32(v); return nil }})
		return name
	}
	var channels []string
	for i, mean := range []float64{0.485, 0.456, 0.406} {
		deviation := []float64{0.229, 0.224, 0.225}[i]
		name := func(of string) string { return fmt.Sprintf("%s_%d", of, i) }
		x := operation("Slice", name("channel"), []string{m.Inputs[0].Name}, onnx.Ints("starts", i), onnx.Ints("ends", i+1), onnx.Ints("axes", 1))
		x = operation("Mul", name("scaled"), []string{x, number(name("scale"), deviation/0.5)})
		channels = append(channels, operation("Add", name("moved"), []string{x, number(name("offset"), (mean-0.5)/0.5)}))
	}
	operation("Concat", images, channels, onnx.Int("axis", 1))
	m.Operations = append(operations, m.Operations...)
}
