package tensorflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// inMemory opens files by name.
func inMemory(all map[string][]byte) func(name string) (io.ReaderAt, int64, error) {
	return func(name string) (io.ReaderAt, int64, error) {
		data, ok := all[name]
		if !ok {
			return nil, 0, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		}
		return bytes.NewReader(data), int64(len(data)), nil
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// tableOf is a table of one block of entries.
func tableOf(entries ...string) []byte {
	var out, index []byte
	finish := func(data []byte) (handle []byte) {
		data = append(data, 0, 0, 0, 0, 1, 0, 0, 0) // one restart, at 0
		handle = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(out))), uint64(len(data)))
		data = append(data, 0)
		out = append(out, data...)
		out = binary.LittleEndian.AppendUint32(out, masked(crc32.Checksum(data, castagnoli)))
		return handle
	}
	put := func(to []byte, key, value string) []byte {
		to = append(to, 0)
		to = binary.AppendUvarint(binary.AppendUvarint(to, uint64(len(key))), uint64(len(value)))
		return append(append(to, key...), value...)
	}
	var data []byte
	for i := 0; i < len(entries); i += 2 {
		data = put(data, entries[i], entries[i+1])
	}
	handle := finish(data)
	index = put(index, "z", string(handle))
	handle = append(finish(nil), finish(index)...)
	out = append(out, handle...)
	out = append(out, make([]byte, footerBytes-len(tableMagic)-len(handle))...)
	return append(out, tableMagic...)
}

func message(fields ...any) string {
	var m []byte
	for i := 0; i < len(fields); i += 2 {
		number := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			m = protowire.AppendVarint(protowire.AppendTag(m, number, protowire.VarintType), uint64(v))
		case uint32:
			m = protowire.AppendFixed32(protowire.AppendTag(m, number, protowire.Fixed32Type), v)
		case string:
			m = protowire.AppendString(protowire.AppendTag(m, number, protowire.BytesType), v)
		}
	}
	return string(m)
}

func shapeText(sizes ...int) string {
	var s string
	for _, n := range sizes {
		s += message(2, message(1, n))
	}
	return s
}

func openIndex(index, data []byte) (tensorfile.File, error) {
	return openBundle("m.index", inMemory(map[string][]byte{"m.index": index, "m.data-00000-of-00001": data}))
}

func TestBrokenBundles(t *testing.T) {
	one := message(1, 1)
	data := []byte("\x00\x00\x80\x3f\x00\x00\x00\x40")
	sum := masked(crc32.Checksum(data, castagnoli))
	good := message(1, 1, 2, shapeText(2), 5, 8, 6, sum)
	f, err := openIndex(tableOf("", one, "w", good), data)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, 2)
	if err := f.Tensors()[0].Values(values); err != nil || values[0] != 1 || values[1] != 2 {
		t.Fatalf("%v, %v", values, err)
	}
	for name, c := range map[string]struct {
		index []byte
		want  []string
	}{
		"no header":        {tableOf("w", good), []string{"header", "version 1"}},
		"no shards":        {tableOf("", message(1, 0), "w", good), []string{"shards", "found 0"}},
		"big-endian":       {tableOf("", message(1, 1, 2, 1), "w", good), []string{"little-endian"}},
		"missing shard":    {tableOf("", message(1, 2), "w", good), []string{"m.data-00000-of-00002", "none"}},
		"shard outside":    {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 3, 1, 5, 8)), []string{`"w"`, "shard 1"}},
		"offset outside":   {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 4, 4, 5, 8)), []string{`"w"`, "8 bytes from 4", "cut short"}},
		"offset negative":  {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 4, -4, 5, 8)), []string{`"w"`, "from -4"}},
		"size for shape":   {tableOf("", one, "w", message(1, 1, 2, shapeText(3), 5, 8)), []string{`"w"`, "12 bytes", "found 8"}},
		"shape overflows":  {tableOf("", one, "w", message(1, 1, 2, shapeText(1<<40, 1<<40), 5, 8)), []string{`"w"`, "too many elements"}},
		"dimension of -1":  {tableOf("", one, "w", message(1, 1, 2, shapeText(-1), 5, 8)), []string{`"w"`, "dimension of -1"}},
		"name twice":       {tableOf("", one, "w", good, "w", good), []string{`"w"`, "twice"}},
		"slice missing":    {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 7, message(1, message(1, 0, 2, 1)))), []string{`"w"`, "slice", "none in the index"}},
		"slice outside":    {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 7, message(1, message(1, 1, 2, 2)))), []string{`"w"`, "outside"}},
		"slices overlap":   {tableOf("", one, "w", message(1, 1, 2, shapeText(2), 7, message(1, ""), 7, message(1, "")), sliceKey("w", slice{[]int{0}, []int{2}, []bool{true}}), good), []string{`"w"`, "make up"}},
		"broken entry":     {tableOf("", one, "w", "\xff"), []string{`"w"`, "protocol buffer"}},
		"not a table":      {[]byte(strings.Repeat("x", 100)), []string{"magic number"}},
		"short":            {[]byte("x"), []string{"48 bytes"}},
		"changed checksum": {append([]byte("x"), tableOf("", one, "w", good)[1:]...), []string{"checksum"}},
	} {
		_, err := openIndex(c.index, data)
		wanted.ErrorOf(t, name, err, append([]string{"m.index"}, c.want...)...)
	}
	f, err = openIndex(tableOf("", one, "w", message(1, 1, 2, shapeText(2), 5, 8, 6, sum+1)), data)
	if err != nil {
		t.Fatal(err)
	}
	wanted.Error(t, f.Tensors()[0].Values(values), `"w"`, "checksum", "m.data-00000-of-00001")
}

// TestCutShort cuts every file at every byte.
func TestCutShort(t *testing.T) {
	index, data, table := read(t, "v2.ckpt.index"), read(t, "v2.ckpt.data-00000-of-00001"), read(t, "v1.ckpt")
	for n := range len(index) {
		if _, err := openIndex(index[:n], data); err == nil {
			t.Fatalf("an index cut to %d of %d bytes is read", n, len(index))
		}
	}
	if _, err := openIndex(index, data[:len(data)-1]); err == nil {
		t.Error("a shard that is cut short is read")
	}
	for n := 0; n < len(table); n += 3 {
		if _, err := openSlices([]string{"m"}, inMemory(map[string][]byte{"m": table[:n]})); err == nil {
			t.Fatalf("a table cut to %d of %d bytes is read", n, len(table))
		}
	}
	_, err := openSlices([]string{"m-00000-of-00002", "m-00001-of-00002"}, inMemory(map[string][]byte{"m-00000-of-00002": read(t, "sharded_v1.ckpt-00000-of-00003")}))
	wanted.Error(t, err, "m-00001-of-00002")
}

func TestBrokenSlices(t *testing.T) {
	list := message(1, message(1, message(1, "w", 2, shapeText(2), 3, 1)))
	part := func(values string, where ...int) string {
		w := ""
		for i := 0; i < len(where); i += 2 {
			w += message(1, message(1, where[i], 2, where[i+1]))
		}
		return message(2, message(1, "w", 2, w, 3, values))
	}
	floats := message(5, "\x00\x00\x80\x3f\x00\x00\x00\x40")
	for name, c := range map[string]struct {
		table []byte
		want  []string
	}{
		"no list":         {tableOf("w", part(floats)), []string{`"w"`, "not in it"}},
		"no values":       {tableOf("", list), []string{`"w"`, "0 slices of 0"}},
		"half of them":    {tableOf("", list, "w", part(message(5, "\x00\x00\x80\x3f"), 0, 1)), []string{`"w"`, "1 slices of 1"}},
		"twice":           {tableOf("", list, "w", part(floats), "x", part(floats)), []string{`"w"`, "2 slices of 4"}},
		"same half twice": {tableOf("", list, "w", part(message(5, "\x00\x00\x80\x3f"), 0, 1), "x", part(message(5, "\x00\x00\x80\x3f"), 0, 1)), []string{`"w"`, "make up"}},
		"outside":         {tableOf("", list, "w", part(floats, 1, 2)), []string{"outside"}},
		"too few values":  {tableOf("", list, "w", part(message(5, "abc"))), []string{`"w"`, "3 bytes"}},
		"broken":          {tableOf("", "\xff"), []string{"protocol buffer"}},
	} {
		_, err := openSlices([]string{"m.ckpt"}, inMemory(map[string][]byte{"m.ckpt": c.table}))
		wanted.ErrorOf(t, name, err, append([]string{"m.ckpt"}, c.want...)...)
	}
	s, err := openSlices([]string{"m"}, inMemory(map[string][]byte{"m": tableOf("", list, "w", part(message(5, "\x00\x00\x80\x3f")))}))
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, 2)
	if err := s.Tensors()[0].Values(values); err != nil || values[0] != 1 || values[1] != 1 {
		t.Errorf("one value for all: %v, %v", values, err)
	}
}

// TestOrderedCode compares with keys that TensorFlow wrote.
func TestOrderedCode(t *testing.T) {
	index := read(t, "v2.ckpt.index")
	var keys []string
	if err := (&table{complainer{bundleFormat, "m"}, bytes.NewReader(index), int64(len(index))}).each(func(key, _ []byte, _ int64) error {
		keys = append(keys, string(key))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		sliceKey("net/rows", slice{[]int{3, 0}, []int{2, 3}, make([]bool, 2)}),
		sliceKey("net/columns", slice{[]int{0, 100}, []int{2, 100}, make([]bool, 2)}),
		sliceKey("net/columns", slice{[]int{0, 200}, []int{2, 100}, make([]bool, 2)}),
	} {
		found := false
		for _, key := range keys {
			found = found || key == want
		}
		if !found {
			t.Errorf("no key %q", want)
		}
	}
	for v, want := range map[int64]string{0: "\x80", -1: "\x7f", 63: "\xbf", 64: "\xc0\x40", -64: "\x40", -65: "\x3f\xbf"} {
		if got := string(orderedSigned(nil, v)); got != want {
			t.Errorf("%d is %x, want %x", v, got, want)
		}
	}
}

// FuzzParse takes data for the files of a checkpoint of either version, and mends the
// checksums that would end the reading of most.
func FuzzParse(f *testing.F) {
	data := read(f, "v2.ckpt.data-00000-of-00001")
	for _, name := range []string{"v1.ckpt", "v2.ckpt.index", "sharded_v1.ckpt-00000-of-00003", "objects.index"} {
		f.Add(read(f, name))
	}
	f.Add([]byte(message(1, 1, 2, shapeText(2), 5, 8)))
	f.Fuzz(func(t *testing.T, in []byte) {
		entry := tableOf("", message(1, 1), "w", string(in))
		list := tableOf("", string(in), "w", string(in))
		for _, index := range [][]byte{in, entry, list} {
			bundle, err := openIndex(index, data)
			check(t, bundle, err, len(index)+len(data))
			slices, err := openSlices([]string{"m"}, inMemory(map[string][]byte{"m": index}))
			check(t, slices, err, len(index))
		}
	})
}

func check(t *testing.T, f tensorfile.File, err error, size int) {
	if err != nil {
		return
	}
	for _, x := range f.Tensors() {
		n, ok := tensorfile.Elements(x.Shape)
		if !ok {
			t.Fatalf("%q has the shape %v", x.Name, x.Shape)
		}
		if n <= 1<<16 {
			_ = x.Values(make([]float32, n))
		}
	}
}
