package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// packed is an archive of a pickle and of storages.
func packed(t testing.TB, pickle string, storages ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, data string) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = io.WriteString(w, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("m/data.pkl", pickle)
	for i, s := range storages {
		put(fmt.Sprintf("m/data/%d", i), s)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// storageText is the instructions of a storage of floats.
func storageText(key string, elements int) string {
	return "(" + text("storage") + "ctorch\nFloatStorage\n" + text(key) + text("cpu") + fmt.Sprintf("I%d\n", elements) + "tQ"
}

// tensorText is those of a tensor: with its offset, sizes and strides.
func tensorText(storage, offset, sizes, strides string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + sizes + strides + "\x89}tR"
}

func dictText(key, value string) string { return "\x80\x02}" + text(key) + value + "s." }

// hostile are pickles that would run a program, take all memory, or go deeper than a stack.
func hostile() map[string]string {
	laughs := "\x80\x02}q\x00" + text("a") + "K\x01s0"
	for i := range 60 {
		laughs += fmt.Sprintf("}(%sh%s%sh%suq%s0", text("l"), string(rune(i)), text("r"), string(rune(i)), string(rune(i+1)))
	}
	deep := "\x80\x02" + strings.Repeat("}"+text("d"), 100_000) + "N" + strings.Repeat("s", 100_000) + "."
	return map[string]string{
		"os.system":           "\x80\x02cos\nsystem\n" + text("echo hostile > hostile") + "\x85R.",
		"posix by stack":      "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
		"eval":                "\x80\x02c__builtin__\neval\n" + text("1") + "\x85R.",
		"builtins getattr":    "\x80\x02cbuiltins\ngetattr\n(ctorch\nload\n" + text("x") + "tR.",
		"instance":            "\x80\x02(" + text("id") + "isubprocess\nPopen\n.",
		"object":              "\x80\x02(csubprocess\nPopen\n" + text("id") + "o.",
		"new object":          "\x80\x02csubprocess\nPopen\n" + text("id") + "\x85\x81}b.",
		"call of a value":     "\x80\x02K\x01)R.",
		"string of 4 GB":      "\x80\x02X\xff\xff\xff\xffabc.",
		"bytes of 2^63":       "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
		"long of 4 GB":        "\x80\x02\x8b\xff\xff\xff\xff.",
		"line without end":    "\x80\x02c" + strings.Repeat("a", 1<<20),
		"dicts in themselves": "\x80\x02}q\x00" + text("a") + "h\x00s.",
		"laughs":              laughs + "h\x3c.",
		"deep dicts":          deep,
		"deep tuples":         "\x80\x02N" + strings.Repeat("\x85", 100_000) + ".",
		"marks":               "\x80\x02" + strings.Repeat("(", 100_000) + ".",
		"empty stack":         "\x80\x02R.",
		"unknown memo":        "\x80\x02h\x07.",
		"no end":              "\x80\x02}",
		"id out of range":     dictText("w", tensorText(storageText("9", 4), "K\x00", "K\x04\x85", "K\x01\x85")),
		"id of a path":        dictText("w", tensorText(storageText("../0", 4), "K\x00", "K\x04\x85", "K\x01\x85")),
		"id of one part":      dictText("w", text("storage")+"\x85Q"),
		"elements of 2^40":    dictText("w", tensorText(storageText("0", 1<<40), "K\x00", "K\x04\x85", "K\x01\x85")),
		"offset outside":      dictText("w", tensorText(storageText("0", 4), "K\x03", "K\x02\x85", "K\x01\x85")),
		"negative offset":     dictText("w", tensorText(storageText("0", 4), "J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85")),
		"stride outside":      dictText("w", tensorText(storageText("0", 4), "K\x00", "K\x02\x85", "K\x07\x85")),
		"stride that repeats": dictText("w", tensorText(storageText("0", 4), "K\x00", "J\xff\xff\xff\x7f\x85", "K\x00\x85")),
		"shape of 2^62":       dictText("w", tensorText(storageText("0", 4), "K\x00", "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85", "K\x01\x85")),
		"stride of 2^62":      dictText("w", tensorText(storageText("0", 4), "K\x00", "K\x04\x85", "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85")),
		"fewer strides":       dictText("w", tensorText(storageText("0", 4), "K\x00", "K\x02\x85", ")")),
		"protocol 9":          "\x80\x09N.",
		"unknown instruction": "\x80\x02\xff.",
		"no tensors":          dictText("epoch", "K\x03"),
	}
}

// TestHostile runs pickles that must do nothing but fail.
func TestHostile(t *testing.T) {
	t.Chdir(t.TempDir())
	want := map[string][]string{
		"os.system": {`"os.system"`, "not made"}, "posix by stack": {`"posix.system"`}, "eval": {`"builtins.eval"`}, "builtins getattr": {`"builtins.getattr"`},
		"instance": {`"subprocess.Popen"`}, "object": {`"subprocess.Popen"`}, "new object": {`"subprocess.Popen"`, "a dict of tensors"},
		"string of 4 GB": {"4294967295 bytes", "left"}, "deep dicts": {"64 deep"}, "laughs": {"entries"}, "dicts in themselves": {"64 deep"},
		"id out of range": {`"m/data/9"`, "none in the archive"}, "elements of 2^40": {"1099511627776 elements", "16 bytes"},
		"offset outside": {"within the 4 elements"}, "stride outside": {"within the 4 elements"}, "stride that repeats": {"at most the 4 elements"},
		"no tensors": {"without tensors", `"epoch"`}, "protocol 9": {"protocol 9"},
	}
	for name, pickle := range hostile() {
		data := packed(t, pickle, strings.Repeat("\x00", 16))
		_, err := parse("m.pth", bytes.NewReader(data), int64(len(data)))
		if err == nil {
			t.Errorf("%s is read", name)
			continue
		}
		wanted.Error(t, err, append([]string{"pytorch: m.pth"}, want[name]...)...)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("files were made: %v, %v", left, err)
	}
	for name := range want {
		if hostile()[name] == "" {
			t.Errorf("there is no pickle %q", name)
		}
	}
}

// TestBroken cuts good files short at every byte, and changes them.
func TestBroken(t *testing.T) {
	for _, name := range []string{"zip.pth", "stream.pth", "deflated.pth"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(data) {
			if n > 64 && n%7 != 0 {
				continue
			}
			if _, err := parse("m.pth", bytes.NewReader(data[:n]), int64(n)); err == nil {
				t.Fatalf("%s is read when cut to %d of %d bytes", name, n, len(data))
			}
		}
	}
	good := packed(t, dictText("w", tensorText(storageText("0", 2), "K\x00", "K\x02\x85", "K\x01\x85")), "\x00\x00\x80\x3f\x00\x00\x00\x40")
	read := func(data []byte) ([]float32, error) {
		f, err := parse("m.pth", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return nil, err
		}
		values := make([]float32, 2)
		return values, f.tensors[0].Values(values)
	}
	if v, err := read(good); err != nil || v[0] != 1 || v[1] != 2 {
		t.Fatalf("%v, %v", v, err)
	}
	changed := bytes.Replace(good, []byte("\x80\x3f\x00\x00\x00\x40"), []byte("\x80\x3f\x00\x00\x01\x40"), 1)
	_, err := read(changed)
	wanted.Error(t, err, `"w"`, "checksum", `"m/data/0"`)
	for name, c := range map[string]struct {
		data string
		want string
	}{
		"empty":       {"", "an empty file"},
		"other":       {"GIF89a", "GIF89a"},
		"plain":       {"\x80\x04N.", "Python's own pickle"},
		"no pickle":   {string(packedAs(t, "m/other")), "data.pkl"},
		"torchscript": {string(packedAs(t, "m/data.pkl", "m/constants.pkl")), "TorchScript"},
	} {
		_, err := parse("m.pth", strings.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			t.Errorf("%s is read", name)
			continue
		}
		wanted.Error(t, err, "m.pth", c.want)
	}
}

func packedAs(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzParse takes data for a file, and for the pickle of one. Whatever is accepted has
// names once, shapes that can be counted, and values that are read or refused.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"zip.pth", "stream.pth", "deflated.pth", "training.pth", "module.pth"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, pickle := range hostile() {
		if len(pickle) < 1<<12 {
			f.Add([]byte(pickle))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, content := range [][]byte{data, packed(t, string(data), "abcdefghijklmnop")} {
			m, err := parse("m.pth", bytes.NewReader(content), int64(len(content)))
			if err != nil {
				continue
			}
			seen := map[string]bool{}
			for _, x := range m.tensors {
				if seen[x.Name] {
					t.Fatalf("%q twice", x.Name)
				}
				seen[x.Name] = true
				if x.Elements() > len(content) {
					t.Fatalf("%q has the shape %v in a file of %d bytes", x.Name, x.Shape, len(content))
				}
				_ = x.Values(make([]float32, x.Elements()))
			}
		}
	})
}
