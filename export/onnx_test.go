package export_test

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/export"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// whole is the environment variable that makes TestRuntime run the five networks as
// published, on images of 299 x 299, which takes a minute and 2 GB of memory.
const whole = "INCEPTION_EXPORT_WHOLE"

// side is small for the tests to be quick.
const side = 75

// A variant is a network as it is exported.
type variant struct {
	name    string
	network string
	options arch.Options
	export  export.Options
	side    int // of the images; the constant when zero
}

func (v variant) size() int { return cmp.Or(v.side, side) }

// narrow keeps the tests quick: an eighth of the channels, and two blocks of each kind.
func narrow(o arch.Options) arch.Options {
	o.Width, o.Classes, o.Blocks = 0.125, 7, []int{2, 2, 2}
	return o
}

func variants() []variant {
	hidden := &arch.Head{Pooling: arch.PoolMax, Output: arch.OutputSigmoid, Hidden: []arch.HeadLayer{
		{Units: 12, BatchNorm: true, Activation: "swish"}, {DropoutKeep: 0.5, Units: 9, Activation: "tanh"}, {BatchNorm: true}, {Activation: "sigmoid"},
	}}
	facenet := arch.Facenet()
	facenet.Width, facenet.Blocks = 0.125, []int{1, 1, 1}
	all := []variant{
		{"auxiliary", "inception_v3", narrow(arch.Options{AuxiliaryHead: true, AveragePoolCountsPadding: true}), export.Options{}, 0},
		{"fid", "inception_v3", narrow(arch.Options{MaxPoolLastBlock: true}), export.Options{}, 0},
		{"fid int8", "inception_v3", narrow(arch.Options{MaxPoolLastBlock: true, Precision: arch.Int8}), export.Options{}, 0},
		{"hidden", "inception_v4", narrow(arch.Options{Head: hidden}), export.Options{Probabilities: true}, 0},
		{"features", "inception_resnet_v2", narrow(arch.Options{Head: &arch.Head{Output: arch.OutputFeatures}}), export.Options{}, 0},
		{"facenet", "inception_resnet_v1", facenet, export.Options{Pixels: true}, 0},
		{"pixels", "inception_v3", narrow(arch.Options{}), export.Options{Pixels: true, Probabilities: true, External: true}, 0},
	}
	for _, name := range arch.Names() {
		for _, p := range arch.Precisions() {
			o := narrow(arch.Options{Precision: p})
			all = append(all, variant{name + " " + string(p), name, o, export.Options{}, 0})
		}
	}
	return all
}

// limit is how far the values of the model may be from the network's, as a share of their
// deviation from 0. A value that is rounded to the other side changes how those that follow
// from it are rounded, so two programs come to be as far apart as rounding takes both from
// float32.
//
// An int8 model rounds the sums of residual blocks, too, which stay float32 here, so that
// the error grows with their number. Of the 40 blocks of the whole Inception-ResNet-v2 it is
// 0.15 in ONNX Runtime 1.32.0, with its optimisations and without. With the same model's
// sums left in float32, their branches still rounded, it is 0.017; of one that rounds neither,
// images multiplied by 1+1e-6 change the values by 0.015 in ONNX Runtime itself.
func (v variant) limit() float64 {
	switch v.options.Precision {
	case arch.Int8:
		if v.network == "inception_resnet_v2" && v.options.Blocks == nil {
			return 0.2
		}
		return 0.12
	case arch.BFloat16:
		return 3e-2
	}
	return 1e-5
}

// write exports generated weights and returns the path with the network.
func (v variant) write(t *testing.T) (path string, network *arch.Network, sources []weights.Source) {
	t.Helper()
	network, err := arch.New(v.network, v.options)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	metadata := v.metadata()
	if v.options.Precision == arch.Int8 {
		sources, metadata = v.quantized(t)
	} else {
		sources = golden.Sources("", parameters)
	}
	path = filepath.Join(t.TempDir(), "model.onnx")
	if err := export.ONNX(path, network, sources, metadata, v.export); err != nil {
		t.Fatal(err)
	}
	return path, network, sources
}

func (v variant) metadata() weights.Metadata {
	p := vision.Preprocessing{Size: v.size(), Crop: 0.875, Interpolation: vision.Bilinear, Mean: [3]float32{0.4, 0.5, 0.6}, Std: [3]float32{0.2, 0.25, 0.5}}
	m := weights.Metadata{Preprocessing: &p}
	if v.options.Classes == 0 {
		return m
	}
	for _, name := range []string{"zero", "one", "two", "three", "four", "five", "six"} {
		m.Labels = append(m.Labels, recipe.Label{Name: name})
	}
	return m
}

// quantized are generated weights, quantised.
func (v variant) quantized(t *testing.T) ([]weights.Source, weights.Metadata) {
	t.Helper()
	o := v.options
	o.Precision = arch.Float32
	network, err := arch.New(v.network, o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float32{}
	for _, s := range golden.Sources("", parameters) {
		values[s.Name] = make([]float32, s.Size())
		if err := s.Values(values[s.Name]); err != nil {
			t.Fatal(err)
		}
	}
	m, err := quantize.New(network, values, v.metadata())
	if err != nil {
		t.Fatal(err)
	}
	const calibrating = 2
	images, size := golden.Images("", "calibration", calibrating, v.size()), v.size()*v.size()*3
	statistics, err := m.Observe(t.Context(), cpubackend.New(t), v.size(), func(yield func([]float32, error) bool) {
		for i := range calibrating {
			if !yield(images[i*size:][:size], nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	q, err := m.Quantize(statistics, quantize.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "int8.safetensors")
	if err := q.Write(path); err != nil {
		t.Fatal(err)
	}
	c, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if parameters, err = q.Network.Parameters(); err != nil {
		t.Fatal(err)
	}
	found, err := c.Match(parameters)
	if err != nil {
		t.Fatal(err)
	}
	return weights.Sources(found), c.Metadata
}

// logitsOf runs a network on images, [batch, side, side, 3].
func logitsOf(t *testing.T, network *arch.Network, sources []weights.Source, images []float32, side int) []float32 {
	t.Helper()
	backend := cpubackend.New(t)
	store := model.NewStore()
	for _, s := range sources {
		var value *tensors.Tensor
		var err error
		if s.Int8s != nil {
			integers := make([]int8, s.Size())
			err = s.Int8s(integers)
			value = tensors.FromFlatDataAndDimensions(integers, s.Shape...)
		} else {
			values := make([]float32, s.Size())
			err = s.Values(values)
			value = tensors.FromFlatDataAndDimensions(values, s.Shape...)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.CreateVariable(s.Name, value); err != nil {
			t.Fatal(err)
		}
	}
	device.Place(backend, store)
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, images *graph.Node) *graph.Node { return network.Graph(scope, images).Logits })
	if err != nil {
		t.Fatal(err)
	}
	results, err := exec.Exec(tensors.FromFlatDataAndDimensions(images, len(images)/(side*side*3), side, side, 3))
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](results[0])
}

// withoutAuxiliary is the network whose model is written.
func withoutAuxiliary(t *testing.T, network *arch.Network) *arch.Network {
	o := network.Options()
	o.AuxiliaryHead = false
	main, err := arch.New(network.Name(), o)
	if err != nil {
		t.Fatal(err)
	}
	return main
}

// TestReadBackInt8 refuses models of 8-bit integers, which the weights are rounded in.
func TestReadBackInt8(t *testing.T) {
	for _, v := range variants() {
		// Other networks are written and refused alike; each takes a calibration.
		if v.options.Precision != arch.Int8 || v.network != "inception_v3" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			path, _, _ := v.write(t)
			c, err := weights.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _, err = c.Identify(weights.Hint{})
			wanted.Error(t, err, path, "8-bit integers", "inception quantize")
		})
	}
}

// TestReadBack reads exported models as any other file of weights, and compares what the
// network computes with them.
func TestReadBack(t *testing.T) {
	for _, v := range variants() {
		if v.options.Precision == arch.Int8 {
			continue // refused: TestReadBackInt8
		}
		t.Run(v.name, func(t *testing.T) {
			path, network, sources := v.write(t)
			c, err := weights.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			found, card, err := c.Identify(weights.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			network = withoutAuxiliary(t, network)
			rounded := v.options.Precision == arch.BFloat16
			options := network.Options()
			if rounded {
				options.ResidualScales = found.Options().ResidualScales // which are in the weights
			}
			got, _ := json.Marshal(found.Options())
			want, _ := json.Marshal(options)
			if found.Name() != network.Name() || string(got) != string(want) {
				t.Errorf("read as %s %s, want %s %s", found.Name(), got, network.Name(), want)
			}
			if m := v.metadata(); card.Preprocessing != *m.Preprocessing || len(c.Metadata.Labels) != len(m.Labels) {
				t.Errorf("preprocessing %+v, labels %v", card.Preprocessing, c.Metadata.Labels)
			}
			parameters, err := found.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			read, err := c.Match(parameters)
			if err != nil {
				t.Fatal(err)
			}
			images := golden.Images("", "export", 2, side)
			a, b := logitsOf(t, network, sources, images, side), logitsOf(t, found, weights.Sources(read), images, side)
			apart(t, b, a, v.limit()) // folded weights are rounded
			if rounded {
				return
			}

			// A second export of what was read is the same file but for nothing.
			again := filepath.Join(t.TempDir(), "model.onnx")
			m := weights.MetadataOf(found, card, c.Metadata.Labels)
			if err := export.ONNX(again, found, weights.Sources(read), m, v.export); err != nil {
				t.Fatal(err)
			}
			first, second := bytesOf(t, path), bytesOf(t, again)
			if string(first) != string(second) {
				t.Error("exporting what was read writes another file")
			}
		})
	}
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path + onnx.DataEnding); err == nil {
		all = append(all, data...)
	}
	return all
}

// apart compares values by the largest difference, as a share of their deviation from 0.
func apart(t *testing.T, got, want []float32, limit float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	var squares, worst float64
	for i, w := range want {
		squares += float64(w) * float64(w)
		worst = max(worst, math.Abs(float64(got[i])-float64(w)))
	}
	deviation := math.Sqrt(squares / float64(len(want)))
	t.Logf("largest difference %.2g, %.2g of the deviation", worst, worst/deviation)
	if !(worst <= limit*deviation) {
		t.Errorf("differ by %g of their deviation, at most %g is expected", worst/deviation, limit)
	}
}

// TestStructure looks at the operations of the whole networks.
func TestStructure(t *testing.T) {
	for _, name := range arch.Names() {
		for _, pixels := range []bool{false, true} {
			v := variant{name, name, narrow(arch.Options{}), export.Options{Pixels: pixels}, 0}
			path, network, _ := v.write(t)
			f, err := onnx.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			g, err := f.(tensorfile.Grapher).Graph()
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, n := range g.Nodes {
				got[n.Op]++
			}
			d, err := network.Describe(side, side)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for _, l := range d.Layers {
				switch l.Kind {
				case arch.Convolution:
					want[tensorfile.OpConvolution]++
				case arch.Concat:
					want[tensorfile.OpConcat]++
				case arch.Sum:
					want[tensorfile.OpAdd]++
					if l.Scale != 1 {
						want[tensorfile.OpScale]++
					}
				}
				if l.Activation != "" {
					want[tensorfile.OpActivation]++
				}
			}
			if pixels { // the transposition and the cast; factors, and summands with them
				want[tensorfile.OpSame], want[tensorfile.OpScale] = 2, want[tensorfile.OpScale]+2
			}
			for _, op := range []string{tensorfile.OpConvolution, tensorfile.OpConcat, tensorfile.OpAdd, tensorfile.OpScale, tensorfile.OpActivation, tensorfile.OpSame, tensorfile.OpBatchNorm} {
				if got[op] != want[op] {
					t.Errorf("%s: %d operations %s, want %d", name, got[op], op, want[op])
				}
			}
		}
	}
}

// TestTypes looks at the types of the weights of each precision.
func TestTypes(t *testing.T) {
	for _, name := range arch.Names() {
		for p, want := range map[arch.Precision][2]string{arch.Float32: {"/weights", "float32"}, arch.BFloat16: {"/weights", "bfloat16"}, arch.Int8: {"/weights/quantized", "int8"}} {
			if p == arch.Int8 && name != "inception_resnet_v2" {
				continue // quantising takes a second
			}
			v := variant{name, name, narrow(arch.Options{Precision: p}), export.Options{}, 0}
			path, network, _ := v.write(t)
			f, err := onnx.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			tensors := map[string]tensorfile.Tensor{}
			for _, x := range f.Tensors() {
				tensors[x.Name] = x
			}
			d, err := network.Describe(side, side)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range d.Layers {
				ending, dtype := want[0], want[1]
				switch {
				case l.Kind == arch.Dense, l.Kind == arch.Convolution && l.Inputs[0] < 0:
					ending, dtype = "/weights", "float32"
				case l.Kind != arch.Convolution:
					continue
				}
				x, ok := tensors[l.Name+ending]
				channels := l.Output[len(l.Output)-1]
				if !ok || x.DType != dtype || l.Kind == arch.Convolution && (len(x.Shape) != 4 || x.Shape[0] != channels || [2]int(x.Shape[2:]) != l.Kernel) {
					t.Errorf("%s in %s: %s%s is %s %v, want %s for %d channels", name, p, l.Name, ending, x.DType, x.Shape, dtype, channels)
				}
			}
		}
	}
}

// TestRuntime runs exported models with ONNX Runtime, after onnx's own checker
// (testdata/run.py), and compares with what the network computes here.
func TestRuntime(t *testing.T) {
	python := os.Getenv("INCEPTION_ONNX_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import numpy, onnx, onnxruntime").CombinedOutput(); err != nil {
		t.Skipf("%s with numpy, onnx and onnxruntime is needed (INCEPTION_ONNX_PYTHON names another): %v %s", python, err, strings.TrimSpace(string(out)))
	}
	all := variants()
	if os.Getenv(whole) != "" {
		all = nil
		for _, name := range arch.Names() {
			for _, p := range []arch.Precision{arch.Float32, arch.Int8} {
				all = append(all, variant{name + " " + string(p), name, arch.Options{Precision: p}, export.Options{}, 299})
			}
		}
	}
	compare := make([]func(t *testing.T), len(all))
	command := []string{"testdata/run.py"}
	for i, v := range all {
		path, network, sources := v.write(t)
		network = withoutAuxiliary(t, network)
		command = append(command, path)
		const first, second = 1, 3
		images := golden.Images("", "export", first+second, v.size())
		if v.export.Pixels {
			images = v.pixels(t, path+".in", first+second)
		} else if err := os.WriteFile(path+".in", tensorfile.BytesOf(images), 0o666); err != nil {
			t.Fatal(err)
		}
		compare[i] = func(t *testing.T) {
			data, err := os.ReadFile(path + ".out")
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, len(data)/4)
			tensorfile.FromF32(got, data)
			want := logitsOf(t, network, sources, images, v.size())
			if v.export.Probabilities {
				probabilities(want, network.Options())
			}
			apart(t, got, want, v.limit())
		}
	}
	if out, err := exec.Command(python, command...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, v := range all {
		t.Run(v.name, compare[i])
	}
}

// pixels writes photographs as bytes, and returns them normalised.
func (v variant) pixels(t *testing.T, path string, batch int) (images []float32) {
	t.Helper()
	p := v.metadata().Preprocessing
	var all []byte
	values := golden.Images("", "pixels", batch, side)
	for i := range batch {
		image := &vision.Image{Width: side, Height: side, Pix: make([]uint8, 3*side*side)}
		for k := range image.Pix {
			image.Pix[k] = uint8(127.5 * (1 + values[i*len(image.Pix)+k]))
		}
		normalized := make([]float32, len(image.Pix))
		if err := vision.Normalize(normalized, image, p.Mean, p.Std); err != nil {
			t.Fatal(err)
		}
		all, images = append(all, image.Pix...), append(images, normalized...)
	}
	if err := os.WriteFile(path, all, 0o666); err != nil {
		t.Fatal(err)
	}
	return images
}

// probabilities replaces logits.
func probabilities(logits []float32, o arch.Options) {
	for row := range len(logits) / o.Classes {
		values := logits[row*o.Classes:][:o.Classes]
		sum := 0.0
		for i, v := range values {
			if o.Multilabel() {
				values[i] = float32(1 / (1 + math.Exp(-float64(v))))
				continue
			}
			sum += math.Exp(float64(v))
		}
		for i, v := range values {
			if !o.Multilabel() {
				values[i] = float32(math.Exp(float64(v)) / sum)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	network, err := arch.New("inception_v3", narrow(arch.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := golden.Sources("", parameters)
	v := variant{options: network.Options()}
	path := filepath.Join(t.TempDir(), "model.onnx")
	wanted.Error(t, export.ONNX(path, network, sources, weights.Metadata{}, export.Options{}), path, "preprocessing")
	wanted.Error(t, export.ONNX(path, network, sources[1:], v.metadata(), export.Options{}), path, sources[0].Name, "none")
	labels := v.metadata()
	labels.Labels = labels.Labels[1:]
	wanted.Error(t, export.ONNX(path, network, sources, labels, export.Options{}), "6 labels", "7 classes")
	small := v.metadata()
	small.Preprocessing.Size = 20
	wanted.Error(t, export.ONNX(path, network, sources, small, export.Options{}), "at least 75x75", "20x20")
	int8s := v.options
	int8s.Precision = arch.Int8
	quantized, err := arch.New("inception_v3", int8s)
	if err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, export.ONNX(path, quantized, sources, v.metadata(), export.Options{}), "Conv2d_1a_3x3/biases", "none")
	residual := variant{network: "inception_resnet_v1", options: int8s}
	if quantized, err = arch.New(residual.network, int8s); err != nil {
		t.Fatal(err)
	}
	integers, m := residual.quantized(t)
	m.Quantization.Branches = nil
	wanted.Error(t, export.ONNX(path, quantized, integers, m, export.Options{}), "Conv2d_1x1", "quantise them again")
	features, err := arch.New("inception_v3", arch.Options{Head: &arch.Head{Output: arch.OutputFeatures}})
	if err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, export.ONNX(path, features, nil, v.metadata(), export.Options{Probabilities: true}), "features", "probabilities")
	for i, s := range sources {
		if strings.HasSuffix(s.Name, "moving_variance") {
			sources[i].Values = func(dst []float32) error { dst[1] = -2; return nil }
			break
		}
	}
	wanted.Error(t, export.ONNX(path, network, sources, v.metadata(), export.Options{}), path, "moving_variance[1]", "-2")
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
