package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/keras"
	"github.com/seed-fb2c0fa6/inception/weights/npz"
	"github.com/seed-fb2c0fa6/inception/weights/onnx"
	"github.com/seed-fb2c0fa6/inception/weights/pytorch"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
	"github.com/seed-fb2c0fa6/inception/weights/tensorflow"
	"github.com/seed-fb2c0fa6/inception/weights/tfjs"
)

// formats is the table of formats. A file is of the first one that recognises it, or
// else of the first whose ending its name has. The first of the table is that of files
// which no format recognises and of endings that none has.
func formats() formatTable {
	return formatTable{
		{
			Name: "safetensors", Endings: []string{".safetensors"}, framework: true, int8s: true,
			recognise: safetensors.Recognise, open: safetensors.OpenTensors, write: safetensors.Write,
		},
		{
			Name: shardsName, Endings: []string{".safetensors.index.json", ".bin.index.json"},
			recognise: tensorfile.RecogniseIndex, open: openShards,
		},
		{
			Name: "npz", Endings: []string{".npz"}, int8s: true,
			recognise: npz.Recognise, open: npz.Open, write: npz.Write,
		},
		{
			Name: "pytorch", Endings: []string{".pth.tar", ".pth", ".pt", ".bin"},
			recognise: pytorch.Recognise, open: pytorch.Open,
		},
		{
			Name: "keras", Endings: []string{".weights.h5", ".keras", ".h5", ".hdf5"},
			recognise: keras.Recognise, open: keras.Open,
		},
		{
			Name: "tfjs", Endings: []string{"model.json"},
			recognise: tfjs.Recognise, open: tfjs.Open,
		},
		{
			Name: "tensorflow checkpoint", Endings: []string{".index", ".ckpt"},
			recognise: tensorflow.RecogniseCheckpoint, open: tensorflow.OpenCheckpoint,
			write: tensorflow.Write, written: tensorflow.Written, layouts: []Layout{Slim, Native},
		},
		{
			Name: "tensorflow SavedModel", Endings: []string{"saved_model.pb"},
			recognise: tensorflow.RecogniseSavedModel, open: tensorflow.OpenSavedModel,
		},
		{
			Name: "onnx", Endings: []string{".onnx"},
			recognise: onnx.Recognise, open: onnx.Open,
		},
		{
			Name: "tensorflow graph", Endings: []string{".pb"},
			recognise: tensorflow.RecogniseGraph, open: tensorflow.OpenGraph,
		},
	}
}

// shardsName is the format of weights in several files, which an index names.
const shardsName = "shards"

// openShards opens files of any format by their index.
func openShards(path string) (tensorfile.File, error) {
	return tensorfile.OpenIndex(path, func(shard string) (tensorfile.File, error) {
		format := formats().of(shard)
		if format.Name == shardsName {
			return nil, fmt.Errorf("%s: expected a file with tensors, found another index; name the files of tensors in the index %s", shard, path)
		}
		return format.open(shard)
	})
}

// A Format is a kind of file, or folder, that holds named tensors.
type Format struct {
	Name string
	// Endings are those of its files' names, in lower case and with the dot.
	Endings []string

	recognise func(tensorfile.Sample) bool
	open      func(path string) (tensorfile.File, error)
	// write leaves the whole new file or the old one, and holds one tensor in memory
	// at a time. It is nil where the format is only read.
	write func(path string, metadata map[string]string, tensors []tensorfile.Tensor) error
	// written are the files that write writes; nil where they are the path alone.
	written func(path string) []string
	// layouts are those that files are written in, the one first that they have where nothing
	// else is asked for; nil for all, the native one first.
	layouts []Layout
	// framework is set where readers of the format look for the framework that the weights
	// are of under the key "format" of the metadata.
	framework bool
	// int8s is set where tensors of 8-bit integers can be written.
	int8s bool
}

// Formats returns the formats of files of weights.
func Formats() []Format { return formats() }

// Writes reports whether files of the format can be written.
func (f Format) Writes() bool { return f.write != nil }

// files are those that the format writes at a path.
func (f Format) files(path string) []string {
	if f.written == nil {
		return []string{path}
	}
	return f.written(path)
}

// writtenLayouts are those that files of the format are written in.
func (f Format) writtenLayouts() []Layout {
	if f.layouts != nil {
		return f.layouts
	}
	return Layouts()
}

// layout returns the one that a file is to be written in, the format's own where none is
// given.
func (f Format) layout(path string, to Layout) (Layout, error) {
	possible := f.writtenLayouts()
	if to == "" {
		return possible[0], nil
	}
	if slices.Contains(possible, to) {
		return to, nil
	}
	return to, fmt.Errorf("write %s: files of the format %s are written in the layout %s, not in %s; choose another layout, or a name that ends in %s",
		path, f.Name, join(possible), to, formats().endingsOf(to))
}

// join lists layouts.
func join(all []Layout) string {
	var names []string
	for _, l := range all {
		names = append(names, string(l))
	}
	return strings.Join(names, " or ")
}

// TrimEnding returns the name of a file without the ending of its format.
func TrimEnding(name string) string {
	for _, ending := range formats().named(name).Endings {
		if at := len(name) - len(ending); at > 0 && strings.EqualFold(name[at:], ending) {
			return name[:at]
		}
	}
	return name
}

type formatTable []Format

// of returns the format of the file at path: what it is by its content, or else by its
// name.
func (t formatTable) of(path string) Format {
	// Where there is nothing to look at, the format's own error says so.
	if sample, err := tensorfile.Look(path); err == nil {
		for _, f := range t {
			if f.recognise(sample) {
				return f
			}
		}
	}
	return t.named(path)
}

// withInt8s returns the names of the formats that 8-bit integers can be written in.
func (t formatTable) withInt8s() []string {
	var names []string
	for _, f := range t {
		if f.int8s {
			names = append(names, f.Name)
		}
	}
	return names
}

// knows reports whether the name of a file has an ending of the table.
func (t formatTable) knows(path string) bool {
	return slices.ContainsFunc(t, func(f Format) bool { return f.hasEnding(path) })
}

// writableEndings lists the endings of what can be written.
func (t formatTable) writableEndings() string {
	var endings []string
	for _, f := range t {
		if f.Writes() {
			endings = append(endings, f.Endings...)
		}
	}
	return strings.Join(endings, " or ")
}

// endingsOf lists the endings of what can be written in a layout.
func (t formatTable) endingsOf(l Layout) string {
	var endings []string
	for _, f := range t {
		if f.Writes() && slices.Contains(f.writtenLayouts(), l) {
			endings = append(endings, f.Endings...)
		}
	}
	return strings.Join(endings, " or ")
}

func (f Format) hasEnding(path string) bool {
	return slices.ContainsFunc(f.Endings, func(ending string) bool { return strings.HasSuffix(strings.ToLower(path), ending) })
}

// named returns the format that the name of a file tells.
func (t formatTable) named(path string) Format {
	for _, f := range t {
		if f.hasEnding(path) {
			return f
		}
	}
	return t[0]
}

// writable returns the format to write a file in, by its name.
func (t formatTable) writable(path string) (Format, error) {
	f := t.named(path)
	if f.Writes() {
		return f, nil
	}
	return f, fmt.Errorf("write %s: files of the format %s are only read; give it a name that ends in %s", path, f.Name, t.writableEndings())
}
