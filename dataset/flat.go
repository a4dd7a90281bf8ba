package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// unlabelled is the label of images whose class is not known.
const unlabelled = -1

// arrangeFlat returns all images of a listing in the order of their names, with the
// labels that were given.
func arrangeFlat(l listing, o Options) (items []item, ignored []string, err error) {
	if o.Split != "" {
		return nil, nil, fmt.Errorf("the split is %q, expected none: a flat set has no folders to tell splits by", o.Split)
	}
	if o.Classes == nil {
		return nil, nil, errors.New("expected the classes to be given, since a flat set has no folders to tell them by")
	}
	for at, f := range l.files {
		if !f.kind.image {
			ignored = append(ignored, f.name)
			continue
		}
		items = append(items, item{name: f.name, key: keyOf(f.name), label: unlabelled, at: at})
	}
	if len(items) == 0 {
		return nil, nil, fmt.Errorf("expected images (%s), found none and %d other files", ImageEndings(), len(ignored))
	}
	slices.Sort(ignored)
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	if o.Labels == nil {
		return items, ignored, nil
	}
	if len(o.Labels) != len(items) {
		return nil, nil, fmt.Errorf("found %d images and %d labels, expected one label for each; check that both are of the same split, and that no image is missing", len(items), len(o.Labels))
	}
	for i, label := range o.Labels {
		if label < 0 || label >= len(o.Classes) {
			return nil, nil, fmt.Errorf("image %d, %s, has the label %d, expected one from 0 to %d", i, items[i].name, label, len(o.Classes)-1)
		}
		items[i].label = int32(label)
	}
	return items, ignored, nil
}
