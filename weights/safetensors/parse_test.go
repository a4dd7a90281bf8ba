package safetensors

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// whole returns a file of a header and a data section.
func whole(header, data string) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), data...)
}

func zeros(n int) string { return strings.Repeat("\x00", n) }

func TestParse(t *testing.T) {
	// b lies before a; the empty tensor lies where b ends; padding follows.
	header := `{"a":{"shape":[2,1],"data_offsets":[4,8],"dtype":"I16"},` +
		`"__metadata__":{"k":"v\u00e9"},` +
		`"":{"dtype":"F64","shape":[3,0],"data_offsets":[4,4]},` +
		`"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   `
	data := whole(header, "\x00\x00\x80\x3fabcd")
	f, err := Parse("m.safetensors", data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range f.Tensors() {
		got = append(got, fmt.Sprintf("%s %s %v %d %q", x.Name, x.DType, x.Shape, x.Elements(), x.Bytes()))
	}
	want := []string{`b F32 [] 1 "\x00\x00\x80?"`, ` F64 [3 0] 0 ""`, `a I16 [2 1] 2 "abcd"`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("tensors %q, want %q", got, want)
	}
	if m := f.Metadata(); !reflect.DeepEqual(m, map[string]string{"k": "vé"}) {
		t.Errorf("metadata %q", m)
	}
	if f.Size() != int64(len(data)) {
		t.Errorf("size %d, want %d", f.Size(), len(data))
	}
	if x, ok := f.Tensor("a"); !ok || x.Name != "a" {
		t.Errorf("Tensor(a) = %v, %v", x, ok)
	}
	if _, ok := f.Tensor("c"); ok {
		t.Error("Tensor(c) found a tensor that is not there")
	}
}

func TestParseEmpty(t *testing.T) {
	f, err := Parse("m", whole("{}", ""))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors()) != 0 || f.Metadata() != nil {
		t.Errorf("tensors %v, metadata %v", f.Tensors(), f.Metadata())
	}
}

// A header of 640 bytes begins a file with 0x80 0x02, as a pickle does.
func TestParseLengthLikeMagic(t *testing.T) {
	if _, err := Parse("m", whole("{}"+strings.Repeat(" ", 638), "")); err != nil {
		t.Error(err)
	}
}

// entryOf returns a header of one tensor w.
func entryOf(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"w":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

// broken lists files that break the format, with what the error must say
// besides the file's name and "expected", "found".
var broken = []struct {
	name  string
	data  []byte
	parts []string
}{
	{"empty", nil, []string{"found an empty file", "again"}},
	{"short", []byte("1234567"), []string{"8 bytes of header length", "a file of 7 bytes"}},
	{"length only", whole("", ""), []string{"a JSON object", "a header of 0 bytes"}},
	{"over the limit", []byte("\x01\xe1\xf5\x05\x00\x00\x00\x00{}"), []string{"at most 100000000 bytes", "100000001"}},
	{"2 GB claimed", []byte("\x00\x00\x00\x80\x00\x00\x00\x00{}"), []string{"at most 100000000 bytes", "2147483648"}},
	{"all ones", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), []string{"18446744073709551615"}},
	{"claim past the end", []byte("\x03\x00\x00\x00\x00\x00\x00\x00{}"), []string{"a header of 3 bytes", "2 bytes after", "again"}},
	{"zip", []byte("PK\x03\x04\x00\x00\x00\x00\x00\x00"), []string{"PyTorch", "convert"}},
	{"pickle", []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j"), []string{"PyTorch", "convert"}},
	{"short pickle", []byte("\x80\x04."), []string{"pickle", "convert"}},
	{"hdf5", []byte("\x89HDF\r\n\x1a\n\x00\x00\x00\x00"), []string{"HDF5", "convert"}},
	{"lfs", []byte("version https://git-lfs.github.com/spec/v1\n"), []string{"Git LFS pointer", "git lfs pull"}},
	{"html", []byte("<!DOCTYPE html><html>"), []string{"web page", "address"}},
	{"not an object", whole("[]", ""), []string{`beginning with '{'`, `'['`}},
	{"space first", whole(" {}", ""), []string{`beginning with '{'`, `' '`}},
	{"not utf-8", whole("{\"\xff\":1}", ""), []string{"UTF-8"}},
	{"cut json", whole(`{"w":{"dtype"`, ""), []string{"broken JSON near byte", `tensor "w"`}},
	{"open object", whole(`{`, ""), []string{"broken JSON near byte 9", "end of the header"}},
	{"trailing comma", whole(`{"__metadata__":{},}`, ""), []string{"broken JSON"}},
	{"text after", whole(`{} x`, ""), []string{"spaces or nothing", "broken JSON near byte 11"}},
	{"object after", whole(`{}{}`, ""), []string{"spaces or nothing", "found {"}},
	{"tensor twice", whole(`{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "ab"), []string{`key "w" twice`}},
	{"escaped twice", whole(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), []string{`key "w" twice`}},
	{"dtype twice", whole(`{"w":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""), []string{`tensor "w"`, `key "dtype" twice`}},
	{"metadata twice", whole(`{"__metadata__":{},"__metadata__":{}}`, ""), []string{`key "__metadata__" twice`}},
	{"metadata key twice", whole(`{"__metadata__":{"a":"1","a":"2"}}`, ""), []string{`key "a" twice`, "__metadata__"}},
	{"metadata number", whole(`{"__metadata__":{"a":1}}`, ""), []string{`a string for __metadata__ key "a"`, "found 1"}},
	{"metadata null", whole(`{"__metadata__":null}`, ""), []string{"a JSON object for __metadata__", "found null"}},
	{"tensor null", whole(`{"w":null}`, ""), []string{`tensor "w"`, "found null"}},
	{"unknown key", whole(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}`, ""), []string{`tensor "w"`, `key "x"`}},
	{"no shape", whole(`{"w":{"dtype":"U8","data_offsets":[0,0]}}`, ""), []string{`tensor "w"`, "shape missing", "dtype present"}},
	{"no dtype", whole(`{"w":{"shape":[0],"data_offsets":[0,0]}}`, ""), []string{`tensor "w"`, "dtype missing"}},
	{"no offsets", whole(`{"w":{"dtype":"U8","shape":[0]}}`, ""), []string{`tensor "w"`, "data_offsets missing"}},
	{"dtype unknown", whole(entryOf(`"F4"`, "[2]", "[0,1]"), "a"), []string{`tensor "w"`, `found dtype "F4"`, "BF16", "export"}},
	{"dtype a number", whole(entryOf("4", "[2]", "[0,1]"), "a"), []string{`tensor "w"`, "a string for dtype", "found 4"}},
	{"shape a number", whole(entryOf(`"U8"`, "1", "[0,1]"), "a"), []string{`tensor "w"`, "an array for shape", "found 1"}},
	{"dimension negative", whole(entryOf(`"U8"`, "[-1]", "[0,1]"), "a"), []string{`tensor "w"`, "whole numbers", "in shape", "found -1"}},
	{"dimension a fraction", whole(entryOf(`"U8"`, "[1.0]", "[0,1]"), "a"), []string{`tensor "w"`, "whole numbers", "found 1.0"}},
	{"dimension a string", whole(entryOf(`"U8"`, `["1"]`, "[0,1]"), "a"), []string{`tensor "w"`, "whole numbers", `found "1"`}},
	{"dimension 2^63", whole(entryOf(`"U8"`, "[9223372036854775808]", "[0,1]"), "a"), []string{`tensor "w"`, "whole numbers", "9223372036854775808"}},
	{"product wraps to 0", whole(entryOf(`"U8"`, "[4294967296,4294967296]", "[0,0]"), ""), []string{`tensor "w"`, "fit", "[4294967296 4294967296]"}},
	{"bytes wrap to 0", whole(entryOf(`"F64"`, "[2305843009213693952]", "[0,0]"), ""), []string{`tensor "w"`, "fit", "[2305843009213693952] of F64"}},
	{"huge with a zero", whole(entryOf(`"U8"`, "[0,4294967296,4294967296]", "[0,0]"), ""), []string{`tensor "w"`, "fit", "[0 4294967296 4294967296]"}},
	{"one offset", whole(entryOf(`"U8"`, "[1]", "[0]"), "a"), []string{`tensor "w"`, "two data_offsets", "found 1"}},
	{"three offsets", whole(entryOf(`"U8"`, "[1]", "[0,1,2]"), "a"), []string{`tensor "w"`, "two data_offsets", "more than two"}},
	{"begin past end", whole(entryOf(`"U8"`, "[1]", "[1,0]"), "a"), []string{`tensor "w"`, "begin <= end", "[1, 0]"}},
	{"length and shape", whole(entryOf(`"F32"`, "[3]", "[0,8]"), zeros(8)), []string{`tensor "w"`, "expected 12 bytes for shape [3] of F32", "found 8 bytes at data_offsets [0, 8]"}},
	{"scalar of no bytes", whole(entryOf(`"F32"`, "[]", "[0,0]"), ""), []string{`tensor "w"`, "expected 4 bytes for shape []", "found 0 bytes"}},
	{"hole at the front", whole(entryOf(`"U8"`, "[1]", "[1,2]"), "ab"), []string{`tensor "w"`, "bytes from 0 on", "no hole", "[1, 2]"}},
	{"hole", whole(`{"v":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "abc"), []string{`tensor "w"`, "bytes from 1 on", "[2, 3]"}},
	{"overlap", whole(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "abc"), []string{`tensor "w"`, `bytes from 2 on, after tensor "v"`, "an overlap at data_offsets [1, 3]"}},
	{"shared bytes", whole(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "ab"), []string{`tensor "w"`, "an overlap"}},
	{"cut short", whole(entryOf(`"U8"`, "[3]", "[0,3]"), "ab"), []string{`tensor "w"`, "3 bytes of data", "found 2", "cut short", "again"}},
	{"bytes after", whole(entryOf(`"U8"`, "[3]", "[0,3]"), "abcd"), []string{"3 bytes of data", "found 4", "belong to no tensor"}},
	{"bytes of no tensors", whole("{}", "x"), []string{"0 bytes of data", "found 1"}},
}

func TestParseBroken(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("m.safetensors", c.data)
			if err == nil {
				t.Fatalf("accepted: %v", f.Tensors())
			}
			for _, part := range append(c.parts, "safetensors: m.safetensors: ", "expected ", ", found ", "; ") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
}

// An error about a hostile file must not itself be hostile.
func TestParseErrorLength(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, header := range []string{
		`{"` + long + `":1}`,
		`{"w":"` + long + `"}`,
		`{"w":{"dtype":"` + long + `"}}`,
		`{"w":{"` + long + `":1}}`,
		`{"w":{"shape":[1` + strings.Repeat("0", 1<<20) + `]}}`,
		entryOf(`"U8"`, "[1"+strings.Repeat(",1", 1<<20)+"]", "[0,0]"),
		`{"__metadata__":{"` + long + `":1}}`,
	} {
		_, err := Parse("m", whole(header, ""))
		if err == nil {
			t.Fatalf("accepted %.40s", header)
		}
		if n := len(err.Error()); n > 1500 {
			t.Errorf("%.40s: an error of %d bytes", header, n)
		}
	}
}

// A header length claimed by ten bytes must cost nothing.
func TestParseAllocations(t *testing.T) {
	for _, claim := range []uint64{headerLimit, 2 << 30, 1 << 63} {
		data := append(binary.LittleEndian.AppendUint64(nil, claim), '{', '}')
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Parse("m", data); err == nil {
			t.Fatal("accepted")
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("claim of %d bytes: %d bytes allocated", claim, n)
		}
	}
}
