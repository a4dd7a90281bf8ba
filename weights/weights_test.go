package weights_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// small keeps the files of a test at a few megabytes.
var small = arch.Options{Classes: 10, Width: 0.125}

func parametersOf(t testing.TB, name string, o arch.Options) []arch.Parameter {
	t.Helper()
	network, err := arch.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	return parameters
}

func write(t testing.TB, layout weights.Layout, m weights.Metadata, sources []weights.Source) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := weights.Write(path, layout, m, sources); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) *weights.Checkpoint {
	t.Helper()
	c, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestTimmNames compares with every name of timm's three networks, as its
// published files have them.
func TestTimmNames(t *testing.T) {
	data, err := os.ReadFile("testdata/timm_names.json")
	if err != nil {
		t.Fatal(err)
	}
	var networks map[string]map[string]string
	if err := json.Unmarshal(data, &networks); err != nil {
		t.Fatal(err)
	}
	for name, pairs := range networks {
		parameters := parametersOf(t, name, small)
		if len(parameters) != len(pairs) {
			t.Errorf("%s: %d parameters, want %d", name, len(parameters), len(pairs))
		}
		file := open(t, write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parameters)))
		wrong := 0
		for _, p := range parameters {
			want, ok := pairs[p.Name]
			if !ok {
				t.Errorf("%s: parameter %s is not in the list", name, p.Name)
				continue
			}
			if _, ok := file.Tensor(want); !ok {
				wrong++
				t.Errorf("%s: %s is not written as %s", name, p.Name, want)
			}
		}
		t.Logf("%s: %d names, %d wrong", name, len(parameters), wrong)
	}
}

func TestTimmAuxiliaryHead(t *testing.T) {
	parameters := parametersOf(t, "inception_v3", arch.Options{Classes: 10, Width: 0.125, AuxiliaryHead: true})
	file := open(t, write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parameters)))
	for _, name := range []string{"AuxLogits.conv0.conv.weight", "AuxLogits.conv0.bn.running_mean", "AuxLogits.conv1.conv.weight", "AuxLogits.fc.weight", "AuxLogits.fc.bias"} {
		if _, ok := file.Tensor(name); !ok {
			t.Errorf("no tensor %s", name)
		}
	}
	if head, _ := file.Tensor("AuxLogits.fc.weight"); !slices.Equal(head.Shape, []int{10, 96}) {
		t.Errorf("AuxLogits.fc.weight is %v", head.Shape)
	}
}

// TestTimmAxes checks a convolution and the logits element by element.
func TestTimmAxes(t *testing.T) {
	parameters := parametersOf(t, "inception_v4", small)
	c := open(t, write(t, weights.Timm, weights.Metadata{}, golden.Sources("", parameters)))
	for name, native := range map[string]string{
		"features.4.branch1.1.conv.weight": "InceptionV4/Mixed_4a/Branch_1/Conv2d_0b_1x7/weights",
		"last_linear.weight":               "InceptionV4/Logits/Logits/weights",
	} {
		i := slices.IndexFunc(parameters, func(p arch.Parameter) bool { return p.Name == native })
		values := make([]float32, parameters[i].Size())
		if err := golden.Sources("", parameters)[i].Values(values); err != nil {
			t.Fatal(err)
		}
		tensor, _ := c.Tensor(name)
		got := make([]float32, tensor.Elements())
		if err := tensor.Values(got); err != nil {
			t.Fatal(err)
		}
		shape := parameters[i].Shape // H, W, I, O or I, O
		if len(shape) == 2 {
			shape = []int{1, 1, shape[0], shape[1]}
		}
		for h := range shape[0] {
			for w := range shape[1] {
				for in := range shape[2] {
					for out := range shape[3] {
						want := values[((h*shape[1]+w)*shape[2]+in)*shape[3]+out]
						if g := got[((out*shape[2]+in)*shape[0]+h)*shape[1]+w]; g != want {
							t.Fatalf("%s [%d %d %d %d] is %g, want %g", name, out, in, h, w, g, want)
						}
					}
				}
			}
		}
	}
}

// TestRoundTrip writes generated parameters in timm's layout, reads and rewrites
// them natively, and back: the last file equals the first byte for byte.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"inception_v3", "inception_v4", "inception_resnet_v2"} {
		parameters := parametersOf(t, name, small)
		m := weights.Metadata{Network: name, Options: small}
		first := write(t, weights.Timm, m, golden.Sources("", parameters))
		native := convert(t, first, weights.Native, m, parameters)
		sources := golden.Sources("", parameters)
		for i, tensor := range match(t, native, parameters) {
			want, got := make([]float32, tensor.Size()), make([]float32, tensor.Size())
			if err := sources[i].Values(want); err != nil {
				t.Fatal(err)
			}
			if err := tensor.Read(got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s differs from what was generated", tensor.Name)
			}
		}
		last := convert(t, native, weights.Timm, m, parameters)
		a, _ := os.ReadFile(first)
		b, _ := os.ReadFile(last)
		if len(a) == 0 || !slices.Equal(a, b) {
			t.Errorf("%s: the file of %d bytes came back as another of %d bytes", name, len(a), len(b))
		}
	}
}

func match(t *testing.T, path string, parameters []arch.Parameter) []weights.Tensor {
	t.Helper()
	found, err := open(t, path).Match(parameters)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func convert(t *testing.T, path string, layout weights.Layout, m weights.Metadata, parameters []arch.Parameter) string {
	t.Helper()
	return write(t, layout, m, weights.Sources(match(t, path, parameters)))
}

// TestBackground reads files that have the background class before the 1000.
func TestBackground(t *testing.T) {
	with := parametersOf(t, "inception_v4", arch.Options{Classes: 1001, Width: 0.125})
	without := parametersOf(t, "inception_v4", arch.Options{Classes: 1000, Width: 0.125})
	sources := golden.Sources("", with)
	for _, layout := range []weights.Layout{weights.Native, weights.Timm} {
		found := match(t, write(t, layout, weights.Metadata{}, sources), without)
		n := len(found)
		for i, tensor := range found[n-2:] {
			all := make([]float32, with[n-2+i].Size())
			if err := sources[n-2+i].Values(all); err != nil {
				t.Fatal(err)
			}
			got := make([]float32, tensor.Size())
			if err := tensor.Read(got); err != nil {
				t.Fatal(err)
			}
			for at, v := range got {
				row, class := at/1000, at%1000
				if want := all[row*1001+class+1]; v != want {
					t.Fatalf("%s layout: %s element %d is %g, want %g", layout, tensor.Name, at, v, want)
				}
			}
		}
	}
}

// TestMismatch checks that nothing missing, misshapen or unused goes unnoticed,
// and what may be left out.
func TestMismatch(t *testing.T) {
	parameters := parametersOf(t, "inception_resnet_v1", small)
	sources := golden.Sources("", parameters)

	lacking := open(t, write(t, weights.Native, weights.Metadata{}, sources[7:]))
	_, err := lacking.Match(parameters)
	wanted.Error(t, err, lacking.Path, "InceptionResnetV1", "7 missing (InceptionResnetV1/Conv2d_1a_3x3/weights, ", ", ...)")

	_, err = open(t, write(t, weights.Native, weights.Metadata{}, sources)).Match(parameters[2:])
	wanted.Error(t, err, "2 unexpected (InceptionResnetV1/Conv2d_1a_3x3/")

	wide := parametersOf(t, "inception_resnet_v1", arch.Options{Classes: 11, Width: 0.125})
	_, err = open(t, write(t, weights.Native, weights.Metadata{}, sources)).Match(wide)
	wanted.Error(t, err, "2 of another shape or type (InceptionResnetV1/Logits/weights (expected [224 11], found [224 10])")

	withHead := parametersOf(t, "inception_v3", arch.Options{Classes: 10, Width: 0.125, AuxiliaryHead: true})
	file := write(t, weights.Timm, weights.Metadata{}, golden.Sources("", withHead))
	withCounters := addCounters(t, file)
	if _, err := open(t, withCounters).Match(parametersOf(t, "inception_v3", small)); err != nil {
		t.Errorf("an auxiliary head and batch counters should be left out: %v", err)
	}
	if _, err := open(t, withCounters).Match(withHead); err != nil {
		t.Errorf("an auxiliary head should be found: %v", err)
	}
}

// addCounters rewrites a file with one of PyTorch's batch counters.
func addCounters(t *testing.T, path string) string {
	t.Helper()
	var outputs []tensorfile.Tensor
	for _, tensor := range open(t, path).File().Tensors() {
		outputs = append(outputs, tensorfile.Tensor{Name: tensor.Name, Shape: tensor.Shape, Values: tensor.Values})
	}
	outputs = append(outputs, tensorfile.Tensor{Name: "Conv2d_1a_3x3.bn.num_batches_tracked", Shape: []int{1}, Values: func(dst []float32) error { return nil }})
	out := filepath.Join(t.TempDir(), "counters.safetensors")
	if err := safetensors.Write(out, nil, outputs); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTimmLayoutOfOtherNetworks(t *testing.T) {
	for _, name := range []string{"inception_resnet_v1", "inception_resnet_v2_paper"} {
		path := filepath.Join(t.TempDir(), "model.safetensors")
		err := weights.Write(path, weights.Timm, weights.Metadata{}, golden.Sources("", parametersOf(t, name, small)))
		wanted.Error(t, err, path, name, "inception_v3, inception_v4 and inception_resnet_v2")
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was written", path)
		}
	}
}

// TestMetadata checks that what is written is read.
func TestMetadata(t *testing.T) {
	want := weights.Metadata{
		Network:       "inception_v4",
		Options:       small,
		Tag:           "timm/inception_v4.tf_in1k",
		Preprocessing: &vision.Preprocessing{Size: 299, Crop: 0.9, Interpolation: vision.Bilinear, Mean: [3]float32{0.1, 0.2, 0.3}, Std: [3]float32{0.4, 0.5, 0.6}, Alpha: vision.AlphaDrop},
		Labels:        []recipe.Label{{Synset: "n1", Name: "one, \"quoted\""}, {Name: "zwei"}},
	}
	c := open(t, write(t, weights.Native, want, golden.Sources("", parametersOf(t, "inception_v4", small))))
	if !reflect.DeepEqual(c.Metadata, want) {
		t.Errorf("read %+v, want %+v", c.Metadata, want)
	}
	network, card, err := c.Identify(weights.Hint{})
	if err != nil {
		t.Fatal(err)
	}
	if network.Options().Width != small.Width || network.Options().Classes != 10 || card.Preprocessing != *want.Preprocessing || card.Tag != want.Tag {
		t.Errorf("identified as %+v with %+v", network.Options(), card)
	}
	_, _, err = c.Identify(weights.Hint{Network: "inception_v3"})
	wanted.Error(t, err, c.Path, "inception_v4", "not of inception_v3")
}

// TestIdentify recognises files that say nothing of themselves by their names.
func TestIdentify(t *testing.T) {
	zeros := func(name string, o arch.Options) []weights.Source {
		var sources []weights.Source
		for _, p := range parametersOf(t, name, o) {
			sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error { return nil }})
		}
		return sources
	}
	for _, name := range arch.Names() {
		for _, layout := range []weights.Layout{weights.Native, weights.Timm} {
			sources := zeros(name, arch.Options{Classes: 7, Width: 0.125})
			path := filepath.Join(t.TempDir(), fmt.Sprintf("%s.%s", name, layout))
			if err := weights.Write(path, layout, weights.Metadata{}, sources); err != nil {
				continue // TestTimmLayoutOfOtherNetworks
			}
			network, card, err := open(t, path).Identify(weights.Hint{})
			if err != nil {
				t.Error(err)
				continue
			}
			if network.Name() != name || network.Options().Classes != 7 {
				t.Errorf("%s in the layout %s was taken for %s with %d classes", name, layout, network.Name(), network.Options().Classes)
			}
			if counts := name == "inception_v3" && layout == weights.Timm; network.Options().AveragePoolCountsPadding != counts {
				t.Errorf("%s in the layout %s: average pooling counts padding: %v, want %v", name, layout, !counts, counts)
			}
			if math.Abs(card.Preprocessing.Crop-map[bool]float64{true: 0.8975, false: 0.875}[name == "inception_resnet_v2"]) > 1e-9 {
				t.Errorf("%s has crop %g", name, card.Preprocessing.Crop)
			}
		}
	}
	v4 := open(t, write(t, weights.Native, weights.Metadata{}, zeros("inception_v4", small)))
	_, _, err := v4.Identify(weights.Hint{Network: "inception_resnet_v2"})
	wanted.Error(t, err, v4.Path, "does not hold the weights of inception_resnet_v2", "missing (InceptionResnetV2/Conv2d_1a_3x3/weights, ", "it holds those of inception_v4")
	_, _, err = v4.Identify(weights.Hint{Network: "inception_v9"})
	wanted.Error(t, err, `"inception_v9"`)
	half := open(t, write(t, weights.Native, weights.Metadata{}, zeros("inception_v4", small)[40:]))
	_, _, err = half.Identify(weights.Hint{})
	wanted.Error(t, err, "inception_v4", "40 missing", "comes nearest")

	for _, c := range []struct {
		options   arch.Options
		layout    weights.Layout
		headless  bool
		published bool
	}{
		{arch.Options{Classes: 1008}, weights.Timm, false, true},
		{arch.Options{Classes: 1008}, weights.Timm, true, true},
		{arch.Options{Classes: 1008, AuxiliaryHead: true}, weights.Timm, false, false},
		{arch.Options{Classes: 1008}, weights.Native, false, false},
		{arch.Options{Classes: 1007}, weights.Timm, false, false},
	} {
		c.options.Width = 0.125
		network, card, err := open(t, write(t, c.layout, weights.Metadata{}, zeros("inception_v3", c.options))).Identify(weights.Hint{Headless: c.headless})
		if err != nil {
			t.Error(err)
			continue
		}
		o := network.Options()
		if o.MaxPoolLastBlock != c.published || o.AveragePoolCountsPadding == (c.published || c.layout == weights.Native) || (card.Preprocessing.Fit == vision.FitSquash) != c.published {
			t.Errorf("%+v in the layout %s: %+v with %+v", c.options, c.layout, o, card.Preprocessing)
		}
	}

	withHead := arch.Options{Classes: 7, Width: 0.125, AuxiliaryHead: true}
	for _, keep := range []bool{true, false} {
		c := open(t, write(t, weights.Timm, weights.Metadata{}, zeros("inception_v3", withHead)))
		network, _, err := c.Identify(weights.Hint{AuxiliaryHead: keep})
		if err != nil {
			t.Error(err)
		} else if network.Options().AuxiliaryHead != keep || network.Options().Classes != 7 {
			t.Errorf("with the hint %v the network has an auxiliary head: %v, and %d classes", keep, network.Options().AuxiliaryHead, network.Options().Classes)
		}
	}
}

func TestParseLayout(t *testing.T) {
	if l, err := weights.ParseLayout("timm"); l != weights.Timm || err != nil {
		t.Error(l, err)
	}
	_, err := weights.ParseLayout("mxnet")
	wanted.Error(t, err, `"mxnet"`, `"native"`, `"timm"`)
}
