package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
)

// TestImages expects the images that a set of the same folder has, in the order of the
// folders.
func TestImages(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range []string{
		"b/2.PNG", "b/1.jpe", "b/deeper/0.jfif", "b.jpg", "a.webp", "c.bmp", "notes.txt", "jpg",
		".hidden.jpg", ".thumbnails/a.jpg", "__MACOSX/b/._2.png", "b/._2.PNG",
	} {
		files[name] = nil
	}
	root := filetree.Write(t, files)
	want := []string{"a.webp", "b/1.jpe", "b/2.PNG", "b/deeper/0.jfif", "b.jpg", "c.bmp"}
	if err := os.Symlink(filepath.Join(root, "b", "deeper"), filepath.Join(root, "link")); err == nil {
		want = append(want, "link/0.jfif")
	}
	for i, name := range want {
		want[i] = filepath.Join(root, filepath.FromSlash(name))
	}
	got, err := Images(context.Background(), root)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if got, err := Images(context.Background(), t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("of an empty folder: %q, %v", got, err)
	}
	if _, err := Images(context.Background(), filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}
