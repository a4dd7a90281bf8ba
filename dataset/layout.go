package dataset

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A listing is what a folder or an archive holds: slash-separated paths below it,
// without hidden ones.
type listing struct {
	files   []string
	folders []string
}

// splitNames are folders that are taken for splits rather than classes when all
// folders beside them are such too.
func splitNames() []string {
	return []string{"train", "training", "val", "valid", "validation", "test", "testing", "dev", "eval", "evaluation"}
}

// arrange finds splits and classes in a listing, and returns the images of one split
// with at as their place in l.files, in the order of their names.
func arrange(l listing, o Options) (classes []string, items []item, ignored []string, err error) {
	tree := newTree(l)
	base, err := tree.base(o.Split)
	if err != nil {
		return nil, nil, nil, err
	}
	found := tree.folders(base)
	if classes = o.Classes; classes == nil {
		classes = found
		if err := tree.sameClasses(base, o.Split, found); err != nil {
			return nil, nil, nil, err
		}
	}
	if len(found) == 0 {
		return nil, nil, nil, tree.noClasses(base)
	}
	if err := enoughClasses(classes); err != nil {
		return nil, nil, nil, err
	}
	labels := make(map[string]int32, len(classes))
	for i, class := range classes {
		labels[class] = int32(i)
	}
	for _, class := range found {
		if _, ok := labels[class]; !ok {
			return nil, nil, nil, fmt.Errorf("folder %s is not one of the %d classes that were given (%s); remove or rename it, or give its class too",
				base+class, len(classes), some(classes))
		}
		if tree.images[base+class] == 0 {
			return nil, nil, nil, tree.emptyClass(base + class)
		}
	}
	for at, name := range l.files {
		below, ok := strings.CutPrefix(name, base)
		if !ok {
			continue
		}
		class, _, ok := strings.Cut(below, "/")
		if !ok || !isImage(name) {
			ignored = append(ignored, name)
			continue
		}
		items = append(items, item{name: name, key: keyOf(below), label: labels[class], at: at})
	}
	slices.Sort(ignored)
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return classes, items, ignored, nil
}

// assemble makes a set of a listing, unless there was an error.
func assemble(l listing, s storage, o Options, err error) (*Set, error) {
	if err != nil {
		return nil, err
	}
	if o.LabelOffset != 0 {
		return nil, fmt.Errorf("the label offset is %d, expected 0: folders have no numbers", o.LabelOffset)
	}
	if o.Flat {
		items, ignored, err := arrangeFlat(l, o)
		if err != nil {
			return nil, err
		}
		return &Set{classes: o.Classes, items: items, ignored: ignored, storage: s}, nil
	}
	if o.Labels != nil {
		return nil, errors.New("found labels, expected none: the images of a set that is not flat have those of their folders")
	}
	classes, items, ignored, err := arrange(l, o)
	if err != nil {
		return nil, err
	}
	return &Set{classes: classes, items: items, ignored: ignored, storage: s}, nil
}

// A tree answers what is below a folder. Folders are named without a slash at the
// end; the root is the empty string.
type tree struct {
	listing  listing
	children map[string]map[string]bool // the folders in a folder
	images   map[string]int             // the number of images below a folder, at any depth
}

func newTree(l listing) *tree {
	t := &tree{l, map[string]map[string]bool{}, map[string]int{}}
	add := func(folder string) {
		for folder != "." {
			parent, name := path.Dir(folder), path.Base(folder)
			if t.children[parent] == nil {
				t.children[parent] = map[string]bool{}
			}
			if t.children[parent][name] {
				return
			}
			t.children[parent][name] = true
			folder = parent
		}
	}
	for _, folder := range l.folders {
		add(folder)
	}
	for _, file := range l.files {
		add(path.Dir(file))
		if isImage(file) {
			for folder := path.Dir(file); ; folder = path.Dir(folder) {
				t.images[folder]++
				if folder == "." {
					break
				}
			}
		}
	}
	return t
}

// folders returns the names of the folders in one, which is empty or ends in a slash.
func (t *tree) folders(base string) []string {
	return slices.Sorted(maps.Keys(t.children[path.Clean(base)]))
}

// base returns the folder that holds the class folders of a split, empty or with a
// slash at its end. A folder that stands alone around the others, as archives have
// it, is passed.
func (t *tree) base(split string) (string, error) {
	base := ""
	for {
		folders := t.folders(base)
		if split != "" && slices.Contains(folders, split) {
			return base + split + "/", nil
		}
		if len(folders) != 1 || len(t.folders(base+folders[0])) == 0 || split == "" && slices.Contains(splitNames(), folders[0]) {
			return base, t.checkSplit(base, split, folders)
		}
		base += folders[0] + "/"
	}
}

// checkSplit is base's error, if any, where the split was not found.
func (t *tree) checkSplit(base, split string, folders []string) error {
	if split != "" {
		return noSplit(split, folders, "folders")
	}
	var splits []string
	for _, folder := range folders {
		if t.images[base+folder] == 0 {
			continue
		}
		if !slices.Contains(splitNames(), folder) {
			return nil
		}
		splits = append(splits, folder)
	}
	if len(splits) == 0 || len(splits) == 1 && len(t.folders(base+splits[0])) == 0 {
		return nil
	}
	return fmt.Errorf("found the splits %s, expected one; name the split to read", strings.Join(splits, ", "))
}

func noSplit(split string, found []string, kind string) error {
	if len(found) == 0 {
		return fmt.Errorf("expected a split %q, found no %s at all; name none to read all images, and hold a share of them out", split, kind)
	}
	return fmt.Errorf("there is no split %q; the %s there are: %s; name one of these, or none if they are classes", split, kind, some(found))
}

// sameClasses refuses splits whose classes differ, since their labels would.
func (t *tree) sameClasses(base, split string, classes []string) error {
	if split == "" {
		return nil
	}
	above := strings.TrimSuffix(base, split+"/")
	for _, other := range t.folders(above) {
		if other == split || !slices.Contains(splitNames(), other) {
			continue
		}
		theirs := t.folders(above + other)
		if len(theirs) == 0 || slices.Equal(theirs, classes) {
			continue
		}
		return fmt.Errorf("the splits %s and %s have different classes, so that their labels would differ: only the first has %s; only the second has %s; make their folders alike, or give the classes",
			split, other, some(without(classes, theirs)), some(without(theirs, classes)))
	}
	return nil
}

func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}

// some lists names, a few of many.
func some(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// noClasses says what there is instead of class folders.
func (t *tree) noClasses(base string) error {
	if n := t.images[path.Clean(base)]; n > 0 {
		return fmt.Errorf("expected class folders with images, found %d images in no class folder; move the images of each class into a folder of its name", n)
	}
	files := 0
	for _, file := range t.listing.files {
		if strings.HasPrefix(file, base) {
			files++
		}
	}
	return fmt.Errorf("expected class folders with images (%s), found no folder and %d other files; name the folder that holds the class folders", ImageEndings(), files)
}

// emptyClass says what a class folder holds instead of images.
func (t *tree) emptyClass(folder string) error {
	for _, file := range t.listing.files {
		if strings.HasPrefix(file, folder+"/") {
			return fmt.Errorf("class folder %s has no images (%s), but other files such as %s; convert them, or remove the folder", folder, ImageEndings(), file)
		}
	}
	return fmt.Errorf("class folder %s is empty; add images to it, or remove it", folder)
}
