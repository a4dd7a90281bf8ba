package npz

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// FuzzParse checks that whatever parse accepts has names that lead nowhere else, sizes
// that are true, and values that are read or refused. Data are taken for a file, and for
// the one entry of a file.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"versions.npz", "objects.npz", "records.npz"} { // small ones: they are what mutations begin from
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range broken(f) {
		f.Add(c.data)
	}
	for _, shape := range []string{"()", "(1,)", "(1L, 1)", "(0, 7)"} {
		f.Add([]byte(npy(array(shape), "abcd")))
	}
	f.Add([]byte(npy("{'descr': '>f2', 'fortran_order': True, 'shape': (2, 3)}", "abcdefghijkl")))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range [][]byte{data, zipped(t, entry{name: "w.npy", data: string(data)})} {
			a, err := parse("m.npz", bytes.NewReader(file), int64(len(file)))
			if err != nil {
				continue
			}
			seen := map[string]bool{}
			for _, x := range a.tensors {
				if badName(x.Name) != "" || seen[x.Name] {
					t.Fatalf("the name %q was accepted", x.Name)
				}
				seen[x.Name] = true
				if n, ok := tensorfile.Elements(x.Shape); !ok || n != x.Elements() {
					t.Fatalf("%q has the shape %v", x.Name, x.Shape)
				} else if n <= 1<<16 {
					_ = x.Values(make([]float32, n))
				}
			}
		}
	})
}
