package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/arch"
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

	file    tensorfile.File
	tensors []tensorfile.Tensor
	byName  map[string]int
	layout  layout
}

// Open opens a file of weights of any format and recognises its layout.
func Open(path string) (*Checkpoint, error) {
	format := formats().of(path)
	file, err := format.open(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Format: format, file: file, tensors: unwrapped(file.Tensors()), byName: map[string]int{}}
	for i, t := range c.tensors {
		c.byName[t.Name] = i
	}
	c.layout = layoutOf(c.tensors)
	c.Layout = c.layout.name
	if c.Metadata, err = decodeMetadata(file.Metadata()); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Close releases the file. Tensors must not be read afterwards.
func (c *Checkpoint) Close() error { return c.file.Close() }

// File returns the file behind the checkpoint.
func (c *Checkpoint) File() tensorfile.File { return c.file }

// Tensor returns the tensor that the file has under a name of its own, and false where
// there is none. What a program has put before all names, such as "module.", is not of
// the name.
func (c *Checkpoint) Tensor(name string) (tensorfile.Tensor, bool) {
	i, ok := c.byName[name]
	if !ok {
		return tensorfile.Tensor{}, false
	}
	return c.tensors[i], true
}

// A Tensor is a parameter together with where its values are.
type Tensor struct {
	arch.Parameter

	path    string
	layout  layout
	source  tensorfile.Tensor
	skipped int // leading classes of the source that are left out: the background
}

// Read writes the values in native order into dst, which has the parameter's
// size. Values that are not finite are a *NotFiniteError.
func (t Tensor) Read(dst []float32) error {
	if len(dst) != t.Size() {
		return fmt.Errorf("%s: %d values are to be read into room for %d", t.Name, t.Size(), len(dst))
	}
	if t.skipped == 0 && t.layout.axes(len(t.Shape)) == nil {
		return t.values(dst)
	}
	values := make([]float32, t.source.Elements())
	if err := t.values(values); err != nil {
		return err
	}
	if t.skipped == 0 {
		t.layout.toNative(dst, values, t.Shape)
		return nil
	}
	classes := t.Shape[len(t.Shape)-1]
	all := classes + t.skipped
	native := make([]float32, len(values))
	t.layout.toNative(native, values, append(slices.Clone(t.Shape[:len(t.Shape)-1]), all))
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
// the layout has for no network, such as PyTorch's batch counters, an auxiliary head when no parameter belongs to one, and the
// background class of files with one class more than the parameters, when it is
// the first of 1001.
func (c *Checkpoint) Match(parameters []arch.Parameter) ([]Tensor, error) {
	names, err := c.layout.names(parameters)
	if err != nil {
		return nil, fmt.Errorf("%s is in %s's layout: %w", c.Path, c.Layout, err)
	}
	var missing, misshapen []string
	tensors := make([]Tensor, 0, len(parameters))
	for i, p := range parameters {
		source, ok := c.Tensor(names[i])
		if !ok {
			missing = append(missing, names[i])
			continue
		}
		want := c.layout.shape(p.Shape)
		skipped := 0
		if hasBackground(c.layout, p, source.Shape) {
			skipped = 1
		} else if !slices.Equal(source.Shape, want) {
			misshapen = append(misshapen, fmt.Sprintf("%s (expected %v, found %v)", names[i], want, source.Shape))
		} else if integers := p.DType == dtypes.Int8; integers != (source.Int8s != nil) {
			expected := "numbers with a fraction"
			if integers {
				expected = "8-bit integers"
			}
			misshapen = append(misshapen, fmt.Sprintf("%s (expected %s, found the type %s)", names[i], expected, source.DType))
		}
		tensors = append(tensors, Tensor{Parameter: p, path: c.Path, layout: c.layout, source: source, skipped: skipped})
	}
	if unused := c.unused(names); len(missing)+len(misshapen)+len(unused) > 0 {
		scope, _, _ := strings.Cut(parameters[0].Name, "/")
		return nil, &MismatchError{Path: c.Path, Network: scope, Missing: missing, Misshapen: misshapen, Unused: unused}
	}
	return tensors, nil
}

// unused returns the tensors of the file that have none of the given names and
// may not be left out.
func (c *Checkpoint) unused(names []string) []string {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	wantsAuxiliary := slices.ContainsFunc(names, c.layout.auxiliary)
	var unused []string
	for _, t := range c.tensors {
		switch {
		case wanted[t.Name], c.layout.spare(t.Name), !wantsAuxiliary && c.layout.auxiliary(t.Name):
		default:
			unused = append(unused, t.Name)
		}
	}
	return unused
}

// hasBackground reports whether the file's shape is the parameter's with the
// background class of TF-slim's ImageNet labels before the 1000 classes.
func hasBackground(l layout, p arch.Parameter, found []int) bool {
	classes := len(p.Shape) - 1
	if classes < 0 || classes > 1 || p.Shape[classes] != 1000 {
		return false
	}
	with := slices.Clone(p.Shape)
	with[classes]++
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
