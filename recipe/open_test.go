package recipe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenTraining(t *testing.T) {
	known, err := FindTraining("demo")
	if err != nil {
		t.Fatal(err)
	}
	text, err := known.Encode()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path, bad := filepath.Join(folder, "mine.yaml"), filepath.Join(folder, "bad.yaml")
	if err := errors.Join(os.WriteFile(path, text, 0o666), os.WriteFile(bad, []byte("batches: 3"), 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, short string }{{path, "mine"}, {"demo", "demo"}} {
		r, short, err := OpenTraining(c.name)
		if err != nil || short != c.short || r.Network != known.Network || r.Seed != known.Seed {
			t.Errorf("%s is %q, %+v, %v", c.name, short, r, err)
		}
	}
	if _, _, err := OpenTraining("none"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "there is no file none") {
		t.Errorf("an unknown recipe: %v", err)
	}
	if _, _, err := OpenTraining(bad); err == nil || errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), bad) {
		t.Errorf("a bad recipe: %v", err)
	}
}

func TestParseValidation(t *testing.T) {
	for text, want := range map[string]Validation{"0.1": {Share: 0.1}, "test": {Split: "test"}, "2": {Share: 2}} {
		if got := ParseValidation(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

func TestReadLabels(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.txt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("n01\tfirst\nsecond thing\r\nn03\tthird\n")
	got, err := ReadLabels(path)
	if want := []Label{{"n01", "first"}, {"", "second thing"}, {"n03", "third"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the labels are %v, %v", got, err)
	}
	write("one\n\nthree\n")
	if _, err := ReadLabels(path); err == nil || !strings.Contains(err.Error(), path+": line 2") {
		t.Errorf("an empty line: %v", err)
	}
	if _, err := ReadLabels(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
