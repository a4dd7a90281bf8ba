package weights_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// folderOfFormats is the environment variable that names a folder with a trained network in
// the files of other programs, for the tests here; they are too large for the repository.
const folderOfFormats = "INCEPTION_FORMATS"

func formatFiles(t *testing.T) string {
	t.Helper()
	folder := os.Getenv(folderOfFormats)
	if folder == "" {
		t.Skipf("%s names no folder with files of about 90 MB each", folderOfFormats)
	}
	return folder
}

// TestTrained compares the probabilities of photographs that a trained network has, by
// each file that carries its graph, with those that Keras computed, in expected.json of the
// folder, and with each other.
func TestTrained(t *testing.T) {
	folder := formatFiles(t)
	var expected struct {
		Probabilities map[string][]float64 `json:"probabilities"`
	}
	data, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	const side = 299
	squashed := vision.Preprocessing{Size: side, Crop: 1, Interpolation: vision.Bilinear, Fit: vision.FitSquash, Std: [3]float32{1, 1, 1}}
	var names []string
	var images []float32
	for name := range expected.Probabilities {
		file, err := os.ReadFile(filepath.Join(os.Getenv("INCEPTION_PHOTOS"), name))
		if err != nil {
			t.Fatal(err)
		}
		pixels := make([]float32, side*side*3)
		photo, err := vision.Decode(file, vision.DecodeOptions{IgnoreOrientation: true, Exact: true}) // as make_formats.py
		if err == nil {
			err = squashed.Apply(pixels, photo)
		}
		if err != nil {
			t.Fatal(err)
		}
		names, images = append(names, name), append(images, pixels...)
	}
	var first [][]float64
	for _, name := range []string{"tfjs/model.json", "keras3.keras", "keras3.h5", "keras2.h5", "frozen.pb", "saved_model", "keras2_saved_model", "tf2onnx.onnx"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, filepath.FromSlash(name))
			if _, err := os.Stat(path); err != nil {
				t.Skipf("INCEPTION_FORMATS has not every file: %v; write it with the library of its format, or take this as not tested", err)
			}
			c := open(t, path)
			network, _, err := c.Identify(weights.Hint{})
			if err != nil {
				t.Fatal(err)
			}
			parameters, err := network.Parameters()
			if err != nil {
				t.Fatal(err)
			}
			found, err := c.Match(parameters)
			if err != nil {
				t.Fatal(err)
			}
			logits := output(t, network, found, images, side, "Logits")
			worst, apart := 0.0, 0.0
			var all [][]float64
			for i, photo := range names {
				got := score.Softmax(nil, logits[i*5:][:5])
				all = append(all, got)
				for k, want := range expected.Probabilities[photo] {
					if d := math.Abs(got[k] - want); d > 1e-5 {
						t.Logf("%s[%d] differs by %g", photo, k, d)
					}
					worst = max(worst, math.Abs(got[k]-want))
					if first != nil {
						apart = max(apart, math.Abs(got[k]-first[i][k]))
					}
				}
			}
			if first == nil {
				first = all
			}
			head, err := json.Marshal(network.Options().Head)
			t.Logf("%s: largest difference to Keras %.2g, to the first file %.2g; head %s, %v", name, worst, apart, head, err)
			if !(worst <= 1e-5) || !(apart <= 2e-6) {
				t.Errorf("probabilities differ by %g from Keras', by %g among files", worst, apart)
			}
		})
	}
}

// TestTrunk compares the trunk of the same network, bit for bit, by each file that has its
// weights alone.
func TestTrunk(t *testing.T) {
	folder := formatFiles(t)
	read := func(t *testing.T, name string) map[string][]float32 {
		c := open(t, filepath.Join(folder, name))
		network, _, err := c.Identify(weights.Hint{Headless: true})
		if err != nil {
			t.Fatal(err)
		}
		if network.Name() != "inception_v3" || network.Options().HasClasses() {
			t.Errorf("identified as %s, %+v", network.Name(), network.Options())
		}
		parameters, err := network.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.Match(parameters)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string][]float32{}
		for _, x := range found {
			v := make([]float32, x.Size())
			if err := x.Read(v); err != nil {
				t.Fatal(err)
			}
			values[x.Name] = v
		}
		return values
	}
	want := read(t, "trunk.safetensors")
	for _, name := range []string{
		"slim_v1.ckpt", "slim_v2.ckpt.index", "zip.pth", "legacy.pth", "checkpoint.pth.tar", "keras3.weights.h5", "keras2_weights.h5", "trunk.npz",
		"keras3.h5", "keras2.h5", "keras3.keras", "tfjs/model.json",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				t.Skipf("INCEPTION_FORMATS has not every file: %v; write it with the library of its format, or take this as not tested", err)
			}
			got := read(t, name)
			different := 0
			for parameter, w := range want {
				for i := range w {
					if math.Float32bits(got[parameter][i]) != math.Float32bits(w[i]) {
						different++
						break
					}
				}
			}
			t.Logf("%s: %d parameters, %d differ", name, len(got), different)
			if different > 0 || len(got) != len(want) {
				t.Error("the trunk is not bit for bit that of trunk.safetensors")
			}
			// With its head it must be refused, and the head named.
			if strings.Contains(name, ".pth") || strings.Contains(name, "weights.h5") {
				if _, _, err := open(t, filepath.Join(folder, name)).Identify(weights.Hint{}); err == nil || !strings.Contains(err.Error(), "dense_1") || !strings.Contains(err.Error(), "--head none") {
					t.Errorf("the head is not asked about: %v", err)
				}
			}
		})
	}
}
