package features_test

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestRead reads what Write writes row by row, and as a table again.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	write(t, path, header, rows)
	for range 2 {
		table, err := features.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if table.Len() != 2 || table.Size() != 3 || !slices.Equal(table.Row(1), rows[2].Values) || !slices.Equal(table.Files, []string{rows[0].File, rows[2].File}) || table.Network != "inception_v4" {
			t.Errorf("read %+v", table)
		}
		if err := table.Write(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadBroken expects errors of files of safetensors that are none of features.
func TestReadBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	about, err := json.Marshal(header.About)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want, about, files string
		name               string
		shape              []int
		value              float64
	}{
		{"one of weights", "", `["a"]`, "features", []int{1, 3}, 0},
		{"a tensor of this name", string(about), `["a"]`, "other", []int{1, 3}, 0},
		{"2 rows of the shape [3]", string(about), `["a","b"]`, "features", []int{1, 3}, 0},
		{"1 rows of the shape [3]", string(about), `["a"]`, "features", []int{1, 4}, 0},
		{"0 rows of the shape [3]", string(about), `[]`, "features", []int{0, 3}, 0},
		{"JSON of this program", string(about), `{}`, "features", []int{1, 3}, 0},
		{"at least one value", `{}`, `["a"]`, "features", []int{1, 3}, 0},
		{"others in the row of a", string(about), `["a"]`, "features", []int{1, 3}, math.NaN()},
		{"at least one value", `{"shape":[-1]}`, `["a"]`, "features", []int{1, 3}, 0},
	} {
		metadata := map[string]string{"inception.features": c.about, "inception.files": c.files}
		if c.about == "" {
			delete(metadata, "inception.features")
		}
		err := safetensors.Write(path, metadata, []tensorfile.Tensor{{Name: c.name, Shape: c.shape, Values: func(dst []float32) error {
			for i := range dst {
				dst[i] = float32(c.value)
			}
			return nil
		}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = features.Read(path)
		wanted.Error(t, err, path, c.want)
	}
}
