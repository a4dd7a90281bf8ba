package keras

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestRead compares with what Keras says is in its files (testdata/make.py).
func TestRead(t *testing.T) {
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]map[string][2]any
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		path := filepath.Join("testdata", name)
		if s, err := tensorfile.Look(path); err != nil || !Recognise(s) {
			t.Errorf("%s is not recognised: %v", name, err)
		}
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		found := map[string]tensorfile.Tensor{}
		for _, x := range f.Tensors() {
			found[x.Name] = x
		}
		for tensor, w := range want {
			x, ok := found[tensor]
			if !ok {
				t.Errorf("%s: no tensor %s among %v", name, tensor, slices.Sorted(func(yield func(string) bool) {
					for n := range found {
						if !yield(n) {
							return
						}
					}
				}))
				continue
			}
			values := make([]float32, x.Elements())
			if err := x.Values(values); err != nil {
				t.Error(err)
			}
			for i, v := range w[1].([]any) {
				if values[i] != float32(v.(float64)) {
					t.Errorf("%s: %s[%d] is %g, want %g", name, tensor, i, values[i], v)
					break
				}
			}
		}
		if len(found) != len(want) {
			t.Errorf("%s: %d tensors, want %d", name, len(found), len(want))
		}
		g, err := f.(tensorfile.Grapher).Graph()
		if carries := f.Metadata()[ConfigKey] != ""; err != nil || carries != (g != nil) || carries && len(g.Nodes) < 6 {
			t.Errorf("%s: the graph is %v, %v", name, g, err)
		}
	}
}

func TestBroken(t *testing.T) {
	good, err := os.ReadFile("testdata/keras3.keras")
	if err != nil {
		t.Fatal(err)
	}
	open := func(data []byte) error {
		_, err := parse("m.keras", bytes.NewReader(data), int64(len(data)))
		return err
	}
	if err := open(good); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(good, []byte("\x89HDF"))
	changed := slices.Clone(good)
	changed[at+1000] ^= 1
	wanted.Error(t, open(changed), "m.keras", "checksum")
	wanted.Error(t, open(good[:len(good)-1]), "m.keras", "zip archive")
	wanted.Error(t, open([]byte("\x89HDF\r\n\x1a\n")), "m.keras", "HDF5")
	wanted.Error(t, open(nil), "m.keras")
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"keras3.keras", "keras2.h5"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse("m", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, x := range m.tensors {
			if n, ok := tensorfile.Elements(x.Shape); !ok {
				t.Fatalf("%q has the shape %v", x.Name, x.Shape)
			} else if n < math.MaxUint16 {
				_ = x.Values(make([]float32, n))
			}
		}
		_, _ = m.Graph()
	})
}
