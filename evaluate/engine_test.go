package evaluate_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// writeNetwork writes generated parameters.
func writeNetwork(t *testing.T, name string, size int) string {
	t.Helper()
	options := arch.Options{Classes: 6, Width: 0.25, Blocks: []int{1, 1, 1}}
	network, err := arch.New(name, options)
	if err != nil {
		t.Fatal(err)
	}
	backend, err := engine.New("")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	var sources []weights.Source
	for _, value := range golden.Parameters("", parameters) {
		sources = append(sources, weights.Source{Parameter: parameters[len(sources)], Values: func(dst []float32) error {
			copy(dst, tensors.MustCopyFlatData[float32](value))
			return nil
		}})
	}
	preprocessing := recipe.Inception()
	preprocessing.Size = size
	m := weights.Metadata{Network: name, Options: network.Options(), Preprocessing: &preprocessing}
	for i := range 6 {
		m.Labels = append(m.Labels, recipe.Label{Name: string(rune('a' + i))})
	}
	path := filepath.Join(t.TempDir(), name+".safetensors")
	if err := weights.Write(path, weights.Native, m, sources); err != nil {
		t.Fatal(err)
	}
	return path
}

// photos is a set of small pictures, two of each class.
func photos(t *testing.T) *dataset.Set {
	t.Helper()
	root := t.TempDir()
	for class := range 6 {
		for i := range 2 {
			m := image.NewNRGBA(image.Rect(0, 0, 40+class, 30+5*i))
			for y := range m.Rect.Dy() {
				for x := range m.Rect.Dx() {
					m.SetNRGBA(x, y, color.NRGBA{uint8(x * 7 * class), uint8(y * 5 * (i + 1)), uint8(x * y), 255})
				}
			}
			var b bytes.Buffer
			if err := png.Encode(&b, m); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(root, string(rune('a'+class)))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, err := dataset.Open(context.Background(), root, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// TestSameBits expects the same predictions, bit for bit, of an ensemble of all five
// networks on the engine, whatever the batch and the number of threads.
func TestSameBits(t *testing.T) {
	set := photos(t)
	var files []string
	for i, name := range arch.Names() {
		files = append(files, writeNetwork(t, name, 75+2*i))
	}
	var want []byte
	for _, threads := range []int{1, 2, 4} {
		backend, err := engine.New(fmt.Sprintf("winograd=off,threads=%d", threads))
		if err != nil {
			t.Fatal(err)
		}
		var members []evaluate.Member
		for i, file := range files {
			classifier, err := predict.Open(context.Background(), backend, predict.Config{Weights: file})
			if err != nil {
				t.Fatal(err)
			}
			defer classifier.Close()
			members = append(members, evaluate.FromClassifier(arch.Names()[i], classifier))
		}
		for _, batch := range []int{1, 7, 32} {
			o := evaluate.Options{Batch: batch, Predictions: filepath.Join(t.TempDir(), "predictions.csv")}
			if _, err := evaluate.Run(context.Background(), members, set, o); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(o.Predictions)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d threads, batches of %d: other predictions:\n%s\nwant\n%s", threads, batch, got, want)
			}
		}
		backend.Finalize()
	}
}
