package dataset

import (
	"context"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestFlat expects all images in the order of their names, in a folder and in each form
// of archive, with the labels that are given, or none.
func TestFlat(t *testing.T) {
	files := pictures(t, "val_3.JPEG", "val_1.JPEG", "deeper/val_2.png", "val_2.JPEG")
	files["notes.txt"] = []byte("no image")
	classes := []string{"x", "y"}
	for form, path := range storedAs(t, files) {
		s := mustOpen(t, path, Options{Flat: true, Classes: classes, Labels: []int{1, 0, 1, 0}})
		if got, want := names(s), []string{"deeper/val_2.png", "val_1.JPEG", "val_2.JPEG", "val_3.JPEG"}; !slices.Equal(got, want) {
			t.Fatalf("%s: images %q, want %q", form, got, want)
		}
		for i, label := range []int{1, 0, 1, 0} {
			data, err := s.Read(i)
			if err != nil || s.Label(i) != label || !slices.Equal(data, files[s.Name(i)]) {
				t.Errorf("%s: image %d has the label %d, want %d: %v", form, i, s.Label(i), label, err)
			}
		}
		if !slices.Equal(s.Ignored(), []string{"notes.txt"}) || !slices.Equal(s.Classes(), classes) {
			t.Errorf("%s: ignored %q, classes %q", form, s.Ignored(), s.Classes())
		}
		if s := mustOpen(t, path, Options{Flat: true, Classes: classes}); s.Len() != 4 || s.Label(0) != -1 {
			t.Errorf("%s: without labels image 0 of %d has the label %d", form, s.Len(), s.Label(0))
		}
	}
}

func TestFlatErrors(t *testing.T) {
	path := filetree.Write(t, pictures(t, "1.png", "2.png"))
	classes := []string{"x", "y"}
	for name, c := range map[string]struct {
		path string
		o    Options
		want []string
	}{
		"few labels": {path, Options{Flat: true, Classes: classes, Labels: []int{1}}, []string{"2 images and 1 labels"}},
		"label":      {path, Options{Flat: true, Classes: classes, Labels: []int{1, 2}}, []string{"image 1", "2.png", "from 0 to 1"}},
		"no classes": {path, Options{Flat: true}, []string{"classes"}},
		"split":      {path, Options{Flat: true, Classes: classes, Split: "val"}, []string{`"val"`}},
		"not flat":   {filetree.Write(t, pictures(t, "a/1.png", "b/1.png")), Options{Labels: []int{0, 1}}, []string{"labels"}},
		"no images":  {filetree.Write(t, map[string][]byte{"a.txt": nil}), Options{Flat: true, Classes: classes}, []string{"found none"}},
		"records":    {filetree.File(t, "x.tfrecord", recordBytes(exampleBytes(textFeature("image/encoded", "x"), intFeature("image/class/label", 0)))), Options{Flat: true, Classes: classes}, []string{"TFRecord"}},
	} {
		_, err := Open(context.Background(), c.path, c.o)
		wanted.ErrorOf(t, name, err, append(c.want, c.path)...)
	}
}
