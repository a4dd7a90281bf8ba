package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Layout is a way to name parameters and to order their axes.
type Layout string

const (
	// Native has TF-slim's names and TensorFlow's axes: convolutions are height,
	// width, inputs, outputs; logits are inputs, classes.
	Native Layout = "native"
	// Timm has the names and axes of PyTorch's timm: convolutions are outputs,
	// inputs, height, width; logits are classes, inputs. Inception-v3's names are
	// torchvision's.
	Timm Layout = "timm"
)

// layouts is the table of layouts. A file has the first one that recognises its
// tensors; the last takes all.
func layouts() []layout {
	return []layout{
		{
			name:      Native,
			recognise: anyName(func(name string) bool { return strings.Contains(name, "/") }), // as TF-slim's scopes have
			names:     nativeNames,
			axes:      func(int) []int { return nil },
			auxiliary: func(name string) bool { return strings.Contains(name, "/AuxLogits/") },
			spare:     func(string) bool { return false },
			framework: "inception",
		},
		{
			name:        Timm,
			recognise:   func([]tensorfile.Tensor) bool { return true },
			names:       timmNames,
			axes:        timmAxes,
			auxiliary:   func(name string) bool { return strings.HasPrefix(name, "AuxLogits.") },
			spare:       func(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") },
			framework:   "pt",
			publicCards: true,
		},
	}
}

// A layout is a row of the table.
type layout struct {
	name Layout
	// recognise tells a file of the layout by the names and shapes of its tensors.
	recognise func(tensors []tensorfile.Tensor) bool
	// names returns what the layout calls each parameter. They are all those of one
	// network in the order of their use.
	names func(parameters []arch.Parameter) ([]string, error)
	// axes returns which native axis each axis of a tensor is, by the number of axes;
	// nil where all are as in the native layout.
	axes func(rank int) []int
	// auxiliary reports whether a tensor's name is one of an auxiliary head.
	auxiliary func(name string) bool
	// spare reports whether a tensor's name is one that no network needs.
	spare func(name string) bool
	// framework is what such readers look for under the key "format" (Format.framework).
	framework string
	// publicCards is set where the cards of the public checkpoints are for files of the
	// layout.
	publicCards bool
}

// Layouts returns the layouts, the native one first.
func Layouts() []Layout {
	var names []Layout
	for _, row := range layouts() {
		names = append(names, row.name)
	}
	return names
}

// ParseLayout returns the layout of the given name.
func ParseLayout(name string) (Layout, error) {
	row, err := Layout(name).row()
	return row.name, err
}

func (l Layout) row() (layout, error) {
	var known []string
	for _, row := range layouts() {
		if row.name == l {
			return row, nil
		}
		known = append(known, fmt.Sprintf("%q", row.name))
	}
	return layout{}, fmt.Errorf("unknown layout %q, expected %s", string(l), strings.Join(known, " or "))
}

// layoutOf returns the layout that tensors have.
func layoutOf(tensors []tensorfile.Tensor) layout {
	all := layouts()
	i := slices.IndexFunc(all, func(row layout) bool { return row.recognise(tensors) })
	return all[i]
}

// anyName recognises tensors of which any has such a name.
func anyName(is func(name string) bool) func([]tensorfile.Tensor) bool {
	return func(tensors []tensorfile.Tensor) bool {
		return slices.ContainsFunc(tensors, func(t tensorfile.Tensor) bool { return is(t.Name) })
	}
}

func nativeNames(parameters []arch.Parameter) ([]string, error) {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	return names, nil
}
