package hdf5

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var files = []string{"old.h5", "new.h5", "v108.h5", "block.h5"}

// number is one element as a float64.
func number(t *testing.T, typ Type, data []byte) float64 {
	data = slices.Clone(data)
	if typ.BigEndian {
		slices.Reverse(data)
	}
	switch typ.String() {
	case "float32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	case "float64":
		return math.Float64frombits(binary.LittleEndian.Uint64(data))
	case "int64":
		return float64(int64(binary.LittleEndian.Uint64(data)))
	case "float16":
		return math.NaN() // as its bytes
	}
	t.Fatalf("type %s", typ)
	return 0
}

// TestRead compares with what h5py says is in its files (testdata/make.py).
func TestRead(t *testing.T) {
	var expected map[string]map[string][3]any
	if err := json.Unmarshal(read(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data := read(t, name)
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		objects, err := f.Objects()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := map[string]map[string][]string{}
		sets := 0
		for _, o := range objects {
			text[o.Path] = o.Text
			want, ok := expected[name][o.Path]
			if o.Dataset == nil || !ok {
				continue
			}
			sets++
			var shape []int
			for _, n := range want[1].([]any) {
				shape = append(shape, int(n.(float64)))
			}
			if !slices.Equal(o.Dataset.Shape, shape) || o.Dataset.Type.String() != want[0] {
				t.Errorf("%s: %s is %s %v, want %v", name, o.Path, o.Dataset.Type, o.Dataset.Shape, want[:2])
				continue
			}
			values := want[2].([]any)
			size := o.Dataset.Type.Size
			elements := make([]byte, size*len(values))
			if err := o.Dataset.Read(elements); err != nil {
				t.Errorf("%s: %s: %v", name, o.Path, err)
				continue
			}
			for i, v := range values {
				if got := number(t, o.Dataset.Type, elements[i*size:][:size]); got != v.(float64) && !math.IsNaN(got) {
					t.Errorf("%s: %s[%d] is %g, want %g", name, o.Path, i, got, v)
					break
				}
			}
		}
		if sets != len(expected[name]) {
			t.Errorf("%s: %d data sets, want %d", name, sets, len(expected[name]))
		}
		long := strings.Repeat("x", 70000)
		if name == "v108.h5" {
			long = "short"
		}
		for key, want := range map[string][]string{
			"text": {"vor"}, "bytes": {"fixed"}, "names": {"a", "bc", strings.Repeat("d", 30)}, "fixed": {"one", "three"}, "empty": {}, "number": nil, "long": {long},
		} {
			if got := text[""][key]; !slices.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("%s: the attribute %s is %.40q, want %.40q", name, key, got, want)
			}
		}
		if got := text["layers/layer_7"]["name"]; !slices.Equal(got, []string{"conv_7"}) {
			t.Errorf("%s: the name of layer_7 is %q", name, got)
		}
		if got := text["tracked"]["a19"]; !slices.Equal(got, []string{"value 19"}) {
			t.Errorf("%s: the attribute a19 is %q, of %d", name, got, len(text["tracked"]))
		}
	}
}

// TestBroken cuts files short, and changes each byte of their structures.
func TestBroken(t *testing.T) {
	open := func(data []byte) error {
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return err
		}
		objects, err := f.Objects()
		for _, o := range objects {
			if o.Dataset != nil && err == nil {
				err = o.Dataset.Read(make([]byte, o.Dataset.bytes))
			}
		}
		return err
	}
	for _, name := range files {
		data := read(t, name)
		for n := 0; n < len(data); n += max(1, n/50) {
			if err := open(data[:n]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
		for at := 0; at < len(data); at += 3 + at/300 {
			changed := slices.Clone(data)
			changed[at] ^= 0xff
			if err := open(changed); err != nil && !errors.Is(err, ErrFormat) {
				t.Fatalf("%s changed at %d: %v", name, at, err)
			}
		}
	}
	if err := open([]byte("GIF89a")); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// TestGoesAround points the root's B-tree at itself, and a group at its parent.
func TestGoesAround(t *testing.T) {
	data := read(t, "old.h5")
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	messages, err := f.messages(f.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if m.kind != messageSymbolTable {
			continue
		}
		tree := binary.LittleEndian.Uint64(m.data)
		around := slices.Clone(data)
		around[tree+5] = 1 // a level above leaves
		binary.LittleEndian.PutUint64(around[tree+8+16+8:], tree)
		f, err := Open(bytes.NewReader(around), int64(len(around)))
		if err == nil {
			_, err = f.Objects()
		}
		if !errors.Is(err, ErrFormat) {
			t.Errorf("a B-tree that goes around: %v", err)
		}
		symbols := binary.LittleEndian.Uint64(data[tree+8+16+8:])
		looped := slices.Clone(data)
		for entry := symbols + 8; entry < symbols+8+4*40; entry += 40 {
			binary.LittleEndian.PutUint64(looped[entry+8:], f.root)
		}
		if f, err = Open(bytes.NewReader(looped), int64(len(looped))); err == nil {
			_, err = f.Objects()
		}
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "in itself") {
			t.Errorf("a group in itself: %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"tiny_old.h5", "tiny_new.h5"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%d bytes took %v", len(data), took)
			}
		}()
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		objects, err := file.Objects()
		if err != nil {
			return
		}
		for _, o := range objects {
			if o.Dataset != nil && o.Dataset.bytes <= 1<<20 {
				_ = o.Dataset.Read(make([]byte, o.Dataset.bytes))
			}
		}
	})
}
