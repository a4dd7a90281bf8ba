package gallery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// The files of a gallery's folder: the page, what `evaluate --json` prints, and what every
// image was taken for.
const (
	Page        = "index.html"
	Report      = "report.json"
	Predictions = "predictions.csv"
)

func files() []string { return []string{Page, Report, Predictions} }

// Options says what a page has beside an evaluation.
type Options struct {
	// Data is what the page calls the data.
	Data string
	// Set is what was evaluated, from which the photographs are; nil for a page without them.
	Set *dataset.Set
	// Decode says how photographs are read.
	Decode vision.DecodeOptions
	// Single is the evaluation of the same images on a single crop, with which one on more is
	// compared; nil for none.
	Single *evaluate.Report
}

// Check refuses a folder that Write would not replace, as one with other files.
func Check(folder string) error { return atomicfile.CheckFolder(folder, files()) }

// Write writes a folder that appears whole or not at all, in the place of an earlier one.
func Write(ctx context.Context, folder string, r *evaluate.Report, o Options) error {
	if !r.Labelled {
		return errors.New("the data have no labels, so that there are no errors to show")
	}
	if err := o.check(r); err != nil {
		return err
	}
	// Links to photographs lead from where the folder will be.
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	g := &gallery{report: r, options: o, folder: absolute}
	v, err := g.view(ctx)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := v.render(&page); err != nil {
		return err
	}
	return atomicfile.WriteFolder(folder, files(), func(folder string) error {
		return errors.Join(
			atomicfile.WriteBytes(filepath.Join(folder, Page), page.Bytes()),
			atomicfile.Write(filepath.Join(folder, Report), func(w io.Writer) error {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(r)
			}),
			atomicfile.Write(filepath.Join(folder, Predictions), r.WritePredictions),
		)
	})
}

// check refuses photographs that are not those of the evaluation.
func (o Options) check(r *evaluate.Report) error {
	if o.Set == nil {
		return nil
	}
	if o.Set.Len() != r.Of {
		return fmt.Errorf("the data have %d images, and those that were evaluated %d: name the same data, and the same split", o.Set.Len(), r.Of)
	}
	for _, p := range r.Predictions {
		if name := printable.UTF8(o.Set.Name(p.Index)); name != p.Name {
			return fmt.Errorf("image %d of the data is %s, and of those that were evaluated %s: name the same data, and the same split", p.Index, name, p.Name)
		}
	}
	return nil
}
