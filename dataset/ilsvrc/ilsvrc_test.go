package ilsvrc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestReadSynsets reads text, and MAT-files that SciPy 1.10 wrote (scipy.io.savemat of a
// structure array with the fields of meta.mat, with and without do_compression): three
// classes out of order, and one above 1000.
func TestReadSynsets(t *testing.T) {
	want := []string{"n02119789", "n02100735", "n02110185"}
	for _, path := range []string{
		"testdata/meta.mat", "testdata/meta_compressed.mat",
		filetree.File(t, "file.txt", []byte("n02100735 2 English_setter\r\nn02119789 1 kit_fox\n\nn02110185 3")),
	} {
		got, err := ReadSynsets(path)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
	for content, parts := range map[string][]string{
		"n02119789":                  {"line 1", "n02119789", "kit_fox"},
		"n02119789 1\nkit fox":       {"line 2", "kit fox"},
		"n02119789 1\nn02100735 x":   {"line 2"},
		"n02119789 1\nn02100735 1":   {"line 2", "twice"},
		"n02119789 1\nn02119789 2":   {"line 2", "twice"},
		"n02119789 1\nn02100735 3":   {"n02100735", "ILSVRC2012_ID 3", "from 1 to 2"},
		"n02119789 0\nn02100735 1":   {"ILSVRC2012_ID 0"},
		"n02119789 1":                {"at least two"},
		"":                           {"found 0"},
		"2 n02119789\n1 n02100735\n": {"line 1"},
	} {
		_, err := ReadSynsets(filetree.File(t, "file.txt", []byte(content)))
		wanted.Error(t, err, append(parts, "file.txt")...)
	}
	_, err := ReadSynsets(filepath.Join(t.TempDir(), "none"))
	wanted.Error(t, err, "none")
	// A MAT-file that was not copied whole.
	whole, err := os.ReadFile("testdata/meta.mat")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 128; cut < len(whole)-8; cut += 24 {
		if got, err := ReadSynsets(filetree.File(t, "file.txt", []byte(string(whole[:cut])))); err == nil {
			t.Errorf("cut off after %d of %d bytes it has %q", cut, len(whole), got)
		}
	}
	foreign := bytes.Replace(whole, []byte("synsets"), []byte("synsetz"), 1)
	_, err = ReadSynsets(filetree.File(t, "file.txt", []byte(string(foreign))))
	wanted.Error(t, err, "variable synsets")
}

func FuzzMAT(f *testing.F) {
	for _, path := range []string{"testdata/meta.mat", "testdata/meta_compressed.mat"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if isMAT(data) {
			matSynsets(data)
		}
	})
}

func TestReadGroundTruth(t *testing.T) {
	synsets := []string{"n02119789", "n02100735", "n02110185"}
	got, err := ReadGroundTruth(filetree.File(t, "file.txt", []byte("3\n1\r\nn02100735\n3\n")), synsets)
	if err != nil || !slices.Equal(got, []int{2, 0, 1, 2}) {
		t.Errorf("labels are %v, %v", got, err)
	}
	for content, parts := range map[string][]string{
		"1\n4": {"line 2", `"4"`, "from 1 to 3"}, "0": {"line 1"}, "n00000000": {"n00000000"}, "\n": {"empty"},
	} {
		_, err := ReadGroundTruth(filetree.File(t, "file.txt", []byte(content)), synsets)
		wanted.Error(t, err, append(parts, "file.txt")...)
	}
}

// TestBlacklistOfOtherNames counts images from 1.
func TestBlacklistOfOtherNames(t *testing.T) {
	root := t.TempDir()
	for _, class := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(root, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := os.WriteFile(filepath.Join(root, class, fmt.Sprint(i, ".png")), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, err := dataset.Open(context.Background(), root, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	got, err := ReadBlacklist(filetree.File(t, "file.txt", []byte("6\n2")), set)
	if err != nil || !slices.Equal(got, []int{5, 1}) {
		t.Errorf("the blacklist is %v, %v", got, err)
	}
	for _, line := range []string{"7", "-1", "x"} {
		_, err := ReadBlacklist(filetree.File(t, "file.txt", []byte(line)), set)
		wanted.Error(t, err, "from 1 to 6", line)
	}
}

func TestWriteSubmission(t *testing.T) {
	var text strings.Builder
	if err := WriteSubmission(&text, [][]int{{2, 0}, {1, 2}}, 2); err != nil || text.String() != "3 1\n2 3\n" {
		t.Errorf("the submission is %q, %v", &text, err)
	}
	wanted.Error(t, WriteSubmission(&text, [][]int{{2, 0}}, 2), "every image", "of 2 images 1")
}
