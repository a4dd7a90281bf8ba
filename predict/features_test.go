package predict_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestFeatures expects that the features of photographs are those of their pixels, in batches
// and alone, and that the pooled ones are the mean of the last block.
func TestFeatures(t *testing.T) {
	ctx := context.Background()
	config := tiny(t, nil)
	config.Batch = 2
	c := open(t, config)
	images := []*vision.Image{picture(1, 90, 80), picture(2, 80, 120), picture(3, 75, 75)}
	pooled, err := c.Features(ctx, predict.Pooled, images...)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := c.EndPointShape("Mixed_7a")
	if err != nil || len(shape) != 3 {
		t.Fatalf("Mixed_7a has the shape %v, %v", shape, err)
	}
	size := c.Preprocessing().Size
	for i, m := range images {
		pixels := make([]float32, 3*size*size)
		if err := c.Preprocessing().Apply(pixels, m); err != nil {
			t.Fatal(err)
		}
		want, err := c.EndPoint(ctx, predict.Pooled, pixels)
		if err != nil || len(want) != len(pooled[i]) {
			t.Fatalf("%d features, want %d, %v", len(pooled[i]), len(want), err)
		}
		for j := range want {
			if math.Abs(float64(pooled[i][j]-want[j])) > 1e-4 {
				t.Errorf("image %d: feature %d is %g, alone %g", i, j, pooled[i][j], want[j])
			}
		}
	}

	names := []string{"0", "bad", "1"}
	var seen []string
	err = c.EachFeatures(ctx, "Mixed_7a", slices.Values(names), func(name string, _ func(int64)) (*vision.Image, error) {
		if name == "bad" {
			return nil, fs.ErrNotExist
		}
		return images[name[0]-'0'], nil
	}, func(f predict.Features) error {
		seen = append(seen, f.Name)
		if f.Name == "bad" {
			if !errors.Is(f.Err, fs.ErrNotExist) || f.Values != nil || f.Width != 0 {
				t.Errorf("bad is %+v", f)
			}
			return nil
		}
		if m := images[f.Name[0]-'0']; f.Err != nil || f.Width != m.Width || f.Height != m.Height || len(f.Values) != shape[0]*shape[1]*shape[2] {
			t.Errorf("%s has %d values of a photograph of %d x %d, %v", f.Name, len(f.Values), f.Width, f.Height, f.Err)
		}
		return nil
	})
	if err != nil || !slices.Equal(seen, names) {
		t.Errorf("saw %q, %v", seen, err)
	}
	_, err = c.Features(ctx, "Mixed_9", images...)
	wanted.Error(t, err, `"Mixed_9"`, predict.Pooled)
}

func TestNormalize(t *testing.T) {
	values := []float32{3, 0, -4}
	if predict.Normalize(values); !slices.Equal(values, []float32{0.6, 0, -0.8}) {
		t.Errorf("normalised to %v", values)
	}
	large := []float32{3e30, 4e30} // whose squares are no float32
	if predict.Normalize(large); math.Abs(float64(large[0])-0.6) > 1e-6 {
		t.Errorf("normalised to %v", large)
	}
	if zero := []float32{0, 0}; true {
		if predict.Normalize(zero); zero[0] != 0 {
			t.Errorf("zeros are normalised to %v", zero)
		}
	}
}
