package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
)

// A Checkpoint is an open file of weights. It may be read by several goroutines.
type Checkpoint struct {
	// Path is the file's.
	Path string
	// Layout is what the names of the file's tensors follow.
	Layout Layout
	// Metadata is what the file says about itself.
	Metadata Metadata

	file *safetensors.File
}

// Open opens a safetensors file and recognises its layout.
func Open(path string) (*Checkpoint, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{Path: path, Layout: Timm, file: file}
	if c.Metadata, err = decodeMetadata(file.Metadata()); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// Only TF-slim's names have slashes.
	if slices.ContainsFunc(file.Tensors(), func(t safetensors.Tensor) bool { return strings.Contains(t.Name, "/") }) {
		c.Layout = Native
	}
	return c, nil
}

// Close releases the file. Tensors must not be read afterwards.
func (c *Checkpoint) Close() error { return c.file.Close() }

// File returns the safetensors file behind the checkpoint.
func (c *Checkpoint) File() *safetensors.File { return c.file }

// A Tensor is a parameter together with where its values are.
type Tensor struct {
	arch.Parameter

	layout  Layout
	source  safetensors.Tensor
	skipped int // leading classes of the source that are left out: the background
}

// Read writes the values in native order into dst, which has the parameter's
// size.
func (t Tensor) Read(dst []float32) error {
	if len(dst) != t.Size() {
		return fmt.Errorf("%s: %d values are to be read into room for %d", t.Name, t.Size(), len(dst))
	}
	if t.skipped == 0 && (t.layout == Native || len(t.Shape) == 1) {
		return t.source.Float32s(dst)
	}
	values := make([]float32, t.source.Elements())
	if err := t.source.Float32s(values); err != nil {
		return err
	}
	switch classes := t.Shape[len(t.Shape)-1]; {
	case t.layout == Native && t.skipped > 0:
		for row := range len(dst) / classes {
			copy(dst[row*classes:][:classes], values[row*(classes+t.skipped)+t.skipped:])
		}
	default:
		t.layout.toNative(dst, values[len(values)-len(dst):], t.Shape)
	}
	return nil
}

// Match finds the tensor of every parameter. The parameters are all those of one
// network in the order of their use, as arch returns them. A parameter that the
// file lacks, one of another shape, and a tensor that is no parameter are errors
// that name the first five of each kind. Left out without an error are the batch
// counters of PyTorch, an auxiliary head when no parameter belongs to one, and the
// background class of files with one class more than the parameters, when it is
// the first of 1001.
func (c *Checkpoint) Match(parameters []arch.Parameter) ([]Tensor, error) {
	names, err := c.Layout.names(parameters)
	if err != nil {
		return nil, fmt.Errorf("%s is in timm's layout: %w", c.Path, err)
	}
	var missing, misshapen []string
	tensors := make([]Tensor, 0, len(parameters))
	for i, p := range parameters {
		source, ok := c.file.Tensor(names[i])
		if !ok {
			missing = append(missing, names[i])
			continue
		}
		want := c.Layout.shape(p.Shape)
		skipped := 0
		if hasBackground(c.Layout, p, source.Shape) {
			skipped = 1
		} else if !slices.Equal(source.Shape, want) {
			misshapen = append(misshapen, fmt.Sprintf("%s (expected %v, found %v)", names[i], want, source.Shape))
		}
		tensors = append(tensors, Tensor{Parameter: p, layout: c.Layout, source: source, skipped: skipped})
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
	auxiliary := func(name string) bool {
		return strings.HasPrefix(name, "AuxLogits.") || strings.Contains(name, "/AuxLogits/")
	}
	wantsAuxiliary := slices.ContainsFunc(names, auxiliary)
	var unused []string
	for _, t := range c.file.Tensors() {
		switch {
		case wanted[t.Name], strings.HasSuffix(t.Name, ".num_batches_tracked"), !wantsAuxiliary && auxiliary(t.Name):
		default:
			unused = append(unused, t.Name)
		}
	}
	return unused
}

// hasBackground reports whether the file's shape is the parameter's with the
// background class of TF-slim's ImageNet labels before the 1000 classes.
func hasBackground(layout Layout, p arch.Parameter, found []int) bool {
	classes := len(p.Shape) - 1
	if len(p.Shape) > 2 || p.Shape[classes] != 1000 {
		return false
	}
	with := slices.Clone(p.Shape)
	with[classes]++
	return slices.Equal(found, layout.shape(with))
}

// A MismatchError tells how the tensors of a file differ from a network's
// parameters, in the names of the file's layout.
type MismatchError struct {
	Path      string
	Network   string   // that was expected: its name, or the scope of its parameters
	Missing   []string // parameters that the file lacks
	Misshapen []string // names with both shapes
	Unused    []string // tensors that the network does not have
}

func (e *MismatchError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s does not hold the weights of %s:", e.Path, e.Network)
	separator := " "
	for _, kind := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"of another shape", e.Misshapen}, {"unexpected", e.Unused}} {
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
