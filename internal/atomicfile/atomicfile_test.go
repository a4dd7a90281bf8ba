package atomicfile

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oldFile puts a file in a folder of its own.
func oldFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// holds fails unless a file holds the content and its folder nothing else.
func holds(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("the file holds %q, %v, want %q", got, err, content)
	}
	if names := namesIn(t, filepath.Dir(path)); !slices.Equal(names, []string{filepath.Base(path)}) {
		t.Errorf("the folder holds %q, want the file alone", names)
	}
}

func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestWrite(t *testing.T) {
	path := oldFile(t)
	err := Write(path, func(w io.Writer) error {
		if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
			t.Errorf("while the new file is written the old one holds %q, %v", got, err)
		}
		_, err := io.WriteString(w, "new")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	// The permissions are those of any new file, not of the old one, nor private.
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(path); err != nil || got.Mode() != want.Mode() {
		t.Errorf("mode %v, %v, want %v", got.Mode(), err, want.Mode())
	}
}

func TestWriteBytes(t *testing.T) {
	path := oldFile(t)
	if err := WriteBytes(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
}

func TestRename(t *testing.T) {
	path := oldFile(t)
	from := filepath.Join(t.TempDir(), "staged")
	if err := WriteBytes(from, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := Rename(from, path); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	if err := Rename(from, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("renaming what is gone: %v", err)
	}
}

func TestWriteFails(t *testing.T) {
	broken := errors.New("broken")
	path := oldFile(t)
	err := Write(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return broken
	})
	if err != broken {
		t.Errorf("error %v, want that of write", err)
	}
	holds(t, path, "old")

	func() {
		defer func() {
			if r := recover(); r != broken {
				t.Errorf("recovered %v, want the panic of write", r)
			}
		}()
		_ = Write(path, func(io.Writer) error { panic(broken) })
	}()
	holds(t, path, "old")

	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteBytes(filepath.Join(folder, "taken"), nil); err == nil {
		t.Error("a folder was replaced")
	}
	if names := namesIn(t, folder); !slices.Equal(names, []string{"taken"}) {
		t.Errorf("the folder holds %q", names)
	}

	err = WriteBytes(filepath.Join(folder, "none", "file"), nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "check that the folder exists") {
		t.Errorf("without a folder: %v", err)
	}
}

// TestRemoveUnfinished leaves a file half-written as a process does that is killed.
func TestRemoveUnfinished(t *testing.T) {
	path := oldFile(t)
	folder := filepath.Dir(path)
	err := Write(path, func(io.Writer) error {
		if names := namesIn(t, folder); len(names) != 2 {
			t.Errorf("while a file is written the folder holds %q", names)
		}
		for _, name := range namesIn(t, folder) {
			if name == filepath.Base(path) {
				continue
			}
			if err := os.WriteFile(filepath.Join(folder, name+"2"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := namesIn(t, folder); len(names) != 2 {
		t.Fatalf("the folder holds %q", names)
	}
	if err := RemoveUnfinished(folder); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "")

	text := rand.Text()
	kept := []string{"notes.tmp-1.txt", "notes.tmp-" + text[1:], "notes.tmp-" + strings.ToLower(text), "notes.tmp-" + text + ".txt", mark + text}
	for _, name := range kept {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	kept = append(kept, "folder.tmp-"+text)
	if err := os.Mkdir(filepath.Join(folder, "folder.tmp-"+text), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := RemoveUnfinished(folder); err != nil {
		t.Fatal(err)
	}
	kept = append(kept, filepath.Base(path))
	slices.Sort(kept)
	if names := namesIn(t, folder); !slices.Equal(names, kept) {
		t.Errorf("of the user's own %q only %q are left", kept, names)
	}
	if err := RemoveUnfinished(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}
