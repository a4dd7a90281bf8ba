package evaluate

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadSynsets reads text, and MAT-files that SciPy 1.10 wrote (scipy.io.savemat of a
// structure array with the fields of meta.mat, with and without do_compression): three
// classes out of order, and one above 1000.
func TestReadSynsets(t *testing.T) {
	want := []string{"n02119789", "n02100735", "n02110185"}
	for _, path := range []string{
		"testdata/meta.mat", "testdata/meta_compressed.mat",
		file(t, "n02100735 2 English_setter\r\nn02119789 1 kit_fox\n\nn02110185 3"),
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
		_, err := ReadSynsets(file(t, content))
		wantError(t, err, append(parts, "file.txt")...)
	}
	_, err := ReadSynsets(filepath.Join(t.TempDir(), "none"))
	wantError(t, err, "none")
	// A MAT-file that was not copied whole.
	whole, err := os.ReadFile("testdata/meta.mat")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 128; cut < len(whole)-8; cut += 24 {
		if got, err := ReadSynsets(file(t, string(whole[:cut]))); err == nil {
			t.Errorf("cut off after %d of %d bytes it has %q", cut, len(whole), got)
		}
	}
	foreign := bytes.Replace(whole, []byte("synsets"), []byte("synsetz"), 1)
	_, err = ReadSynsets(file(t, string(foreign)))
	wantError(t, err, "variable synsets")
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
	got, err := ReadGroundTruth(file(t, "3\n1\r\nn02100735\n3\n"), synsets)
	if err != nil || !slices.Equal(got, []int{2, 0, 1, 2}) {
		t.Errorf("labels are %v, %v", got, err)
	}
	for content, parts := range map[string][]string{
		"1\n4": {"line 2", `"4"`, "from 1 to 3"}, "0": {"line 1"}, "n00000000": {"n00000000"}, "\n": {"empty"},
	} {
		_, err := ReadGroundTruth(file(t, content), synsets)
		wantError(t, err, append(parts, "file.txt")...)
	}
}

// validation is a folder of images as ILSVRC-2012 has them.
func validation(t testing.TB, n int) string {
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i+1)] = gradient(t, 12, 10, i+1)
	}
	return folder(t, files)
}

// TestILSVRC evaluates a flat folder and the archive of it, whose five images have the
// classes 3, 1, 2, 3, 1 by number, with a network that has its classes in another order.
func TestILSVRC(t *testing.T) {
	synsets, err := ReadSynsets("testdata/meta.mat")
	if err != nil {
		t.Fatal(err)
	}
	labels, err := ReadGroundTruth(file(t, "3\n1\n2\n3\n1\n"), synsets)
	if err != nil {
		t.Fatal(err)
	}
	root := validation(t, 5)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for i := range 5 {
		name := fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", 5-i)
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	w.Close()
	m := calculator("net", 8, []recipe.Label{{Synset: "n02100735", Name: "x"}, {Synset: "n02110185", Name: "x"}, {Synset: "n02119789", Name: "x"}},
		func([]float32) []float32 { return []float32{1, 3, 2} }) // 3, 1, 2 by number
	for _, path := range []string{root, file(t, archive.String())} {
		set := open(t, path, dataset.Options{Flat: true, Classes: synsets, Labels: labels})
		r := run(t, []Member{m}, set, Options{})
		if r.Images != 5 || r.Rows[0].Top1.Count != 3 || r.Rows[0].Top5.Count != 0 {
			t.Errorf("rows are %+v", r.Rows)
		}
		exclude, err := ReadBlacklist(file(t, "1\n49999\n3\n"), set)
		if err != nil || !slices.Equal(exclude, []int{0, 2}) {
			t.Errorf("the blacklist is %v, %v", exclude, err)
		}
		r = run(t, []Member{m}, set, Options{Exclude: exclude})
		if r.Images != 3 || r.Excluded != 2 || r.Rows[0].Top1.Count != 2 {
			t.Errorf("without the blacklist: %+v", r)
		}
		_, err = ReadBlacklist(file(t, "1\n50001\n"), set)
		wantError(t, err, "line 2", "from 1 to 50000", "50001")
		_, err = ReadBlacklist(file(t, "0"), set)
		wantError(t, err, "line 1", `"0"`)
		wantError(t, r.WriteSubmission(&strings.Builder{}), "every image", "of 5 images 3")
	}
	test := open(t, root, dataset.Options{Flat: true, Classes: synsets})
	r := run(t, []Member{m}, test, Options{})
	if r.Labelled || r.PerClass != nil || r.Rows[0].Top1.Images != 0 {
		t.Errorf("without labels: %+v", r)
	}
	var submission strings.Builder
	if err := r.WriteSubmission(&submission); err != nil || submission.String() != strings.Repeat("3 1 2\n", 5) {
		t.Errorf("the submission is %q, %v", submission.String(), err)
	}
	wantError(t, r.DrawConfusion(&archive), "without labels")
}

// TestBlacklistOfOtherNames counts images from 1.
func TestBlacklistOfOtherNames(t *testing.T) {
	set := gradients(t, 3, 8, 8, "a", "b")
	got, err := ReadBlacklist(file(t, "6\n2"), set)
	if err != nil || !slices.Equal(got, []int{5, 1}) {
		t.Errorf("the blacklist is %v, %v", got, err)
	}
	for _, line := range []string{"7", "-1", "x"} {
		_, err := ReadBlacklist(file(t, line), set)
		wantError(t, err, "from 1 to 6", line)
	}
}
