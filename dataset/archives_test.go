package dataset

import (
	"archive/tar"
	"archive/zip"
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
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
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

// zipBytes packs files as tarBytes does, every other one compressed.
func zipBytes(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names := slices.Sorted(maps.Keys(files))
	slices.Reverse(names)
	for i, name := range names {
		header := &zip.FileHeader{Name: name}
		if i%2 == 0 && !strings.HasSuffix(name, "/") {
			header.Method = zip.Deflate
		}
		to, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(files[name]); err != nil {
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
		"zip":     filetree.File(t, "set.zip", zipBytes(t, files)),
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

// TestZip reads what programs write beyond the plain, and refuses what is not whole.
func TestZip(t *testing.T) {
	files := pictures(t, "cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zstd.ZipMethodWinZip, zstd.ZipCompressor())
	for name, method := range map[string]uint16{`cat\1.jpg`: zip.Store, "./cat/2.jpg": zstd.ZipMethodWinZip, "dog/1.jpg": zip.Deflate, "__MACOSX/cat/._1.jpg": zip.Store, "notes": zip.Deflate} {
		to, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		data := files[strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "./")]
		if _, err := to.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filetree.File(t, "set.zip", b.Bytes())
	s := mustOpen(t, path, Options{})
	if want := []string{"cat/1.jpg", "cat/2.jpg", "dog/1.jpg"}; !slices.Equal(names(s), want) {
		t.Fatalf("%q, want %q", names(s), want)
	}
	for i := range s.Len() {
		if data, err := s.Read(i); err != nil || !bytes.Equal(data, files[s.Name(i)]) {
			t.Errorf("%s has other bytes: %v", s.Name(i), err)
		}
	}
	whole := zipBytes(t, files)
	_, err := Open(context.Background(), filetree.File(t, "cut.zip", whole[:len(whole)-30]), Options{})
	wanted.ErrorOf(t, "cut", err, "zip archive is corrupt or incomplete", "again")
	at := bytes.Index(whole, files["cat/2.jpg"][:20]) // is stored
	if at < 0 {
		t.Fatal("no stored picture")
	}
	whole[at+50] ^= 1
	s = mustOpen(t, filetree.File(t, "flipped.zip", whole), Options{})
	_, err = s.Read(1)
	wanted.ErrorOf(t, "flipped", err, "cat/2.jpg", "checksum")

	var secret bytes.Buffer
	w = zip.NewWriter(&secret)
	for _, name := range []string{"cat/1.jpg", "dog/1.jpg"} {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: name, Flags: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(context.Background(), filetree.File(t, "secret.zip", secret.Bytes()), Options{})
	wanted.ErrorOf(t, "secret", err, "1.jpg", "encrypted", "password")
}

// TestPackedRecords reads a TFRecord file compressed in the ways of TensorFlow.
func TestPackedRecords(t *testing.T) {
	for _, name := range []string{"train.tfrecord.gz", "train.tfrecord.zlib"} {
		for _, called := range []string{name, "train-00000-of-00001", "pets_train.tfrecord"} {
			path := filetree.File(t, called, mustRead(t, "testdata", name))
			s := mustOpen(t, path, Options{LabelOffset: 1})
			if !slices.Equal(s.Classes(), []string{"n01440760", "n01440761"}) || !slices.Equal(labelsIn(s), []int{0, 1, 0, 1}) || s.Name(3) != "3.JPEG" {
				t.Errorf("%s: labels %d of %q", name, labelsIn(s), s.Classes())
			}
			for i := range s.Len() {
				data, err := s.Read(i)
				if err == nil {
					_, err = jpeg.Decode(bytes.NewReader(data))
				}
				if err != nil {
					t.Errorf("%s: %v", s.Name(i), err)
				}
			}
			if called != name { // by their names, and for a split
				if s := mustOpen(t, filepath.Dir(path), Options{Split: "train", LabelOffset: 1}); s.Len() != 4 {
					t.Errorf("%s: %q", called, names(s))
				}
			}
			_, err := Open(context.Background(), path, Options{LabelOffset: 1, MemoryLimit: 100})
			wanted.ErrorOf(t, name, err, "memory limit of 100 bytes", "decompress")
		}
	}
	cut := mustRead(t, "testdata", "train.tfrecord.gz")
	_, err := Open(context.Background(), filetree.File(t, "cut.gz", cut[:len(cut)-20]), Options{LabelOffset: 1})
	wanted.ErrorOf(t, "cut", err, "corrupt or incomplete", "again")
}
