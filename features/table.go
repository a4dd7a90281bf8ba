package features

import (
	"encoding/json"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Table is the features of many photographs in memory, as a file of safetensors holds them.
type Table struct {
	About
	// Files are the names of the photographs; bytes that are not UTF-8 are as \xff.
	Files []string
	// Values are finite, [len(Files), Shape], the last axis fastest.
	Values []float32
	// More are the file's other metadata.
	More map[string]string
}

// The names in a file of safetensors.
const (
	tensorName = "features"
	keyAbout   = "inception.features"
	keyFiles   = "inception.files"
)

// Len is how many photographs there are.
func (t *Table) Len() int { return len(t.Files) }

// Size is how many values a photograph has.
func (t *Table) Size() int { return t.values() }

// Row returns the values of a photograph.
func (t *Table) Row(i int) []float32 { n := t.values(); return t.Values[i*n:][:n:n] }

// Read reads a file of safetensors that Write has written, of any version of this program.
func Read(path string) (*Table, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t := &Table{More: f.Metadata()}
	mismatch := func(expected, found string) error {
		return &tensorfile.Mismatch{
			Format: "features", File: path, Tensor: tensorName, Expected: expected, Found: found,
			Advice: `write the file by "inception features --out NAME.safetensors", or by "inception nearest"`,
		}
	}
	for key, to := range map[string]any{keyAbout: &t.About, keyFiles: &t.Files} {
		text, ok := t.More[key]
		if !ok {
			return nil, mismatch(fmt.Sprintf("the metadata %q", key), "a file without, which may be one of weights")
		}
		if err := json.Unmarshal([]byte(text), to); err != nil {
			return nil, mismatch(fmt.Sprintf("JSON of this program in the metadata %q", key), err.Error())
		}
		delete(t.More, key)
	}
	tensor, ok := f.Tensor(tensorName)
	size, fits := tensorfile.Elements(t.Shape)
	switch {
	case !ok:
		return nil, mismatch("a tensor of this name", "none")
	case !fits || size == 0 || len(t.Shape) == 0:
		return nil, mismatch("a shape of at least one value in the metadata", tensorfile.ShapeText(t.Shape))
	case len(t.Files) == 0 || len(tensor.Shape) == 0 || tensor.Shape[0] != len(t.Files) || tensor.Elements()%len(t.Files) != 0 || tensor.Elements()/len(t.Files) != size:
		return nil, mismatch(fmt.Sprintf("%d rows of the shape %s, as the metadata say", len(t.Files), tensorfile.ShapeText(t.Shape)), tensorfile.ShapeText(tensor.Shape))
	}
	t.Values = make([]float32, tensor.Elements())
	if err := tensor.Float32s(t.Values); err != nil {
		return nil, err
	}
	for i, name := range t.Files {
		if _, bad := tensorfile.NotFinite(t.Row(i)); bad > 0 {
			return nil, mismatch("finite values", "others in the row of "+name)
		}
	}
	return t, nil
}

// Write writes a file that Read reads. It appears whole or not at all.
func (t *Table) Write(path string) error {
	metadata := map[string]string{}
	for key, text := range t.More {
		metadata[key] = text
	}
	for key, value := range map[string]any{keyAbout: t.About, keyFiles: utf8Names(t.Files)} {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		metadata[key] = string(text)
	}
	return safetensors.Write(path, metadata, []tensorfile.Tensor{{
		Name: tensorName, Shape: append([]int{len(t.Files)}, t.Shape...),
		Values: func(dst []float32) error { copy(dst, t.Values); return nil },
	}})
}
