package predict_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/golden"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// TestNotFinite has weights of the largest float32, whose sums are infinite.
func TestNotFinite(t *testing.T) {
	o := arch.Options{Classes: 10, Width: 0.125, Blocks: []int{1, 1, 1}}
	network, err := arch.New("inception_resnet_v1", o)
	if err != nil {
		t.Fatal(err)
	}
	parameters, err := network.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	sources := golden.Sources("", parameters)
	for i, s := range sources {
		if strings.Contains(s.Name, "/Logits/") {
			sources[i].Values = func(dst []float32) error {
				for i := range dst {
					dst[i] = math.MaxFloat32
				}
				return nil
			}
		}
	}
	file := filepath.Join(t.TempDir(), "huge.safetensors")
	if err := weights.Write(file, weights.Native, weights.Metadata{Network: network.Name(), Options: o}, sources); err != nil {
		t.Fatal(err)
	}
	c := open(t, predict.Config{Weights: file, Size: 75})
	image := picture(1, 80, 80)
	if _, err := c.Predict(context.Background(), image); !errors.Is(err, score.ErrNotFinite) {
		t.Errorf("Predict: %v", err)
	}
	seen := 0
	err = c.Each(context.Background(), slices.Values([]string{"a", "b"}), func(string, func(int64)) (*vision.Image, error) { return image, nil }, func(p predict.Photo) error {
		seen++
		if !errors.Is(p.Err, score.ErrNotFinite) || p.Result.Logits != nil {
			t.Errorf("%s: %v, %v", p.Name, p.Err, p.Result)
		}
		return nil
	})
	if err != nil || seen != 2 {
		t.Errorf("Each saw %d photos, %v", seen, err)
	}
}
