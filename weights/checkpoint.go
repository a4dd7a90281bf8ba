package weights

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/keras"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Checkpoint is an open file of weights. It may be read by several goroutines.
type Checkpoint struct {
	// Path is the file's.
	Path string
	// Format is what the file is.
	Format Format
	// Layout is what the names of the file's tensors follow.
	Layout Layout
	// Metadata is what the file says about itself.
	Metadata Metadata

	file       tensorfile.File
	view       *view
	graph      *topology     // nil where the file carries none, or its layout is known by names
	config     *folderConfig // nil where there is none
	counted    bool          // layers are called by kind and count, in an order that is not known
	ofImageNet bool          // the graph takes images normalised as ImageNet's, and makes the network's of them
	headless   bool          // identified without what follows the last block
}

// Open opens a file of weights of any format and recognises its layout.
func Open(path string) (*Checkpoint, error) {
	format := formats().of(path)
	file, err := format.open(path)
	if err != nil {
		return nil, err
	}
	c, err := newCheckpoint(path, format, file)
	if err == nil && c.Metadata.Network == "" {
		if c.config, err = readConfig(path); err == nil && c.config != nil {
			err = c.config.apply(&c.Metadata, path)
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

// newCheckpoint recognises the layout of an open file.
func newCheckpoint(path string, format Format, file tensorfile.File) (c *Checkpoint, err error) {
	c = &Checkpoint{Path: path, Format: format, file: file}
	if c.Metadata, err = decodeMetadata(file.Metadata()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	tensors := weightsAmong(unwrapped(file.Tensors()))
	if file.Metadata()[keras.CountedKey] != "" {
		var known bool
		tensors, known = inKeptOrder(tensors)
		c.counted = !known
	}
	c.view = viewOf(tensors, c.Metadata)
	c.Layout = c.view.name
	return c, nil
}

// Close releases the file. Tensors must not be read afterwards.
func (c *Checkpoint) Close() error { return c.file.Close() }

// File returns the file behind the checkpoint.
func (c *Checkpoint) File() tensorfile.File { return c.file }

// Files returns the paths of all files that the weights at a path consist of.
func Files(path string) ([]string, error) {
	file, err := formats().of(path).open(path)
	if err != nil {
		return nil, err
	}
	parts := []string{path}
	if parted, ok := file.(tensorfile.Parted); ok {
		parts = parted.Parts()
	}
	return parts, file.Close()
}

// Tensor returns the tensor that the file has under a name of its own, and false where
// there is none. What a program has put before all names, such as "module.", is not of
// the name.
func (c *Checkpoint) Tensor(name string) (tensorfile.Tensor, bool) { return c.view.tensor(name) }

// A Tensor is a parameter together with where its values are.
type Tensor struct {
	arch.Parameter

	path     string
	source   tensorfile.Tensor // without Values where the file leaves the parameter out
	order    []int             // which native axis each axis of the source is; nil where all are as in the native layout
	skipped  int               // leading classes of the source that are left out: the background
	constant float32           // every value where there is no source
	added    float32           // to every value
}

// Read writes the values in native order into dst, which has the parameter's
// size. Values that are not finite are a *NotFiniteError.
func (t Tensor) Read(dst []float32) error {
	if len(dst) != t.Size() {
		return fmt.Errorf("%s: %d values are to be read into room for %d", t.Name, t.Size(), len(dst))
	}
	if t.source.Values == nil {
		for i := range dst {
			dst[i] = t.constant
		}
		return nil
	}
	if err := t.read(dst); err != nil {
		return err
	}
	if t.added != 0 {
		for i := range dst {
			dst[i] += t.added
		}
	}
	return nil
}

func (t Tensor) read(dst []float32) error {
	if t.skipped == 0 && t.order == nil {
		return t.values(dst)
	}
	values := make([]float32, t.source.Elements())
	if err := t.values(values); err != nil {
		return err
	}
	if t.skipped == 0 {
		toNative(dst, values, t.Shape, t.order)
		return nil
	}
	classes := t.Shape[len(t.Shape)-1]
	all := classes + t.skipped
	native := make([]float32, len(values))
	toNative(native, values, append(slices.Clone(t.Shape[:len(t.Shape)-1]), all), t.order)
	for row := range len(dst) / classes {
		copy(dst[row*classes:][:classes], native[row*all+t.skipped:])
	}
	return nil
}

// ReadInt8s is Read for a parameter of 8-bit integers.
func (t Tensor) ReadInt8s(dst []int8) error {
	if len(dst) != t.Size() || t.source.Int8s == nil {
		return fmt.Errorf("%s: %d 8-bit integers are to be read into room for %d, from elements of type %s", t.Name, t.Size(), len(dst), t.source.DType)
	}
	return t.source.Int8s(dst)
}

// values reads the tensor as it is in the file.
func (t Tensor) values(dst []float32) error {
	if err := t.source.Values(dst); err != nil {
		return err
	}
	return CheckFinite(t.path, t.source.Name, dst)
}

// Match finds the tensor of every parameter. The parameters are all those of one
// network in the order of their use, as arch returns them. A parameter that the
// file lacks, one of another shape, and a tensor that is no parameter are errors
// that name the first five of each kind. Left out without an error are tensors that
// the layout has for no network, such as PyTorch's batch counters, the state of an
// optimiser, an auxiliary head when no parameter belongs to one, the head of a file that
// was identified without it (Hint.Headless), and the background class of files with one
// class more than the parameters, when it is the first of 1001. Batch norm without gamma
// has ones.
func (c *Checkpoint) Match(parameters []arch.Parameter) ([]Tensor, error) {
	if c.graph != nil {
		return c.graph.match(c.Path, parameters)
	}
	return c.view.match(c, parameters)
}

// match finds the tensors by the layout's names.
func (v *view) match(c *Checkpoint, parameters []arch.Parameter) ([]Tensor, error) {
	names, err := v.names(parameters)
	if err != nil {
		return nil, fmt.Errorf("%s is in %s's layout: %w", c.Path, v.name, err)
	}
	var missing, misshapen []string
	tensors := make([]Tensor, 0, len(parameters))
	for i, p := range parameters {
		t := Tensor{Parameter: p, path: c.Path, order: v.axes(len(p.Shape))}
		source, ok := v.tensor(names[i])
		if !ok {
			if !v.mayLack(p) {
				missing = append(missing, names[i])
				continue
			}
			t.constant = 1
			tensors = append(tensors, t)
			continue
		}
		want := v.shape(p)
		if hasBackground(v.layout, p, source.Shape) {
			t.skipped = 1
		} else if !slices.Equal(source.Shape, want) {
			misshapen = append(misshapen, fmt.Sprintf("%s (expected %v, found %v)", names[i], want, source.Shape))
		} else if integers := p.DType == dtypes.Int8; integers != (source.Int8s != nil) {
			expected := "numbers with a fraction"
			if integers {
				expected = "8-bit integers"
			}
			misshapen = append(misshapen, fmt.Sprintf("%s (expected %s, found the type %s)", names[i], expected, source.DType))
		}
		t.source = source
		tensors = append(tensors, t)
	}
	unused := v.unused(names)
	if c.headless {
		unused = nil
	}
	if len(missing)+len(misshapen)+len(unused) > 0 {
		scope, _, _ := strings.Cut(parameters[0].Name, "/")
		return nil, &MismatchError{Path: c.Path, Network: scope, Missing: alike(missing, unused), Misshapen: misshapen, Unused: alike(unused, missing)}
	}
	return tensors, nil
}

// hasBackground reports whether the file's shape is the parameter's with the
// background class of TF-slim's ImageNet labels before the 1000 classes.
func hasBackground(l layout, p arch.Parameter, found []int) bool {
	classes := len(p.Shape) - 1
	if !l.background || classes < 0 || classes > 1 || p.Shape[classes] != 1000 {
		return false
	}
	with := p
	with.Shape = slices.Clone(p.Shape)
	with.Shape[classes]++
	return slices.Equal(found, l.shape(with))
}

// A MismatchError tells how the tensors of a file differ from a network's
// parameters, in the names of the file's layout.
type MismatchError struct {
	Path      string
	Network   string   // that was expected: its name, or the scope of its parameters
	Missing   []string // parameters that the file lacks
	Misshapen []string // names with both shapes, or types
	Unused    []string // tensors that the network does not have
}

func (e *MismatchError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s does not hold the weights of %s:", e.Path, e.Network)
	separator := " "
	for _, kind := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"of another shape or type", e.Misshapen}, {"unexpected", e.Unused}} {
		if len(kind.names) > 0 {
			fmt.Fprintf(&s, "%s%d %s (%s)", separator, len(kind.names), kind.what, firstFive(kind.names))
			separator = ", "
		}
	}
	return s.String()
}

func firstFive(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
