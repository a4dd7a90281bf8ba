package nearest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/nearest"
	"github.com/seed-fb2c0fa6/inception/vision"
)

var about = features.About{Network: "inception_v3", Fingerprint: "abc", Layer: "global_pool", Shape: []int{2}, Preprocessing: vision.Preprocessing{Size: 75, Crop: 1}}

// A folder of files whose features are their first two bytes.
type folder struct {
	t        *testing.T
	path     string
	computed []string
	stop     int // after so many, where it is not 0
}

var errStopped = errors.New("stopped")

func (f *folder) write(name, data string) {
	f.t.Helper()
	path := filepath.Join(f.path, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(data), 0o666)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) compute(_ context.Context, paths []string, use func(features.Row) error) error {
	for _, path := range paths {
		if f.stop > 0 && len(f.computed) == f.stop {
			return errStopped
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r := features.Row{File: path}
		if strings.HasPrefix(string(data), "bad") {
			r.Err = errors.New("no picture")
		} else {
			f.computed = append(f.computed, filepath.Base(path))
			r.Width, r.Height, r.Values = len(data), 1, []float32{float32(data[0]), float32(data[1])}
		}
		if err := use(r); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) update(old *nearest.Index) (*nearest.Index, nearest.Changes, error) {
	var paths []string
	for _, pattern := range []string{"*", "*/*"} {
		found, _ := filepath.Glob(filepath.Join(f.path, pattern))
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				paths = append(paths, path)
			}
		}
	}
	f.computed = nil
	return nearest.Update(f.t.Context(), old, about, f.path, paths, f.compute)
}

// TestUpdate changes a folder in every way, and expects that only what is new is computed.
func TestUpdate(t *testing.T) {
	f := &folder{t: t, path: t.TempDir()}
	f.write("a.jpg", "aa")
	f.write("sub/b.jpg", "bb")
	f.write("c.jpg", "cc")
	f.write("d.jpg", "bad")
	f.write("e\xff.jpg", "ee")
	x, changes, err := f.update(nil)
	if err != nil || changes.Computed != 4 || len(changes.Failed) != 1 {
		t.Fatalf("%+v, %v", changes, err)
	}
	file := filepath.Join(t.TempDir(), "index.safetensors")
	check := func(want []string) {
		t.Helper()
		if err := x.Write(file); err != nil {
			t.Fatal(err)
		}
		if x, err = nearest.Open(file); err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, p := range x.Photos {
			names = append(names, p.Name)
			data, err := os.ReadFile(filepath.Join(f.path, p.Name))
			if err != nil {
				t.Fatal(err)
			}
			found, err := x.Vectors.Search(t.Context(), [][]float32{{float32(data[0]), float32(data[1])}}, 1, nearest.Euclidean)
			if err != nil || found[0][0].Row != i || found[0][0].Value != 0 || p.Width != len(data) {
				t.Errorf("%s: nearest is %+v, %v; its width is %d", p.Name, found, err, p.Width)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("the photographs are %q, want %q", names, want)
		}
	}
	check([]string{"a.jpg", "c.jpg", "e\xff.jpg", "sub/b.jpg"})

	if x, changes, err = f.update(x); err != nil || len(f.computed) > 0 || changes.Kept != 4 {
		t.Errorf("unchanged: %q, %+v, %v", f.computed, changes, err)
	}
	now := time.Now().Add(-time.Hour)
	f.write("a.jpg", "ax") // of the same size
	if err := errors.Join(
		os.Chtimes(filepath.Join(f.path, "a.jpg"), now, now), os.Chtimes(filepath.Join(f.path, "e\xff.jpg"), now, now),
		os.Rename(filepath.Join(f.path, "sub", "b.jpg"), filepath.Join(f.path, "sub", "z.jpg")), os.Remove(filepath.Join(f.path, "c.jpg")),
	); err != nil {
		t.Fatal(err)
	}
	f.write("g.jpg", "gg")
	if x, changes, err = f.update(x); err != nil || !slices.Equal(f.computed, []string{"a.jpg", "g.jpg"}) || changes.Moved != 2 || changes.Removed != 2 || changes.Kept != 0 {
		t.Errorf("changed: %q, %+v, %v", f.computed, changes, err)
	}
	check([]string{"a.jpg", "e\xff.jpg", "g.jpg", "sub/z.jpg"})

	// What was computed before an end is kept.
	f.write("h.jpg", "hh")
	f.write("i.jpg", "ii")
	f.stop = 1
	if x, _, err = f.update(x); !errors.Is(err, errStopped) || len(x.Photos) != 5 {
		t.Errorf("stopped: %v, %v", x, err)
	}
	f.stop = 0
	if x, changes, err = f.update(x); err != nil || !slices.Equal(f.computed, []string{"i.jpg"}) || changes.Kept != 5 {
		t.Errorf("gone on: %q, %+v, %v", f.computed, changes, err)
	}
}

// TestCheck refuses an index of other weights, sizes or stages.
func TestCheck(t *testing.T) {
	x := &nearest.Index{About: about}
	same := about
	same.Weights, same.Precision = "elsewhere", "float32"
	if err := x.Check(same); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*features.About){
		`weights_sha256 "abc"`:  func(a *features.About) { a.Fingerprint = "abd" },
		`"size":75`:             func(a *features.About) { a.Preprocessing.Size = 80 },
		`layer "global_pool"`:   func(a *features.About) { a.Layer = "PreLogits" },
		`network "inception_v3`: func(a *features.About) { a.Network = "inception_v4" },
		`decoding {}`:           func(a *features.About) { a.Decoding.Exact = true },
	} {
		other := about
		change(&other)
		wanted.Error(t, x.Check(other), want)
	}
}

// TestOpenBroken expects errors, and no index, of files that are none.
func TestOpenBroken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.safetensors")
	whole := features.Table{About: about, Files: []string{"a", "b"}, Values: []float32{1, 2, 3, 4}}
	for want, change := range map[string]func(*features.Table){
		"of 1 photographs, expected 2": func(t *features.Table) { t.More = map[string]string{"inception.index": `{"photographs":[{}]}`} },
		"should be JSON":               func(t *features.Table) { t.More = map[string]string{"inception.index": `{"photographs":{}}`} },
	} {
		broken := whole
		change(&broken)
		if err := broken.Write(file); err != nil {
			t.Fatal(err)
		}
		_, err := nearest.Open(file)
		wanted.Error(t, err, file, want)
	}
	if err := whole.Write(file); err != nil {
		t.Fatal(err)
	}
	if x, err := nearest.Open(file); err != nil || x.Photos[1].Name != "b" || x.Vectors.Len() != 2 {
		t.Errorf("a file of features: %v, %v", x, err)
	}
}

// TestDuplicates has copies, near ones, and one that is near to a near one alone.
func TestDuplicates(t *testing.T) {
	photo := func(name string, width int, hash string) nearest.Photo {
		return nearest.Photo{Name: name, Width: width, Height: 10, SHA256: hash}
	}
	x := &nearest.Index{
		Photos: []nearest.Photo{
			photo("a", 20, "1"), photo("b", 90, "2"), photo("c", 20, "1"), photo("d", 50, "4"), photo("e", 10, "5"), photo("f", 10, "6"), photo("g", 10, "6"), photo("h", 10, "8"),
		},
		Vectors: vectors(t, [][]float32{{1, 0}, {1, 0.1}, {1, 0}, {0, 1}, {1, 0.25}, {0, 0}, {0, 0}, {-1, 0}}),
	}
	groups, err := x.Duplicates(t.Context(), 0.98)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int
	for _, g := range groups {
		var rows []int
		for _, m := range g {
			rows = append(rows, m.Row)
		}
		got = append(got, rows)
	}
	if want := [][]int{{1, 0, 2, 4}, {5, 6}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the groups are %v, want %v", got, want)
	} else if !groups[1][1].Identical || groups[0][1].Identical || groups[0][1].Similarity > 0.996 || groups[0][0].Similarity != 1 {
		t.Errorf("the groups are %+v", groups)
	}
	_, err = x.Duplicates(t.Context(), 0)
	wanted.Error(t, err, "(0,1]")
}
