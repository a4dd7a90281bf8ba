package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// An entry of an archive that a test makes.
type entry struct {
	name, data string
	header     func(h *zip.FileHeader) // changes what the archive says of it
	method     uint16
}

// zipped packs entries. What their headers claim need not be true.
func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: e.method, CRC32: crc32.ChecksumIEEE([]byte(e.data)),
			CompressedSize64: uint64(len(e.data)), UncompressedSize64: uint64(len(e.data))}
		if e.header != nil {
			e.header(h)
		}
		w, err := z.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npy returns an entry's bytes with a header of version 1.0.
func npy(header, elements string) string {
	return magic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + elements
}

// array returns the header of an array of <f4.
func array(shape string) string {
	return "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n"
}

type brokenFile struct {
	name  string
	data  []byte
	parts []string
}

// broken returns files that break the format, with what the error must say.
func broken(t testing.TB) []brokenFile {
	t.Helper()
	one := npy(array("(1,)"), "abcd")
	files := []brokenFile{
		{"empty", nil, []string{"an empty file", "again"}},
		{"text", []byte("no arrays at all"), []string{"a zip archive of arrays", `"no arr"`}},
		{"npy alone", []byte(one), []string{"a single array", "numpy.savez"}},
		{"cut short", zipped(t, entry{name: "w.npy", data: one})[:150], []string{"a zip archive", "cut short"}},
	}
	add := func(name string, parts []string, entries ...entry) {
		files = append(files, brokenFile{name, zipped(t, entries...), parts})
	}
	addHeader := func(name, header, elements string, parts ...string) {
		add(name, append([]string{`"w.npy"`}, parts...), entry{name: "w.npy", data: npy(header, elements)})
	}
	add("another entry", []string{`"readme.txt"`, ".npy", "another entry"}, entry{name: "readme.txt", data: "hi"})
	add("a folder", []string{`"scope/"`, "another entry"}, entry{name: "scope/"})
	for _, name := range []string{"../w", "/w", "a/../w", "a//w", "./w", "a/."} {
		add("the path "+name, []string{`"` + name + `.npy"`, "straight down"}, entry{name: name + ".npy", data: one})
	}
	add("a backslash", []string{`"a\\w.npy"`, "a backslash"}, entry{name: `a\w.npy`, data: one})
	add("a zero", []string{"control characters"}, entry{name: "a\x00w.npy", data: one})
	add("no UTF-8", []string{"not UTF-8"}, entry{name: "a\xffw.npy", data: one})
	add("no name", []string{"an empty one"}, entry{name: ".npy", data: one})
	add("a name twice", []string{`"w.npy"`, "the name twice"}, entry{name: "w.npy", data: one}, entry{name: "v.npy", data: one}, entry{name: "w.npy", data: one})
	add("encrypted", []string{`"w.npy"`, "encrypted"}, entry{name: "w.npy", data: one, header: func(h *zip.FileHeader) { h.Flags |= 1 }})
	add("bzip2", []string{`"w.npy"`, "compression method 12", "savez_compressed"}, entry{name: "w.npy", data: one, method: 12})
	add("stored sizes differ", []string{`"w.npy"`, "bytes stored for"}, entry{name: "w.npy", data: one, header: func(h *zip.FileHeader) { h.UncompressedSize64++ }})
	add("past the end", []string{`"w.npy"`, "cut short"}, entry{name: "w.npy", data: one, header: func(h *zip.FileHeader) { h.CompressedSize64 += 1 << 20; h.UncompressedSize64 += 1 << 20 }})
	add("not deflated", []string{`"w.npy"`, "cannot be unpacked"}, entry{name: "w.npy", data: "\xff\xff\xff\xff", method: zip.Deflate})
	add("no magic", []string{`"w.npy"`, "NUMPY", `"abcdef"`}, entry{name: "w.npy", data: "abcdefghijkl"})
	add("an empty entry", []string{`"w.npy"`, "ends in it"}, entry{name: "w.npy"})
	add("half a header", []string{`"w.npy"`, "ends in it"}, entry{name: "w.npy", data: one[:40]})
	add("version 4", []string{"version 4.0"}, entry{name: "w.npy", data: magic + "\x04\x00" + one[8:]})
	add("a header of 2 GB", []string{"at most 65536 bytes", "2147483648"}, entry{name: "w.npy", data: magic + "\x02\x00\x00\x00\x00\x80{}"})
	addHeader("a list", "[]", "", `"{"`)
	addHeader("nothing in it", "{}", "", "the key descr")
	addHeader("no shape", "{'descr': '<f4', 'fortran_order': False}", "abcd", "the key shape")
	addHeader("a key twice", "{'shape': (), 'shape': ()}", "abcd", `key "shape" twice`)
	addHeader("another key", "{'order': 3}", "", `key "order"`)
	addHeader("text after", array("(1,)")+"x", "abcd", "nothing after the header")
	addHeader("an open string", "{'descr", "", "a key in quotes")
	addHeader("an escape", `{'desc\x72': '<f4'}`, "", "a key in quotes")
	addHeader("code", "{'descr': open('x')}", "", "an element type in quotes")
	addHeader("objects", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "\x80\x04.", "Python objects", "pickle")
	addHeader("records", "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", "abcd", "records with fields")
	for _, descr := range []string{"", "f4", "<", "<q4", "<f", "<f-4", "<f0", "<f4x", "<f4294967296", "=f4", "<U2147483647", "{}"} {
		addHeader("the type "+descr, "{'descr': '"+descr+"', 'fortran_order': False, 'shape': (1,), }", "abcd", "an element type such as <f4", fmt.Sprintf("%q", descr))
	}
	addHeader("an order", "{'fortran_order': 1}", "", "True or False")
	addHeader("a number", array("3"), "abcd", `"("`)
	addHeader("a number in brackets", array("(1)"), "abcd", "a tuple")
	addHeader("negative", array("(-1,)"), "abcd", "a whole number")
	addHeader("a fraction", array("(1.5,)"), "abcd", `","`)
	addHeader("a huge number", array("(9223372036854775808,)"), "abcd", "a whole number that fits")
	addHeader("no comma", array("(1 1)"), "abcd", `"," or ")"`)
	addHeader("an open shape", "{'shape': (1,", "", "a whole number")
	addHeader("many axes", array("("+strings.Repeat("1,", 65)+")"), "abcd", "at most 64 axes")
	addHeader("a product that wraps to 0", array("(4294967296, 4294967296)"), "", "fit this machine's int", "[4294967296 4294967296] of <f4")
	addHeader("bytes that wrap to 0", array("(4611686018427387904,)"), "", "fit this machine's int")
	addHeader("huge with a zero", array("(0, 4294967296, 4294967296)"), "", "fit this machine's int")
	addHeader("too few elements", array("(2,)"), "abcd", "8 bytes for shape [2] of <f4", "an entry of 72 bytes")
	addHeader("too many elements", array("(2,)"), "abcdefghijkl", "8 bytes for shape [2] of <f4")
	addHeader("text that is none", "{'descr': '<U1', 'fortran_order': False, 'shape': (), }", "\xff\xff\xff\xff", "characters of Unicode")
	addHeader("bytes that are no text", "{'descr': '|S1', 'fortran_order': False, 'shape': (), }", "\xff", "UTF-8")
	return files
}

func TestParseBroken(t *testing.T) {
	for _, c := range broken(t) {
		t.Run(c.name, func(t *testing.T) {
			a, err := parse("m.npz", bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil {
				t.Fatalf("accepted: %v", a.tensors)
			}
			wanted.Error(t, err, append(c.parts, "npz: m.npz: ", "expected ", ", found ", "; ")...)
			if n := len(err.Error()); n > 1500 {
				t.Errorf("an error of %d bytes", n)
			}
		})
	}
}

// TestBombs checks that what a small file claims costs nothing.
func TestBombs(t *testing.T) {
	const claim = 1 << 34
	deflated := func(head string, zeros int64) entry {
		data, sum := deflate(t, head, zeros)
		return entry{name: "w.npy", data: data, method: zip.Deflate, header: func(h *zip.FileHeader) {
			h.UncompressedSize64, h.CRC32 = uint64(len(head))+uint64(zeros), sum
		}}
	}
	text := "{'descr': '<U16777217', 'fortran_order': False, 'shape': (), }\n"
	for _, c := range []struct {
		name  string
		data  []byte
		parts []string // of the error, of reading where opening has none
	}{
		{"elements", zipped(t, deflated(npy(array("(16777216,)"), ""), 1<<26)), nil},
		{"a claim that is not there", zipped(t, entry{name: "w.npy", method: zip.Deflate, data: first(deflate(t, npy(array("(4294967296,)"), ""), 100)),
			header: func(h *zip.FileHeader) { h.UncompressedSize64 = uint64(len(npy(array("(4294967296,)"), ""))) + claim }}), nil},
		{"text", zipped(t, deflated(npy(text, ""), 4*16777217)), []string{"at most 67108864 bytes of text"}},
		{"a header", zipped(t, deflated(magic+"\x02\x00\xff\xff\xff\xff", 1<<26)), []string{"at most 65536 bytes"}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := parse("m.npz", bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			err = a.tensors[0].Values(make([]float32, 3))
			c.parts = []string{"room for", "w.npy"}
		}
		runtime.ReadMemStats(&after)
		wanted.Error(t, err, append(c.parts, "m.npz")...)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: a file of %d bytes cost %d bytes of memory", c.name, len(c.data), n)
		}
	}
}

func first(data string, _ uint32) string { return data }
