package tensorflow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// expected are the variables of testdata's files, as testdata/make.py had TensorFlow write
// them: type, shape and values.
func expected(t testing.TB) map[string]map[string][3]any {
	t.Helper()
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string][3]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadCheckpoints(t *testing.T) {
	all := expected(t)
	for name, what := range map[string]string{
		"v1.ckpt": "v1", "v2.ckpt.index": "v2", "v2.ckpt.data-00000-of-00001": "v2", "objects.index": "objects",
		"sharded_v1.ckpt-00000-of-00003": "v1", "sharded_v1.ckpt-00001-of-00003": "v1", "sharded_v2.ckpt.index": "v2",
	} {
		path := filepath.Join("testdata", name)
		if sample, err := tensorfile.Look(path); err != nil || !RecogniseCheckpoint(sample) {
			t.Errorf("%s is not recognised: %v", name, err)
		}
		f, err := OpenCheckpoint(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		compare(t, name, f, all[what])
	}
}

// compare holds the tensors of a file against what is expected.
func compare(t *testing.T, name string, f tensorfile.File, want map[string][3]any) {
	t.Helper()
	found := f.Tensors()
	if len(found) != len(want) {
		t.Errorf("%s: %d tensors, want %d", name, len(found), len(want))
	}
	for _, x := range found {
		want, ok := want[x.Name]
		if !ok {
			t.Errorf("%s: tensor %s is unexpected", name, x.Name)
			continue
		}
		shape := []int{}
		for _, n := range want[1].([]any) {
			shape = append(shape, int(n.(float64)))
		}
		if x.DType != want[0] || !slices.Equal(x.Shape, shape) {
			t.Errorf("%s: %s is %s %v, want %v", name, x.Name, x.DType, x.Shape, want[:2])
			continue
		}
		values := make([]float32, x.Elements())
		if err := x.Values(values); err != nil {
			if x.DType != "int64" {
				t.Error(err)
			}
			continue
		} else if x.DType == "int64" {
			t.Errorf("%s: whole numbers were read as float32", name)
		}
		for i, v := range want[2].([]any) {
			if values[i] != float32(v.(float64)) {
				t.Errorf("%s: %s[%d] is %g, want %g", name, x.Name, i, values[i], v)
				break
			}
		}
	}
}
