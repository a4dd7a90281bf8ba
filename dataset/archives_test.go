package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
)

// picture is an image file in which every number differs, by the ending of its name.
func picture(t testing.TB, name string, number int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 12+number%5, 10+number%7))
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			m.SetNRGBA(x, y, color.NRGBA{uint8(17*number + 5*x), uint8(90*number + 9*y), uint8(200 - number), 255})
		}
	}
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(name, ".png") {
		err = png.Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 90})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures makes image files of the given names.
func pictures(t testing.TB, names ...string) map[string][]byte {
	files := map[string][]byte{}
	for i, name := range names {
		files[name] = picture(t, name, i)
	}
	return files
}

// numbered returns n names for each class, such as cat/003.jpg.
func numbered(n int, classes ...string) []string {
	var names []string
	for _, class := range classes {
		for i := range n {
			names = append(names, fmt.Sprintf("%s/%03d.jpg", class, i))
		}
	}
	return names
}

// tarBytes packs files in an order that is not theirs; a name that ends in a slash
// is a folder.
func tarBytes(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	names := slices.Sorted(maps.Keys(files))
	slices.Reverse(names)
	for _, name := range names {
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// storedAs writes files in every form that Open reads.
func storedAs(t testing.TB, files map[string][]byte) map[string]string {
	t.Helper()
	packed := tarBytes(t, files)
	return map[string]string{
		"folder":  filetree.Write(t, files),
		"tar":     filetree.File(t, "set.tar", packed),
		"tar.gz":  filetree.File(t, "set.tar.gz", gzipped(t, packed)),
		"tar.zst": filetree.File(t, "set.tar.zst", zstandard(t, packed)),
		"unnamed": filetree.File(t, "download", gzipped(t, packed)),
	}
}

func mustOpen(t testing.TB, path string, o Options) *Set {
	t.Helper()
	s, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// names returns those of a set's images, in its order.
func names(s *Set) []string {
	all := make([]string, s.Len())
	for i := range all {
		all[i] = s.Name(i)
	}
	return all
}
