package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// TestFormatOf tells formats by content before names.
func TestFormatOf(t *testing.T) {
	begins := func(magic string) func(tensorfile.Sample) bool {
		return func(s tensorfile.Sample) bool { return bytes.HasPrefix(s.Head, []byte(magic)) }
	}
	write := func(string, map[string]string, []tensorfile.Tensor) error { return nil }
	table := formatTable{
		{Name: "first", Endings: []string{".one", ".eins"}, recognise: begins("1"), write: write},
		{Name: "tail", Endings: []string{".two"}, recognise: func(s tensorfile.Sample) bool { return bytes.HasSuffix(s.Tail, []byte("2")) }},
		{Name: "folder", Endings: []string{".dir"}, recognise: func(s tensorfile.Sample) bool { return s.Folder }, write: write},
	}
	folder := t.TempDir()
	for _, c := range []struct{ name, content, want string }{
		{"a.two", "1 as it begins", "first"},
		{"a.one", strings.Repeat("x", 2000) + "2", "tail"},
		{"short.one", "2", "tail"},
		{"a.TWO", "neither", "tail"},
		{"b.eins", "", "first"},
		{"unknown.xyz", "neither", "first"},
	} {
		path := filepath.Join(folder, c.name)
		if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := table.of(path).Name; got != c.want {
			t.Errorf("%s with %.10q is of the format %s, want %s", c.name, c.content, got, c.want)
		}
	}
	if got := table.of(folder).Name; got != "folder" {
		t.Errorf("a folder is of the format %s", got)
	}
	if got := table.of(filepath.Join(folder, "not there.two")).Name; got != "tail" {
		t.Errorf("a file that is not there is of the format %s", got)
	}
	if f, err := table.writable("x.unknown"); f.Name != "first" || err != nil {
		t.Error(f.Name, err)
	}
	_, err := table.writable("x.two")
	if err == nil || !strings.Contains(err.Error(), "x.two") || !strings.Contains(err.Error(), "tail are only read") || !strings.Contains(err.Error(), ".one or .eins or .dir") {
		t.Errorf("writing what is only read: %v", err)
	}
}

func TestTrimEnding(t *testing.T) {
	for name, want := range map[string]string{
		"v4.safetensors": "v4", "V4.SafeTensors": "V4", ".safetensors": ".safetensors", "v4.tflite": "v4.tflite", "a.safetensors.bak": "a.safetensors.bak", "": "",
	} {
		if got := TrimEnding(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestLayouts(t *testing.T) {
	for _, row := range layouts() {
		for rank := range 5 {
			order := row.axes(rank)
			seen := make([]bool, rank)
			for _, axis := range order {
				seen[axis] = true
			}
			for axis, ok := range seen {
				if order != nil && !ok {
					t.Errorf("%s: of %d axes %v lacks %d", row.name, rank, order, axis)
				}
			}
		}
	}
	if last := layouts()[len(layouts())-1]; !last.recognise(nil) {
		t.Errorf("the last layout, %s, should take what no other recognises", last.name)
	}
}
