package dataset

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// A listing is what a folder or an archive holds: slash-separated paths below it,
// without hidden ones.
type listing struct {
	files   []file
	folders []string
	// unreadable and circles are as in LeftOut.
	unreadable []Unreadable
	circles    []string
}

// A file is one of a listing.
type file struct {
	name string
	kind kind
	// irregular is why it is no file, such as that it is a pipe; nil for files.
	irregular error
}

// arranged are the images of one split of a listing, with at as their place in its files,
// in the order of their names.
type arranged struct {
	split   string // the folder's own name, empty for none
	classes []string
	items   []item
	ignored []string
}

// arrange finds splits and classes in a listing.
func arrange(l listing, o Options) (arranged, error) {
	tree := newTree(l)
	at, err := tree.find(o.Split)
	if err != nil {
		return arranged{}, err
	}
	found := tree.folders(at.base)
	classes := o.Classes
	if classes == nil {
		for _, folder := range found {
			classes = append(classes, className(folder))
		}
		if err := tree.sameClasses(at, found); err != nil {
			return arranged{}, err
		}
	}
	if len(found) == 0 {
		return arranged{}, tree.noClasses(at.base)
	}
	if err := enoughClasses(classes); err != nil {
		return arranged{}, err
	}
	labels := labelsOf(classes)
	for _, class := range found {
		if _, ok := labels[className(class)]; !ok {
			return arranged{}, fmt.Errorf("folder %s is not one of the %d classes that were given (%s); remove or rename it, or give its class too",
				at.base+class, len(classes), some(classes))
		}
		if tree.images[at.base+class] == 0 && !tree.unreadableIn(at.base+class) {
			return arranged{}, tree.emptyClass(at.base + class)
		}
	}
	a := arranged{split: at.split, classes: classes}
	for i, f := range l.files {
		below, ok := strings.CutPrefix(normal(f.name), at.base)
		if !ok {
			continue
		}
		class, _, ok := strings.Cut(below, "/")
		if !ok || !f.kind.image {
			a.ignored = append(a.ignored, f.name)
			continue
		}
		a.items = append(a.items, item{name: f.name, key: keyOf(below), label: labels[className(class)], at: i})
	}
	if len(a.items) == 0 {
		return arranged{}, fmt.Errorf("none of the class folders can be read; the first: %w", l.unreadable[0].Err)
	}
	slices.Sort(a.ignored)
	slices.SortFunc(a.items, func(a, b item) int { return strings.Compare(a.name, b.name) })
	return a, nil
}

// normal returns a name in Unicode's normal form C: names that look the same are the same
// then, whatever file system they come from.
func normal(name string) string { return norm.NFC.String(name) }

// className is what a class is called whose folder has a name in normal form: in UTF-8,
// since it goes where only that can be.
func className(folder string) string { return printable.UTF8(folder) }

// labelsOf returns the places of classes by their names, in normal form.
func labelsOf(classes []string) map[string]int32 {
	labels := make(map[string]int32, len(classes))
	for i, class := range classes {
		labels[normal(class)] = int32(i)
	}
	return labels
}

// assemble makes a set of a listing, unless there was an error.
func assemble(l listing, s storage, o Options, err error) (*Set, error) {
	if err != nil {
		return nil, err
	}
	if o.LabelOffset != 0 {
		return nil, fmt.Errorf("the label offset is %d, expected 0: folders have no numbers", o.LabelOffset)
	}
	set := &Set{storage: s, left: LeftOut{Unreadable: l.unreadable, Circles: l.circles}}
	if o.Flat {
		set.classes = o.Classes
		if set.items, set.ignored, err = arrangeFlat(l, o); err != nil {
			return nil, err
		}
	} else {
		if o.Labels != nil {
			return nil, errors.New("found labels, expected none: the images of a set that is not flat have those of their folders")
		}
		a, err := arrange(l, o)
		if err != nil {
			return nil, err
		}
		set.split, set.classes, set.items, set.ignored = a.split, a.classes, a.items, a.ignored
	}
	ignored := make(map[string]bool, len(set.ignored))
	for _, name := range set.ignored {
		ignored[name] = true
	}
	for _, f := range l.files {
		if f.kind.foreign != "" && ignored[f.name] {
			set.left.Images = append(set.left.Images, ForeignImage{f.name, f.kind.foreign})
		}
	}
	return set, nil
}

// A tree answers what is below a folder. Folders are named in normal form, without a slash
// at the end; the root is the empty string.
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
		add(normal(folder))
	}
	for _, f := range l.files {
		above := path.Dir(normal(f.name))
		add(above)
		if f.kind.image {
			for folder := above; ; folder = path.Dir(folder) {
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

// unreadableIn tells whether a folder, or one below it, could not be read.
func (t *tree) unreadableIn(folder string) bool {
	return slices.ContainsFunc(t.listing.unreadable, func(u Unreadable) bool {
		name := normal(u.Name)
		return name == folder || strings.HasPrefix(name, folder+"/")
	})
}

// A foundSplit is where the class folders of a split are. Folders are empty, or end in a slash.
type foundSplit struct {
	above string // where the split's folder is
	split string // the name of the split's folder, empty for none
	base  string // what holds the class folders
}

// find returns where the class folders of a split are. A folder that stands alone around
// the others, as archives have it, is passed.
func (t *tree) find(split string) (foundSplit, error) {
	above := ""
	for {
		folders := t.folders(above)
		if split != "" {
			switch folder, err := t.resolve(above, split, folders); {
			case err == nil:
				return foundSplit{above, folder, t.within(above + folder + "/")}, nil
			case !errors.Is(err, errNoSplit):
				return foundSplit{}, err
			}
		}
		if len(folders) != 1 || len(t.folders(above+folders[0])) == 0 || split == "" && partOf(folders[0]) != noPart {
			return foundSplit{above: above, base: above}, t.checkSplit(above, split, folders)
		}
		above += folders[0] + "/"
	}
}

// resolve returns the folder that is meant by a split. One that is not called so is a split
// only if all folders beside it that hold images are.
func (t *tree) resolve(above, split string, folders []string) (string, error) {
	found, err := resolve(split, folders, partOf)
	if err == nil && found != split {
		for _, folder := range folders {
			if t.images[above+folder] > 0 && partOf(folder) == noPart {
				return "", errNoSplit
			}
		}
	}
	return found, err
}

// within passes a folder that stands alone in a split's and is called as the split or a set
// of images is: seg_train/seg_train, train/images.
func (t *tree) within(base string) string {
	for {
		folders := t.folders(base)
		if len(folders) != 1 || len(t.folders(base+folders[0])) == 0 {
			return base
		}
		if partOf(folders[0]) == noPart && slices.ContainsFunc(words(folders[0]), func(word string) bool { return !slices.Contains(setWords(), word) }) {
			return base
		}
		base += folders[0] + "/"
	}
}

// checkSplit is find's error, if any, where the split was not found.
func (t *tree) checkSplit(base, split string, folders []string) error {
	if split != "" {
		return noSplit(split, folders, "folders")
	}
	var splits []string
	parts := map[part]bool{}
	for _, folder := range folders {
		if t.images[base+folder] == 0 {
			continue
		}
		p := partOf(folder)
		if p == noPart || parts[p] && len(t.folders(base+folder)) == 0 {
			return nil
		}
		parts[p] = true
		splits = append(splits, folder)
	}
	if len(splits) == 0 || len(splits) == 1 && len(t.folders(base+splits[0])) == 0 {
		return nil
	}
	return fmt.Errorf("found the splits %s, expected one; name the split to read", strings.Join(splits, ", "))
}

// sameClasses refuses splits whose classes differ, since their labels would.
func (t *tree) sameClasses(at foundSplit, classes []string) error {
	if at.split == "" {
		return nil
	}
	for _, other := range t.folders(at.above) {
		if other == at.split || partOf(other) == noPart || partOf(other) == unlabelledPart {
			continue
		}
		theirs := t.folders(t.within(at.above + other + "/"))
		if len(theirs) == 0 || slices.Equal(theirs, classes) {
			continue
		}
		return fmt.Errorf("the splits %s and %s have different classes, so that their labels would differ: only the first has %s; only the second has %s; make their folders alike, or give the classes",
			at.split, other, some(without(classes, theirs)), some(without(theirs, classes)))
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
	for _, f := range t.listing.files {
		if strings.HasPrefix(normal(f.name), base) {
			files++
		}
	}
	return fmt.Errorf("expected class folders with images (%s), found no folder and %d other files; name the folder that holds the class folders", ImageEndings(), files)
}

// emptyClass says what a class folder holds instead of images.
func (t *tree) emptyClass(folder string) error {
	for _, f := range t.listing.files {
		if strings.HasPrefix(normal(f.name), folder+"/") {
			return fmt.Errorf("class folder %s has no images (%s), but other files such as %s; convert them, or remove the folder", folder, ImageEndings(), f.name)
		}
	}
	return fmt.Errorf("class folder %s is empty; add images to it, or remove it", folder)
}
