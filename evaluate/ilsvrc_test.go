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
	"github.com/seed-fb2c0fa6/inception/dataset/ilsvrc"
	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// validation is a folder of images as ILSVRC-2012 has them.
func validation(t testing.TB, n int) string {
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i+1)] = gradient(t, 12, 10, i+1)
	}
	return filetree.Write(t, files)
}

// TestILSVRC evaluates a flat folder and the archive of it, whose five images have the
// classes 3, 1, 2, 3, 1 by number, with a network that has its classes in another order.
func TestILSVRC(t *testing.T) {
	synsets, err := ilsvrc.ReadSynsets("../dataset/ilsvrc/testdata/meta.mat")
	if err != nil {
		t.Fatal(err)
	}
	labels, err := ilsvrc.ReadGroundTruth(filetree.File(t, "file.txt", []byte("3\n1\n2\n3\n1\n")), synsets)
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
	for _, path := range []string{root, filetree.File(t, "file.txt", archive.Bytes())} {
		set := open(t, path, dataset.Options{Flat: true, Classes: synsets, Labels: labels})
		r := run(t, []Member{m}, set, Options{})
		if r.Images != 5 || r.Rows[0].Top1.Count != 3 || r.Rows[0].Top5.Count != 0 {
			t.Errorf("rows are %+v", r.Rows)
		}
		exclude, err := ilsvrc.ReadBlacklist(filetree.File(t, "file.txt", []byte("1\n49999\n3\n")), set)
		if err != nil || !slices.Equal(exclude, []int{0, 2}) {
			t.Errorf("the blacklist is %v, %v", exclude, err)
		}
		r = run(t, []Member{m}, set, Options{Exclude: exclude})
		if r.Images != 3 || r.Excluded != 2 || r.Rows[0].Top1.Count != 2 {
			t.Errorf("without the blacklist: %+v", r)
		}
		_, err = ilsvrc.ReadBlacklist(filetree.File(t, "file.txt", []byte("1\n50001\n")), set)
		wanted.Error(t, err, "line 2", "from 1 to 50000", "50001")
		_, err = ilsvrc.ReadBlacklist(filetree.File(t, "file.txt", []byte("0")), set)
		wanted.Error(t, err, "line 1", `"0"`)
		wanted.Error(t, ilsvrc.WriteSubmission(&strings.Builder{}, r.Best(), r.Of), "every image", "of 5 images 3")
	}
	test := open(t, root, dataset.Options{Flat: true, Classes: synsets})
	r := run(t, []Member{m}, test, Options{})
	if r.Labelled || r.PerClass != nil || r.Rows[0].Top1.Images != 0 {
		t.Errorf("without labels: %+v", r)
	}
	var submission strings.Builder
	if err := ilsvrc.WriteSubmission(&submission, r.Best(), r.Of); err != nil || submission.String() != strings.Repeat("3 1 2\n", 5) {
		t.Errorf("the submission is %q, %v", submission.String(), err)
	}
	wanted.Error(t, r.DrawConfusion(&archive), "without labels")
}
