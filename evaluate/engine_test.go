package evaluate_test

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// writeNetwork writes generated parameters.
func writeNetwork(t *testing.T, name string, size int) string {
	t.Helper()
	options := arch.Options{Classes: 6, Width: 0.25, Blocks: []int{1, 1, 1}}
	preprocessing := recipe.Inception()
	preprocessing.Size = size
	m := weights.Metadata{Network: name, Options: options, Preprocessing: &preprocessing}
	for i := range 6 {
		m.Labels = append(m.Labels, recipe.Label{Name: string(rune('a' + i))})
	}
	return golden.WriteWeights(t, name, options, weights.Native, m)
}

// photos is a set of small pictures, two of each class.
func photos(t *testing.T) *dataset.Set {
	t.Helper()
	files := map[string][]byte{}
	for class := range 6 {
		for i := range 2 {
			m := pictures.Draw(40+class, 30+5*i, func(x, y int) color.NRGBA {
				return color.NRGBA{uint8(x * 7 * class), uint8(y * 5 * (i + 1)), uint8(x * y), 255}
			})
			files[fmt.Sprintf("%c/%d.png", 'a'+class, i)] = pictures.PNG(t, m)
		}
	}
	set, err := dataset.Open(context.Background(), filetree.Write(t, files), dataset.Options{})
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
