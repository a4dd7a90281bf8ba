package weights

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Convert rewrites the file of weights at in as one at out, in the format that the ending of
// its name tells, as Write does, in a layout, or in the format's own where to is empty. It
// writes what is known of the weights into the metadata: the network, the card that the hint
// gives or that is found, and the labels. It returns what it wrote, with all that is left of
// the file. Parameters stay bit for bit, but those in float64.
func Convert(ctx context.Context, in, out string, to Layout, hint Hint) (_ *Identified, err error) {
	if to, err = CheckOutput(out, to); err != nil {
		return nil, err
	}
	checkpoint, err := Open(in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, checkpoint.Close()) }()
	if err := CheckOver(in, formats().named(out).files(out)...); err != nil {
		return nil, err
	}
	identified, err := checkpoint.Identified(ctx, hint)
	if err != nil {
		return nil, err
	}
	l, err := to.row()
	if err != nil {
		return nil, err
	}
	identified.leaveAuxiliary(l)
	return identified, Write(out, to, identified.Metadata, identified.Sources)
}

// leaveAuxiliary leaves the auxiliary head out where a layout has none.
func (i *Identified) leaveAuxiliary(l layout) {
	if !i.Metadata.Options.AuxiliaryHead || l.auxiliaryOf(i.Network.Name()) {
		return
	}
	i.WithoutAuxiliary(fmt.Sprintf("the auxiliary head is left out, as the layout %s has none of %s", l.name, i.Network.Name()))
}

// WithoutAuxiliary takes the auxiliary head out, and notes why, where there is one.
func (i *Identified) WithoutAuxiliary(why string) {
	if !i.Metadata.Options.AuxiliaryHead {
		return
	}
	i.Metadata.Options.AuxiliaryHead = false
	var kept []Source
	for _, s := range i.Sources {
		if !strings.Contains(s.Name, "/AuxLogits/") {
			kept = append(kept, s)
		}
	}
	i.Sources = kept
	i.Left = append(i.Left, why)
}

// CheckOutput refuses folders, names whose endings tell no format that is written, and layouts that
// the format is not written in; it returns the layout, which is the format's own where none
// is given. A name without an ending is of the first format.
func CheckOutput(out string, to Layout) (Layout, error) {
	table := formats()
	if info, err := os.Stat(out); err == nil && info.IsDir() {
		return to, fmt.Errorf("write %s: it is a folder; give the name of a file", out)
	}
	if ending := filepath.Ext(out); ending != "" && !table.knows(out) {
		return to, fmt.Errorf("write %s: the ending %s tells no format of weights; give it a name that ends in %s", out, ending, table.writableEndings())
	}
	format, err := table.writable(out)
	if err != nil {
		return to, err
	}
	return format.layout(out, to)
}

// CheckOver refuses to write over any file that the weights at in consist of. It opens them
// only where there is a file to write over.
func CheckOver(in string, out ...string) error {
	out = slices.DeleteFunc(slices.Clone(out), func(file string) bool {
		_, err := os.Stat(file)
		return err != nil
	})
	if len(out) == 0 {
		return nil
	}
	parts, err := Files(in)
	if err != nil {
		return err
	}
	for _, part := range parts {
		first, err := os.Stat(part)
		if err != nil {
			return err
		}
		for _, file := range out {
			if second, err := os.Stat(file); err == nil && os.SameFile(first, second) {
				return &OverwriteError{file}
			}
		}
	}
	return nil
}

// An OverwriteError is about a file to write that is one of the weights that are read.
type OverwriteError struct{ Path string }

func (e *OverwriteError) Error() string {
	return e.Path + " is a file of the weights that are read; give another name to write to"
}
