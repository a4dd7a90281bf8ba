package pytorch

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestRead compares with what PyTorch says is in its files (testdata/make.py).
func TestRead(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]map[string][3]any
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ tensors, entry, arch string }{
		"zip.pth": {tensors: "tensors"}, "stream.pth": {tensors: "tensors"}, "deflated.pth": {tensors: "tensors"},
		"training.pth": {"training", "state_dict_ema", "inception_v4"}, "module.pth": {tensors: "module"},
	} {
		path := filepath.Join("testdata", name)
		sample, err := tensorfile.Look(path)
		if err != nil || !Recognise(sample) {
			t.Errorf("%s is not recognised: %v", name, err)
		}
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if m := f.Metadata(); m[EntryKey] != c.entry || m["arch"] != c.arch {
			t.Errorf("%s: metadata %v", name, m)
		}
		found := f.Tensors()
		if len(found) != len(expected[c.tensors]) {
			t.Errorf("%s: %d tensors, want %d", name, len(found), len(expected[c.tensors]))
		}
		for _, x := range found {
			want, ok := expected[c.tensors][x.Name]
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
			}
			values := make([]float32, x.Elements())
			err := x.Values(values)
			if x.DType == "int64" {
				if err == nil {
					t.Errorf("%s: whole numbers were read as float32", name)
				}
				continue
			}
			if err != nil {
				t.Error(err)
			}
			for i, v := range want[2].([]any) {
				if v := float32(v.(float64)); values[i] != v || math.Signbit(float64(values[i])) != math.Signbit(float64(v)) {
					t.Errorf("%s: %s[%d] is %g, want %g", name, x.Name, i, values[i], v)
				}
			}
		}
	}
}
