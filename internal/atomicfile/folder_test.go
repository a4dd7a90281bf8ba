package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWriteFolder(t *testing.T) {
	above := t.TempDir()
	path := filepath.Join(above, "new", "folder")
	names := []string{"a", "b"}
	fill := func(name, content string) func(string) error {
		return func(folder string) error { return WriteBytes(filepath.Join(folder, name), []byte(content)) }
	}
	holds := func(want ...string) {
		t.Helper()
		if got := namesIn(t, path); !slices.Equal(got, want) {
			t.Errorf("the folder holds %q, want %q", got, want)
		}
		if got := namesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"folder"}) {
			t.Errorf("beside the folder there is %q", got)
		}
	}
	if err := WriteFolder(path, names, fill("a", "1")); err != nil {
		t.Fatal(err)
	}
	holds("a")
	if err := WriteFolder(path+"/", names, fill("b", "2")); err != nil {
		t.Fatal(err)
	}
	holds("b")
	broken := errors.New("broken")
	if err := WriteFolder(path, names, func(folder string) error { return errors.Join(fill("a", "3")(folder), broken) }); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of write", err)
	}
	holds("b")

	// What is not its own stays.
	other := filepath.Join(path, "letter.txt")
	if err := os.WriteFile(other, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := WriteFolder(path, names, fill("a", "4")); err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("a folder with a letter: %v", err)
	}
	holds("b", "letter.txt")
	if err := CheckFolder(other, names); err == nil || !strings.Contains(err.Error(), "expected a folder") {
		t.Errorf("a file: %v", err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, "a"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := CheckFolder(path, names); err == nil {
		t.Error("a folder of this name is no file")
	}
}
