package dataset

import (
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestNamed finds classes and splits in paths alone, wherever they lead to.
func TestNamed(t *testing.T) {
	paths := []string{"/data/train/dog/1.jpg", "/data/train/cat/2.jpg", "/data/train/cat/sub/3.jpg", "/data/val/cat/4.jpg", "/data/val/dog/5.jpg"}
	s, err := Named(paths, Options{Split: "train"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 3 || !slices.Equal(s.Classes(), []string{"cat", "dog"}) || s.Name(2) != CleanName(paths[0]) || s.Label(2) != 1 {
		t.Errorf("found %d of %q: %s is %d", s.Len(), s.Classes(), s.Name(2), s.Label(2))
	}
	_, err = s.Read(0)
	wanted.Error(t, err, "only the image's name is known")
	_, err = Named(paths, Options{})
	wanted.Error(t, err, "splits train, val")
	_, err = Named([]string{"../a.jpg", "../b.jpg"}, Options{})
	wanted.Error(t, err, "expected class folders")
	if name := CleanName("../.././x//y.jpg"); name != "x/y.jpg" {
		t.Errorf("cleaned to %q", name)
	}
}
