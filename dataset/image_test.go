package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	got, _, err := Images(context.Background(), root)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if got, _, err := Images(context.Background(), t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("of an empty folder: %q, %v", got, err)
	}
	if _, _, err := Images(context.Background(), filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// TestLists holds what help texts and errors list to what is read.
func TestLists(t *testing.T) {
	for ending := range strings.SplitSeq(strings.ReplaceAll(ImageEndings(), " or ", ", "), ", ") {
		if k, _ := kindOf("picture"+strings.ToUpper(ending), nil); !k.image {
			t.Errorf("files that end in %s are listed as images, but not read", ending)
		}
	}
	for _, c := range compressions() {
		if !strings.Contains(Sources(), c.ending) {
			t.Errorf("%q should contain the archives of %s, %s", Sources(), c.name, c.ending)
		}
	}
	for _, s := range sources() {
		if !strings.Contains(Sources(), s.what) {
			t.Errorf("%q should contain %q", Sources(), s.what)
		}
	}
}
