// Package golden reads the numbers that a foreign implementation of the networks
// (PyTorch, in float64) gave for generated parameters and images, and generates
// those parameters and images, so that tests can compare. Only tests use it.
package golden

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/splitmix"
)

//go:embed testdata/*.json
var embedded embed.FS

// Folder is the environment variable that names a folder of golden files to use
// instead of the embedded ones.
const Folder = "INCEPTION_GOLDEN"

// FID names the file of inception_v3 with the options of TensorFlow's inception-2015-12-05, as
// pytorch-fid computes it (testdata/fid.py); it has no training.
const FID = "inception_2015_12_05"

// A File holds the numbers of one network.
type File struct {
	Network string `json:"network"`
	// Salt is put before the names of parameters and images when they are generated.
	Salt       string     `json:"salt"`
	Evaluation Evaluation `json:"evaluation"`
	Training   Training   `json:"training"`
}

// Evaluation is a run with the stored batch-norm statistics.
type Evaluation struct {
	Image string `json:"image"`
	Batch int    `json:"batch"`
	Side  int    `json:"side"`
	// Parameters are pairs of name and shape in the order of their use.
	Parameters [][2]any           `json:"parameters"`
	Taps       map[string]Summary `json:"taps"`
	Logits     [][]float64        `json:"logits"`
}

// Summary describes a tensor in N,H,W,C order.
type Summary struct {
	Shape  []int     `json:"shape"`
	Mean   float64   `json:"mean"`
	Std    float64   `json:"std"`
	L2     float64   `json:"l2"`
	At     []int     `json:"at"`
	Values []float64 `json:"values"`
}

// Training is a run with the batch's statistics and without dropout.
type Training struct {
	Image              string                `json:"image"`
	Batch              int                   `json:"batch"`
	Side               int                   `json:"side"`
	Classes            int                   `json:"classes"`
	Labels             []int                 `json:"labels"`
	LabelSmoothing     float64               `json:"label_smoothing"`
	Logits             [][]float64           `json:"logits"`
	LogitsFloat32Error float64               `json:"logits_float32_error"`
	BatchStatisticsL2  map[string][2]float64 `json:"batch_statistics_l2"`
	GradientL2         float64               `json:"gradient_l2"` // of all together
	Gradients          map[string]Gradient   `json:"gradients"`
	RMSProp            RMSProp               `json:"rmsprop"`
}

// Gradient describes that of the loss with respect to one parameter.
type Gradient struct {
	L2           float64   `json:"l2"`
	First        []float64 `json:"first"` // values
	Float32Error float64   `json:"float32_error"`
}

// RMSProp is the loss before each of several steps on one batch.
type RMSProp struct {
	Decay              float64   `json:"decay"`
	Momentum           float64   `json:"momentum"`
	Epsilon            float64   `json:"epsilon"`
	LearningRate       float64   `json:"learning_rate"`
	MeanSquareStartsAt float64   `json:"mean_square_starts_at"`
	Losses             []float64 `json:"losses"`
	LossesFloat32Error []float64 `json:"losses_float32_error"`
}

// Load reads the golden file of the named network.
func Load(network string) (*File, error) {
	var files fs.FS
	if folder := os.Getenv(Folder); folder != "" {
		files = os.DirFS(folder)
	} else {
		files, _ = fs.Sub(embedded, "testdata")
	}
	data, err := fs.ReadFile(files, network+".json")
	if err != nil {
		return nil, err
	}
	f := &File{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("golden file of %s: %w", network, err)
	}
	if want := map[string]string{FID: "inception_v3"}[network]; f.Network != cmp.Or(want, network) {
		return nil, fmt.Errorf("golden file of %s is for %s", network, f.Network)
	}
	return f, nil
}

// Uniform fills values with the generated sequence of the given name, in [0,1):
// the top 24 bits of splitmix64 seeded with the name's FNV-1a hash.
func Uniform(name string, values []float64) {
	seed := uint64(0xcbf29ce484222325)
	for _, c := range []byte(name) {
		seed = (seed ^ uint64(c)) * 0x100000001b3
	}
	for i := range values {
		values[i] = float64(splitmix.At(seed, uint64(i))>>40) / (1 << 24)
	}
}

// Parameter generates the parameter of the given name and shape. A convolution
// with a bias instead of batch norm has smaller weights.
func Parameter(salt, name string, shape []int, hasBias bool) []float32 {
	size := 1
	for _, n := range shape {
		size *= n
	}
	fanIn := float64(size / shape[len(shape)-1])
	var lo, hi float64
	switch leaf := name[strings.LastIndexByte(name, '/')+1:]; {
	case leaf == "weights" && len(shape) == 2:
		hi = math.Sqrt(3 / fanIn)
		lo = -hi
	case leaf == "weights" && hasBias:
		hi = 0.1 * math.Sqrt(3/fanIn)
		lo = -hi
	case leaf == "weights":
		hi = math.Sqrt(6 / fanIn)
		lo = -hi
	case leaf == "gamma" || leaf == "moving_variance":
		lo, hi = 0.5, 1.5
	default:
		lo, hi = -0.1, 0.1
	}
	u := make([]float64, size)
	Uniform(salt+name, u)
	values := make([]float32, size)
	for i := range values {
		values[i] = float32(lo + (hi-lo)*u[i])
	}
	return values
}

// Images generates a batch of images of the given name in [-1,1), N,H,W,C.
func Images(salt, name string, batch, side int) []float32 {
	u := make([]float64, batch*side*side*3)
	Uniform(salt+name, u)
	values := make([]float32, len(u))
	for i := range values {
		values[i] = float32(u[i])*2 - 1
	}
	return values
}

// RelativeL2 is the L2 norm of the difference over that of want.
func RelativeL2(got []float32, want []float64) float64 {
	var difference, norm float64
	for i, w := range want {
		d := float64(got[i]) - w
		difference += d * d
		norm += w * w
	}
	return math.Sqrt(difference / norm)
}
