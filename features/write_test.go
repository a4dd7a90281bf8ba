package features_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
)

var errBroken = errors.New("it is broken")

// rows are two photographs, and between them one that cannot be read and whose name is no text.
var rows = []features.Row{
	{File: "a, \"1\".png", Width: 4, Height: 3, Values: []float32{0.5, -1.25, 3e-9}},
	{File: "b\xff.png", Err: errBroken},
	{File: "c\n.png", Width: 2, Height: 2, Values: []float32{1, 0, -2}},
}

var header = features.Header{
	About: features.About{Network: "inception_v4", Weights: "w", Layer: "global_pool", Shape: []int{3}},
	Files: []string{rows[0].File, rows[1].File, rows[2].File},
}

// write writes rows and returns what is in the file.
func write(t *testing.T, path string, h features.Header, rows []features.Row) []byte {
	t.Helper()
	if err := features.Write(path, h, giving(rows)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func giving(rows []features.Row) func(add func(features.Row) error) error {
	return func(add func(features.Row) error) error {
		for _, r := range rows {
			if err := add(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func want(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestNPY expects numpy's own bytes, and the names of the rows beside them.
func TestNPY(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.NPY")
	if got := write(t, path, header, rows); !bytes.Equal(got, want(t, "features.npy")) {
		t.Errorf("wrote %q", got)
	}
	var beside struct {
		features.About
		Files []string
	}
	data, err := os.ReadFile(path + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &beside); err != nil || !slices.Equal(beside.Files, []string{rows[0].File, rows[2].File}) || beside.Layer != "global_pool" || !slices.Equal(beside.Shape, []int{3}) {
		t.Errorf("beside it is %s, %v", data, err)
	}
	spatial := features.Header{About: features.About{Shape: []int{2, 2, 3}}, Files: []string{"x", "y"}}
	path = filepath.Join(t.TempDir(), "spatial.npy")
	if got := write(t, path, spatial, []features.Row{{File: "x", Err: errBroken}, {File: "y", Values: []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}}); !bytes.Equal(got, want(t, "spatial.npy")) {
		t.Errorf("wrote %q", got)
	}
	if err := features.WriteArray(path, []int{2, 3}, append(slices.Clone(rows[0].Values), rows[2].Values...)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want(t, "features.npy")) {
		t.Errorf("wrote %q, %v", got, err)
	}
	wanted.Error(t, features.WriteArray(path, []int{2, 2}, make([]float32, 3)), path, "found 3")
}

func TestSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.safetensors")
	write(t, path, header, rows)
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tensors := f.Tensors()
	if len(tensors) != 1 || tensors[0].Name != "features" || !slices.Equal(tensors[0].Shape, []int{2, 3}) {
		t.Fatalf("the tensors are %+v", tensors)
	}
	values := make([]float32, 6)
	if err := tensors[0].Float32s(values); err != nil || !slices.Equal(values, append(slices.Clone(rows[0].Values), rows[2].Values...)) {
		t.Errorf("the values are %v, %v", values, err)
	}
	var files []string
	if err := json.Unmarshal([]byte(f.Metadata()["inception.files"]), &files); err != nil || !slices.Equal(files, []string{rows[0].File, rows[2].File}) {
		t.Errorf("the files are %q, %v", files, err)
	}
	var about features.About
	if err := json.Unmarshal([]byte(f.Metadata()["inception.features"]), &about); err != nil || about.Network != "inception_v4" {
		t.Errorf("they are of %+v, %v", about, err)
	}
}

func TestCSV(t *testing.T) {
	data := write(t, filepath.Join(t.TempDir(), "features.csv"), header, rows)
	got, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"file", "feature_0", "feature_1", "feature_2"}, {rows[0].File, "0.5", "-1.25", "3e-09"}, {rows[2].File, "1", "0", "-2"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestJSONLines(t *testing.T) {
	spatial := features.Header{About: features.About{Shape: []int{1, 3}}, Files: header.Files}
	data := write(t, filepath.Join(t.TempDir(), "features.jsonl"), spatial, rows)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if want := []string{
		`{"file":"a, \"1\".png","width":4,"height":3,"features":[[0.5,-1.25,3e-09]]}`,
		`{"file":"b\\xff.png","file_bytes":"Yv8ucG5n","error":"it is broken"}`,
		`{"file":"c\n.png","width":2,"height":2,"features":[[1,0,-2]]}`,
	}; !slices.Equal(lines, want) {
		t.Errorf("wrote %q, want %q", lines, want)
	}
	var out bytes.Buffer
	if err := features.WriteJSONLines(&out, spatial, giving(rows)); err != nil || out.String() != string(data) {
		t.Errorf("to a stream goes %q, %v", &out, err)
	}
}

// TestNothingHalf expects that a file which was there stays when rows end early, and that one
// without rows is not written.
func TestNothingHalf(t *testing.T) {
	for _, ending := range []string{".npy", ".safetensors", ".csv", ".jsonl"} {
		path := filepath.Join(t.TempDir(), "x"+ending)
		old := write(t, path, header, rows)
		for what, c := range map[string]struct {
			rows func(add func(features.Row) error) error
			want string
		}{
			"stopped": {func(add func(features.Row) error) error { return errors.Join(add(rows[0]), errBroken) }, "it is broken"},
			"empty":   {giving(rows[1:2]), "no photograph has features"},
			"shape":   {giving([]features.Row{{File: "d", Values: []float32{1}}}), "d has 1 features, expected 3"},
		} {
			wanted.Error(t, features.Write(path, header, c.rows), path, c.want)
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, old) {
				t.Errorf("%s, %s: the old file is now %q, %v", ending, what, now, err)
			}
		}
		if left, _ := filepath.Glob(path + ".tmp*"); left != nil {
			t.Errorf("%q is left", left)
		}
	}
	wanted.Error(t, features.Check("x.txt"), `".txt"`, ".npy", ".safetensors", ".csv", "JSON lines (.jsonl)")
	wanted.Error(t, features.WriteJSONLines(&bytes.Buffer{}, header, giving(nil)), "no photograph has features")
}
