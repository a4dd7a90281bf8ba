package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// data are the images of a run.
type data struct {
	training, validation *dataset.Set
	leftOut              dataset.LeftOut
	close                func() error
}

// openData opens what a recipe trains on and what it measures accuracies on.
func openData(ctx context.Context, r recipe.Training) (*data, error) {
	if r.Data == "" {
		return nil, errors.New("there is nothing to train on; give the path of a data set")
	}
	o := dataset.Options{Split: r.Split, LabelOffset: r.LabelOffset}
	set, err := dataset.Open(ctx, r.Data, o)
	if err != nil {
		return nil, err
	}
	if r.Validation.Split == "" {
		rest, held, err := set.HoldOut(r.Validation.Share)
		if err != nil {
			return nil, errors.Join(err, set.Close())
		}
		return checkData(&data{rest, held, set.LeftOut(), set.Close})
	}
	o.Split, o.Classes = r.Validation.Split, set.Classes()
	validation, err := dataset.Open(ctx, r.Data, o)
	if err != nil {
		return nil, errors.Join(err, set.Close())
	}
	close := func() error { return errors.Join(set.Close(), validation.Close()) }
	if set.Split() != "" && set.Split() == validation.Split() {
		return nil, errors.Join(fmt.Errorf("the split %q to train on and %q to validate on are both %s; name another to validate on, or hold out a share", r.Split, r.Validation.Split, set.Split()), close())
	}
	left := set.LeftOut()
	left.Images = append(left.Images, validation.LeftOut().Images...) // the same folders are seen twice
	return checkData(&data{set, validation, left, close})
}

// checkData refuses classes without an image to learn from, such as those whose folders
// cannot be read.
func checkData(d *data) (*data, error) {
	classes := d.training.Classes()
	images := make([]int, len(classes))
	for i := range d.training.Len() {
		images[d.training.Label(i)]++
	}
	for label, n := range images {
		if n > 0 || len(d.leftOut.Unreadable) == 0 {
			continue
		}
		first := d.leftOut.Unreadable[0]
		return nil, errors.Join(fmt.Errorf("the class %s has no image to train on, and %d folders or files cannot be read, the first is %s: %w; give the right to read them, or remove them", classes[label], len(d.leftOut.Unreadable), first.Name, first.Err), d.close())
	}
	return d, nil
}

// A fingerprint tells whether a run that resumes sees the images that it was begun with.
type fingerprint struct {
	Classes []string `json:"classes"`
	Images  int      `json:"images"`
	// Names is a hash of all names and labels.
	Names string `json:"names"`
}

func fingerprintOf(s *dataset.Set) fingerprint {
	h := sha256.New()
	for i := range s.Len() {
		fmt.Fprintf(h, "%s\x00%d\n", s.Name(i), s.Label(i))
	}
	return fingerprint{s.Classes(), s.Len(), hex.EncodeToString(h.Sum(nil))}
}

// check compares with what a checkpoint says of the images to do something on.
func (f fingerprint) check(begun fingerprint, do string) error {
	switch {
	case !slices.Equal(f.Classes, begun.Classes):
		return fmt.Errorf("the run was begun with the classes %s, found %s; resume it with the same images", strings.Join(begun.Classes, ", "), strings.Join(f.Classes, ", "))
	case f.Images != begun.Images:
		return fmt.Errorf("the run was begun with %d images to %s, found %d; resume it with the same ones", begun.Images, do, f.Images)
	case f.Names != begun.Names:
		return fmt.Errorf("the run was begun with images of other names or labels to %s; resume it with the same ones", do)
	}
	return nil
}

// preparation is what happens to the images that are trained on.
func preparation(r recipe.Training) dataset.Preparation {
	switch r.Distortion {
	case recipe.FullDistortion, recipe.FastDistortion:
		return vision.Distortion{Size: r.Size, Fast: r.Distortion == recipe.FastDistortion, Alpha: r.Alpha}
	case recipe.ShiftDistortion:
		return vision.PadCrop{Size: r.Size, Alpha: r.Alpha}
	}
	return r.Preprocessing()
}
