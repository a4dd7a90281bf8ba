package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestContent has images of any name, other files with theirs, and what other programs
// leave behind.
func TestContent(t *testing.T) {
	jpeg, png := picture(t, "a.jpg", 1), picture(t, "a.png", 2)
	heic := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	files := map[string][]byte{
		"cat/DSC_0001": jpeg, "cat/b.jpg_large": png, "cat/c.dat": jpeg, "cat/d.jpe": jpeg, "cat/e.jfif": jpeg, "cat/f.JPG": jpeg,
		"cat/text.jpg": []byte("<html>"), "cat/empty.png": nil, // found unreadable when they are decoded
		"dog/1.jpg": jpeg,
		// Not images:
		"cat/notes": []byte("a text"), "cat/clip.MOV": []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  "), "cat/none": nil, "cat/list.txt": []byte("BMX"),
		// Images of other formats:
		"cat/g.HEIC": heic, "dog/raw.NEF": []byte("MM\x00*"), "dog/unnamed": heic,
		// Left behind:
		"cat/._f.JPG": jpeg, "._cat": jpeg, "__MACOSX/cat/._f.JPG": jpeg, ".Trashes/501/x.jpg": jpeg, "cat/.thumbnails/f.jpg": jpeg,
		"cat/@eaDir/f.JPG/SYNOPHOTO_THUMB_M.jpg": jpeg, "cat/Thumbs.db": jpeg, "$RECYCLE.BIN/y.jpg": jpeg, "#recycle/z.jpg": jpeg, "lost+found/": nil,
	}
	delete(files, "cat/list.txt") // begins as a BMP does
	for form, path := range storedAs(t, files) {
		s := mustOpen(t, path, Options{})
		want := []string{"cat/DSC_0001", "cat/b.jpg_large", "cat/c.dat", "cat/d.jpe", "cat/e.jfif", "cat/empty.png", "cat/f.JPG", "cat/text.jpg", "dog/1.jpg"}
		if got := names(s); !slices.Equal(got, want) {
			t.Errorf("%s: images %q, want %q", form, got, want)
		}
		left := s.LeftOut()
		slices.SortFunc(left.Images, func(a, b ForeignImage) int { return strings.Compare(a.Name, b.Name) })
		foreign := []ForeignImage{{"cat/g.HEIC", "HEIC"}, {"dog/raw.NEF", "a camera's raw file"}, {"dog/unnamed", "HEIC"}}
		if !slices.Equal(left.Images, foreign) || left.Unreadable != nil || left.Circles != nil {
			t.Errorf("%s: left out %v, want %v", form, left, foreign)
		}
		if got, want := s.Ignored(), []string{"cat/clip.MOV", "cat/g.HEIC", "cat/none", "cat/notes", "dog/raw.NEF", "dog/unnamed"}; !slices.Equal(got, want) {
			t.Errorf("%s: ignored %q, want %q", form, got, want)
		}
		for i := range s.Len() {
			if data, err := s.Read(i); err != nil || string(data) != string(files[s.Name(i)]) {
				t.Errorf("%s: %s has other bytes: %v", form, s.Name(i), err)
			}
		}
	}
	got, _, err := Images(context.Background(), filetree.Write(t, files))
	if err != nil || len(got) != 9+3 {
		t.Errorf("Images found %q, %v, want 9 and the 3 of other formats", got, err)
	}
}

func link(t *testing.T, to string, at ...string) {
	t.Helper()
	if err := os.Symlink(to, filepath.Join(at...)); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// TestCircles has links that lead back, in every way, and many ways to one folder.
func TestCircles(t *testing.T) {
	root := filetree.Write(t, pictures(t, "set/cat/1.jpg", "set/dog/deep/2.jpg", "set/dog/3.jpg"))
	set := filepath.Join(root, "set")
	link(t, set, set, "cat", "up")                           // to what is opened
	link(t, "../..", set, "dog", "deep", "relative")         // out of it, and back
	link(t, ".", set, "cat", "self")                         // to itself
	link(t, "../cat", set, "dog", "other")                   // to each other
	link(t, "../dog", set, "cat", "other")                   //
	link(t, "loop", set, "cat", "loop")                      // that no file lies behind
	link(t, "../deep", set, "dog", "deep", "by another way") // through the folder around
	link(t, "../..", set, "dog", "out")                      // out of what is opened, whose folder leads back
	s := mustOpen(t, set, Options{})
	left := s.LeftOut()
	for _, name := range names(s) {
		if strings.Count(name, "/") > 12 {
			t.Errorf("%s is far away", name)
		}
	}
	for _, want := range []string{"cat/self", "cat/up", "cat/other/other", "dog/other/other", "dog/deep/by another way", "dog/out/set"} {
		if !slices.Contains(left.Circles, want) {
			t.Errorf("circles %q, want %q among them", left.Circles, want)
		}
	}
	if len(left.Unreadable) == 0 || left.Unreadable[0].Name != "cat/loop" {
		t.Errorf("unreadable %v, want the link to itself", left.Unreadable)
	}

	// Each folder has two links to the next: 2^20 ways.
	ways := t.TempDir()
	for i := range 20 {
		if err := os.Mkdir(filepath.Join(ways, fmt.Sprint(i)), 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			link(t, filepath.Join(ways, fmt.Sprint(i+1)), ways, fmt.Sprint(i), name)
		}
	}
	if err := os.Mkdir(filepath.Join(ways, "20"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ways, "20", "x.jpg"), picture(t, "x.jpg", 1), 0o666); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	images, leftOut, err := Images(context.Background(), filepath.Join(ways, "0"))
	if err != nil || len(images) == 0 || len(leftOut.Unreadable) == 0 || time.Since(begin) > 20*time.Second {
		t.Errorf("%d images in %v, %d unreadable, %v", len(images), time.Since(begin), len(leftOut.Unreadable), err)
	}
	wanted.ErrorOf(t, "many ways", leftOut.Unreadable[0].Err, "at most 64 symbolic links")
}

// TestPipes has what is no file, which must not be waited for.
func TestPipes(t *testing.T) {
	root := filetree.Write(t, pictures(t, "cat/1.jpg", "dog/1.jpg"))
	for _, name := range []string{"cat/2.jpg", "cat/pipe"} {
		if err := mkfifo(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			t.Skipf("no pipes here: %v", err)
		}
	}
	s := mustOpen(t, root, Options{})
	if want := []string{"cat/1.jpg", "cat/2.jpg", "dog/1.jpg"}; !slices.Equal(names(s), want) {
		t.Fatalf("%q, want %q", names(s), want)
	}
	_, err := s.Read(1)
	wanted.ErrorOf(t, "pipe", err, "2.jpg", "expected a file")
	if left := s.LeftOut().Unreadable; len(left) != 1 || left[0].Name != "cat/pipe" {
		t.Errorf("left out %v", left)
	}
	images, leftOut, err := Images(context.Background(), root)
	if err != nil || len(images) != 2 || len(leftOut.Unreadable) != 2 || leftOut.Unreadable[1].Name != "cat/2.jpg" {
		t.Errorf("images %q, left out %v, %v", images, leftOut.Unreadable, err)
	}
	_, err = Open(context.Background(), filepath.Join(root, "cat", "pipe"), Options{})
	wanted.ErrorOf(t, "a pipe as the set", err, "expected a file", "pipe")
}

// TestForbidden has folders that this user may not list.
func TestForbidden(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may list all folders")
	}
	root := filetree.Write(t, pictures(t, "cat/1.jpg", "cat/deep/2.jpg", "dog/1.jpg", "eel/1.jpg"))
	for _, name := range []string{"cat/deep", "eel"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o777) })
	}
	s := mustOpen(t, root, Options{})
	if !slices.Equal(s.Classes(), []string{"cat", "dog", "eel"}) || !slices.Equal(names(s), []string{"cat/1.jpg", "dog/1.jpg"}) {
		t.Errorf("%q of %q", names(s), s.Classes())
	}
	left := s.LeftOut().Unreadable
	if len(left) != 2 || left[0].Name != "cat/deep" || left[1].Name != "eel" || !errors.Is(left[1].Err, fs.ErrPermission) {
		t.Errorf("left out %v", left)
	}
}

// TestNormalForms has one class in two normal forms, and names that are not UTF-8.
func TestNormalForms(t *testing.T) {
	composed, decomposed := "caf\u00e9", "cafe\u0301"
	files := pictures(t, "train/"+composed+"/1.jpg", "train/"+decomposed+"/2.jpg", "train/bar/1.jpg", "val/"+decomposed+"/1.jpg", "val/bar/1.jpg")
	for form, path := range storedAs(t, files) {
		s := mustOpen(t, path, Options{Split: "train"})
		if want := []string{"bar", composed}; !slices.Equal(s.Classes(), want) || s.Len() != 3 {
			t.Errorf("%s: %d images of %q, want 3 of %q", form, s.Len(), s.Classes(), want)
		}
		v := mustOpen(t, path, Options{Split: "validation", Classes: []string{decomposed, "bar"}})
		if v.Len() != 2 || v.Split() != "val" || v.Label(0) == v.Label(1) {
			t.Errorf("%s: validation has %q", form, names(v))
		}
	}
	_, err := Open(context.Background(), filetree.Write(t, files), Options{Split: "train", Classes: []string{composed, decomposed}})
	wanted.ErrorOf(t, "one class twice", err, "same name")

	root := t.TempDir()
	for _, name := range []string{"a\xff", "a\xfe"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o777); err != nil {
			t.Skipf("names are UTF-8 here: %v", err)
		}
		if err := os.WriteFile(filepath.Join(root, name, "1\xf0.jpg"), files["train/bar/1.jpg"], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := mustOpen(t, root, Options{})
	if want := []string{`a\xfe`, `a\xff`}; !slices.Equal(s.Classes(), want) || s.Name(0) != "a\xfe/1\xf0.jpg" {
		t.Errorf("%q of %q", names(s), s.Classes())
	}
	if _, err := s.Read(1); err != nil {
		t.Error(err)
	}
}

// TestSplitNames finds splits by case and by custom.
func TestSplitNames(t *testing.T) {
	for _, c := range []struct {
		train, validation, test string
	}{
		{"train", "val", "test"},
		{"Train", "Valid", "Test"},
		{"TRAINING", "VALIDATION", "TESTING"},
		{"seg_train", "seg_val", "seg_test"},
		{"training_set", "validation-set", "test_set"},
		{"Training Data", "dev", "Test Images"},
		{"train2017", "val2017", "test2017"},
		{"trainSet", "ValSet", "testSet"},
	} {
		files := pictures(t, c.train+"/cat/1.jpg", c.train+"/dog/1.jpg", c.validation+"/cat/2.jpg", c.validation+"/dog/2.jpg", c.test+"/cat/3.jpg", c.test+"/dog/3.jpg")
		for form, path := range map[string]string{"folder": filetree.Write(t, files), "tar.gz": filetree.File(t, "set.tgz", gzipped(t, tarBytes(t, files)))} {
			for split, want := range map[string]string{
				"train": c.train, "training": c.train, "Train": c.train, "val": c.validation, "validation": c.validation, "valid": c.validation, "test": c.test, c.test: c.test,
			} {
				s := mustOpen(t, path, Options{Split: split})
				if s.Split() != want || s.Len() != 2 || !strings.HasPrefix(s.Name(0), want+"/") {
					t.Errorf("%s: %s is %q, %q, want %q", form, split, s.Split(), names(s), want)
				}
			}
			_, err := Open(context.Background(), path, Options{})
			wanted.ErrorOf(t, c.train, err, "found the splits", c.train, "name the split")
		}
	}
	// A folder of the split's own name within it, and one without classes beside.
	intel := pictures(t, "seg_train/seg_train/sea/1.jpg", "seg_train/seg_train/street/1.jpg", "seg_test/seg_test/sea/1.jpg", "seg_test/seg_test/street/1.jpg", "seg_pred/seg_pred/1.jpg")
	if s := mustOpen(t, filetree.Write(t, intel), Options{Split: "test"}); s.Split() != "seg_test" || !slices.Equal(s.Classes(), []string{"sea", "street"}) {
		t.Errorf("%q of %q", names(s), s.Classes())
	}
	// Classes whose names have such words are no splits.
	trains := pictures(t, "steam_train/1.jpg", "test_tube/1.jpg", "electric train/1.jpg")
	if s := mustOpen(t, filetree.Write(t, trains), Options{}); len(s.Classes()) != 3 {
		t.Errorf("classes %q", s.Classes())
	}
	_, err := Open(context.Background(), filetree.Write(t, trains), Options{Split: "train"})
	wanted.ErrorOf(t, "no split", err, `no split "train"`, "steam_train")
	two := pictures(t, "train_a/cat/1.jpg", "train_a/dog/1.jpg")
	_, err = Open(context.Background(), filetree.Write(t, two), Options{Split: "train"})
	wanted.ErrorOf(t, "another word", err, "no split")
	both := pictures(t, "Train/cat/1.jpg", "Train/dog/1.jpg", "training/cat/1.jpg", "training/dog/1.jpg")
	_, err = Open(context.Background(), filetree.Write(t, both), Options{Split: "train"})
	if err != nil { // Train differs in case alone
		t.Error(err)
	}
	_, err = Open(context.Background(), filetree.Write(t, pictures(t, "trainset/cat/1.jpg", "train_set/cat/1.jpg", "training/cat/1.jpg")), Options{Split: "train"})
	wanted.ErrorOf(t, "several", err, "may be any of", "train_set", "training")
}
