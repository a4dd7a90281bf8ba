package dataset

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestOpen expects the same set of each form, in each of the layouts that people use.
func TestOpen(t *testing.T) {
	flat := pictures(t, "dog/b.JPEG", "dog/a.jpg", "cat/2.png", "cat/deeper/1.jpeg", "ant/x.webp")
	flat["cat/notes.txt"] = []byte("no image")
	flat["LICENSE"] = []byte("CC0")
	flat["cat/.DS_Store"] = []byte("hidden")
	flat["__MACOSX/cat/._2.png"] = []byte("hidden")
	under := func(prefix string) map[string][]byte {
		files := map[string][]byte{}
		for name, data := range flat {
			files[prefix+name] = data
		}
		return files
	}
	divided := under("train/")
	maps.Copy(divided, pictures(t, "validation/ant/1.jpg", "validation/cat/1.jpg", "validation/dog/1.jpg"))
	divided["README"] = nil
	wrapped := map[string][]byte{}
	for name, data := range divided {
		wrapped["pets-1.0/"+name] = data
	}
	for layout, c := range map[string]struct {
		files map[string][]byte
		split string
		base  string
	}{
		"class/file":                     {flat, "", ""},
		"a folder around":                {under("pets/"), "", "pets/"},
		"two folders around":             {under("a/b/"), "", "a/b/"},
		"split/class/file":               {divided, "train", "train/"},
		"a folder around the splits":     {wrapped, "train", "pets-1.0/train/"},
		"a split of a name of their own": {under("photos-2020/"), "photos-2020", "photos-2020/"},
	} {
		for form, path := range storedAs(t, c.files) {
			s := mustOpen(t, path, Options{Split: c.split})
			at := layout + ", " + form
			if got := s.Classes(); !slices.Equal(got, []string{"ant", "cat", "dog"}) {
				t.Errorf("%s: classes %q", at, got)
			}
			want := []string{"ant/x.webp", "cat/2.png", "cat/deeper/1.jpeg", "dog/a.jpg", "dog/b.JPEG"}
			for i := range want {
				want[i] = c.base + want[i]
			}
			if got := names(s); !slices.Equal(got, want) {
				t.Errorf("%s: images %q, want %q", at, got, want)
				continue
			}
			for i, label := range []int{0, 1, 1, 2, 2} {
				data, err := s.Read(i)
				if err != nil || !bytes.Equal(data, c.files[s.Name(i)]) {
					t.Errorf("%s: %s has other bytes: %v", at, s.Name(i), err)
				}
				if s.Label(i) != label {
					t.Errorf("%s: %s has the label %d, want %d", at, s.Name(i), s.Label(i), label)
				}
			}
			if got, want := s.Ignored(), []string{c.base + "LICENSE", c.base + "cat/notes.txt"}; !slices.Equal(got, want) {
				t.Errorf("%s: ignored %q, want %q", at, got, want)
			}
		}
	}
}

// TestGivenClasses labels by a list, in which classes may have no images.
func TestGivenClasses(t *testing.T) {
	path := filetree.Write(t, pictures(t, "test/cat/1.jpg", "test/ant/1.jpg", "train/cat/1.jpg", "train/dog/1.jpg"))
	classes := []string{"dog", "cat", "bee", "ant"}
	s := mustOpen(t, path, Options{Split: "test", Classes: classes})
	if !slices.Equal(s.Classes(), classes) || s.Label(0) != 3 || s.Label(1) != 1 {
		t.Errorf("classes %q, labels %d and %d", s.Classes(), s.Label(0), s.Label(1))
	}
}

// TestFlatOtherSplit opens a set whose other split, as in contests, has no classes.
func TestFlatOtherSplit(t *testing.T) {
	files := pictures(t, append(numbered(2, "train/cat", "train/dog"), "test/1.jpg", "test/2.jpg")...)
	for form, path := range storedAs(t, files) {
		if s := mustOpen(t, path, Options{Split: "train"}); s.Len() != 4 {
			t.Errorf("%s: %d images, want 4", form, s.Len())
		}
	}
}

// TestTarPeculiarities reads names with a dot before them, hard links, and the last of
// two files of one name.
func TestTarPeculiarities(t *testing.T) {
	files := pictures(t, "a", "b", "c")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	long := strings.Repeat("long", 40)
	for _, h := range []struct {
		header tar.Header
		data   []byte
	}{
		{tar.Header{Name: "./cat/1.jpg", Typeflag: tar.TypeReg}, files["a"]},
		{tar.Header{Name: "./cat/" + long + ".jpg", Typeflag: tar.TypeReg, Format: tar.FormatPAX}, files["b"]},
		{tar.Header{Name: "./dog/" + long + ".jpg", Typeflag: tar.TypeReg, Format: tar.FormatGNU}, files["c"]},
		{tar.Header{Name: "./dog/2.jpg", Typeflag: tar.TypeLink, Linkname: "./cat/1.jpg"}, nil},
		{tar.Header{Name: "./cat/1.jpg", Typeflag: tar.TypeReg}, files["c"]},
	} {
		h.header.Size, h.header.Mode = int64(len(h.data)), 0o644
		if err := w.WriteHeader(&h.header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(h.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for form, path := range map[string]string{"tar": filetree.File(t, "a.tar", b.Bytes()), "gz": filetree.File(t, "a.tgz", gzipped(t, b.Bytes()))} {
		s := mustOpen(t, path, Options{})
		if want := []string{"cat/1.jpg", "cat/" + long + ".jpg", "dog/2.jpg", "dog/" + long + ".jpg"}; !slices.Equal(names(s), want) {
			t.Fatalf("%s: %q, want %q", form, names(s), want)
		}
		for i, want := range []string{"c", "b", "a", "c"} {
			if data, err := s.Read(i); err != nil || !bytes.Equal(data, files[want]) {
				t.Errorf("%s: %s is not %s: %v", form, s.Name(i), want, err)
			}
		}
	}
}

// TestLinks follows symbolic links to folders and files, and notices those that lead
// nowhere.
func TestLinks(t *testing.T) {
	root := filetree.Write(t, pictures(t, "set/cat/1.jpg", "elsewhere/2.jpg"))
	set := filepath.Join(root, "set")
	if err := os.Symlink(filepath.Join(root, "elsewhere"), filepath.Join(set, "dog")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := os.Symlink(filepath.Join(root, "nowhere"), filepath.Join(set, "cat", "3.jpg")); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, set, Options{})
	if want := []string{"cat/1.jpg", "cat/3.jpg", "dog/2.jpg"}; !slices.Equal(names(s), want) {
		t.Errorf("%q, want %q", names(s), want)
	}
	if _, err := s.Read(1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link that leads nowhere: %v", err)
	}
}

// TestHoldOut expects parts that do not overlap, that stay when images are added or
// packed, and that have about the share that was asked for.
func TestHoldOut(t *testing.T) {
	data := pictures(t, "one.jpg")["one.jpg"]
	files := map[string][]byte{}
	for _, name := range numbered(400, "cat", "dog") {
		files[name] = data
	}
	heldOf := func(path, split string) map[string]bool {
		s := mustOpen(t, path, Options{Split: split})
		rest, held, err := s.HoldOut(0.2)
		if err != nil {
			t.Fatal(err)
		}
		all := append(names(rest), names(held)...)
		slices.Sort(all)
		if !slices.Equal(all, names(s)) {
			t.Errorf("%s: the parts do not add up to the set", path)
		}
		of := map[string]bool{}
		for _, name := range names(held) {
			of[strings.TrimPrefix(name, "train/")] = true
		}
		return of
	}
	held := heldOf(filetree.Write(t, files), "")
	if n := len(held); math.Abs(float64(n)-160) > 45 { // four deviations
		t.Errorf("%d of 800 images are held out, want about 160", n)
	}
	if got := heldOf(filetree.File(t, "set.tar", tarBytes(t, files)), ""); !maps.Equal(got, held) {
		t.Error("in a tar archive others are held out")
	}
	more := map[string][]byte{"train/bee/1.jpg": data}
	for name, data := range files {
		more["train/"+name] = data
	}
	grown := heldOf(filetree.Write(t, more), "train")
	delete(grown, "bee/1.jpg")
	if !maps.Equal(grown, held) {
		t.Error("with an image more, others are held out")
	}
	s := mustOpen(t, filetree.Write(t, pictures(t, "cat/1.jpg", "dog/1.jpg")), Options{})
	for _, share := range []float64{0, 1, -0.1, math.NaN()} {
		_, _, err := s.HoldOut(share)
		wanted.ErrorOf(t, fmt.Sprint(share), err, "between 0 and 1")
	}
	_, _, err := s.HoldOut(1e-9)
	wanted.ErrorOf(t, "none", err, "holding out 1e-09 of 2 images", "choose another share")
}

// TestOrder expects permutations that differ by seed and by epoch.
func TestOrder(t *testing.T) {
	s := &Set{items: make([]item, 1000)}
	seen := map[string]bool{}
	for _, seed := range []uint64{0, 1, 1 << 60} {
		for epoch := range 4 {
			order := s.Order(seed, epoch)
			if !slices.Equal(order, s.Order(seed, epoch)) {
				t.Error("two orders of one epoch differ")
			}
			seen[fmt.Sprint(order)] = true
			fixed := 0
			for i, v := range order {
				if i == v {
					fixed++
				}
			}
			if fixed > 8 { // one expected
				t.Errorf("seed %d, epoch %d: %d images keep their place", seed, epoch, fixed)
			}
			slices.Sort(order)
			for i, v := range order {
				if i != v {
					t.Fatalf("seed %d, epoch %d: not a permutation", seed, epoch)
				}
			}
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d orders of 12 are different", len(seen))
	}
}

// TestBadSets expects errors that say what was found where, and what to do.
func TestBadSets(t *testing.T) {
	split := numbered(2, "train/cat", "train/dog", "validation/cat", "validation/dog")
	with := func(names []string, others ...string) map[string][]byte {
		files := pictures(t, names...)
		for _, name := range others {
			files[name] = nil
		}
		return files
	}
	for name, c := range map[string]struct {
		files map[string][]byte
		o     Options
		want  []string
	}{
		"empty class":         {with(numbered(1, "cat", "dog"), "eel/"), Options{}, []string{"class folder eel is empty", "add images"}},
		"class without image": {with(numbered(1, "cat", "dog"), "eel/1.txt"), Options{}, []string{"class folder eel has no images", "eel/1.txt", "convert"}},
		"one class":           {with(numbered(3, "cat")), Options{}, []string{"at least two classes", `only "cat"`, "folder"}},
		"one class in split":  {with(numbered(3, "train/cat")), Options{Split: "train"}, []string{`only "cat"`}},
		"no class folder":     {with([]string{"1.jpg", "2.jpg"}), Options{}, []string{"2 images in no class folder", "move"}},
		"no folder":           {with(nil, "README"), Options{}, []string{"expected class folders", "1 other files"}},
		"empty split":         {with(split, "test/"), Options{Split: "test", Classes: []string{"cat", "dog"}}, []string{"expected class folders"}},
		"no such split":       {with(split), Options{Split: "test"}, []string{`no split "test"`, "train, validation", "name one"}},
		"no splits at all":    {with([]string{"1.jpg"}), Options{Split: "test"}, []string{`expected a split "test"`, "no folders"}},
		"split not named":     {with(split), Options{}, []string{"the splits train, validation", "name the split"}},
		"unlike splits":       {with(append(split, "validation/eel/1.jpg")), Options{Split: "train"}, []string{"train and validation have different classes", "the second has eel", "give the classes"}},
		"class not given":     {with(split), Options{Split: "train", Classes: []string{"cat", "eel"}}, []string{"train/dog", "not one of the 2 classes", "cat, eel"}},
		"class given twice":   {with(split), Options{Split: "train", Classes: []string{"cat", "dog", "cat"}}, []string{`class 2 is called "cat"`}},
		"class without name":  {with(split), Options{Split: "train", Classes: []string{"cat", ""}}, []string{`class 1 is called ""`}},
		"no class given":      {with(split), Options{Split: "train", Classes: []string{}}, []string{"found none"}},
		"label offset":        {with(split), Options{Split: "train", LabelOffset: 1}, []string{"label offset is 1, expected 0"}},
		"memory limit":        {with(split), Options{Split: "train", MemoryLimit: -1}, []string{"-1 bytes"}},
	} {
		paths := map[string]string{"folder": filetree.Write(t, c.files), "tar": filetree.File(t, "set.tar", tarBytes(t, c.files))}
		for form, path := range paths {
			_, err := Open(context.Background(), path, c.o)
			wanted.ErrorOf(t, name+", "+form, err, c.want...)
		}
	}
}

// TestBadFiles expects errors for archives that are something else or not whole.
func TestBadFiles(t *testing.T) {
	whole := tarBytes(t, pictures(t, numbered(8, "cat", "dog")...))
	second := 512 + (len(pictures(t, "a")["a"])+511)/512*512 // the second header, about
	zipped, packed := gzipped(t, whole), zstandard(t, whole)
	for name, c := range map[string]struct {
		data []byte
		o    Options
		want []string
	}{
		"empty.tar":     {nil, Options{}, []string{"empty", "again"}},
		"text.tar":      {[]byte("just a text"), Options{}, []string{"expected a folder of class folders, a .tar, .tar.gz or .tar.zst archive of one, a .zip archive of one, WebDataset shards, TFRecord shards, or a CSV file of paths and labels, found", "6a 75 73 74", "11 bytes"}},
		"cut.tar":       {whole[:len(whole)/2], Options{}, []string{"tar archive is corrupt or incomplete", "byte", "again"}},
		"header.tar":    {append(slices.Clone(whole[:second]), bytes.Repeat([]byte{7}, 2048)...), Options{}, []string{"corrupt", "byte"}},
		"cut.tar.gz":    {zipped[:len(zipped)/2], Options{}, []string{"gzip-compressed tar archive is corrupt or incomplete", "byte"}},
		"head.tar.gz":   {zipped[:5], Options{}, []string{"gzip-compressed", "corrupt"}},
		"text.gz":       {gzipped(t, []byte("just a text")), Options{}, []string{"gzip-compressed tar archive is corrupt"}},
		"cut.tar.zst":   {packed[:len(packed)/2], Options{}, []string{"zstd-compressed tar archive is corrupt or incomplete", "byte"}},
		"large.tar.gz":  {zipped, Options{MemoryLimit: 3000}, []string{"memory limit of 3000 bytes", "decompress", ".tar", "raise the limit"}},
		"large.tar.zst": {packed, Options{MemoryLimit: 3000}, []string{"memory limit of 3000 bytes"}},
	} {
		_, err := Open(context.Background(), filetree.File(t, name, c.data), c.o)
		wanted.ErrorOf(t, name, err, append(c.want, name)...)
	}
	_, err := Open(context.Background(), filepath.Join(t.TempDir(), "missing"), Options{})
	wanted.ErrorOf(t, "missing", err, "check the path")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing path is not os.ErrNotExist: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for form, path := range storedAs(t, pictures(t, numbered(2, "cat", "dog")...)) {
		if _, err := Open(ctx, path, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a cancelled context returns %v", form, err)
		}
	}
}

// TestTruncatedLater expects an error, not other bytes, when an archive shrinks after
// it was opened.
func TestTruncatedLater(t *testing.T) {
	path := filetree.File(t, "set.tar", tarBytes(t, pictures(t, numbered(2, "cat", "dog")...)))
	s := mustOpen(t, path, Options{})
	if err := os.Truncate(path, 600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Read(0)
	wanted.ErrorOf(t, "read", err, "set.tar", "byte")
}

// TestFile expects paths of what are files, and none of what is in an archive.
func TestFile(t *testing.T) {
	files := pictures(t, "cat/1.jpg", "dog/2.jpg")
	root := filetree.Write(t, files)
	s := mustOpen(t, root, Options{})
	if path, ok := s.File(1); !ok || path != filepath.Join(root, "dog", "2.jpg") {
		t.Errorf("image 1 is the file %q, %t", path, ok)
	}
	list := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(list, []byte("path,label\n"+filepath.Join(root, "dog", "2.jpg")+",dog\n"+filepath.Join(root, "cat", "1.jpg")+",cat\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, list, Options{})
	for i, want := range []string{"dog/2.jpg", "cat/1.jpg"} {
		if path, ok := s.File(i); !ok || !strings.HasSuffix(filepath.ToSlash(path), want) {
			t.Errorf("image %d of the list is the file %q, %t", i, path, ok)
		}
	}
	for form, path := range storedAs(t, files) {
		s := mustOpen(t, path, Options{})
		if file, ok := s.File(0); ok != (form == "folder") {
			t.Errorf("%s: image 0 is the file %q, %t", form, file, ok)
		}
	}
}
