package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/nearest"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// A picture is a photograph of an index in JSON. Of one from a file of features only its name is
// known.
type picture struct {
	predict.FileName
	Width  int   `json:"width,omitempty"`
	Height int   `json:"height,omitempty"`
	Size   int64 `json:"bytes,omitempty"`

	path string
}

func (x indexed) picture(row int) picture {
	p := x.Photos[row]
	path := x.path(row)
	return picture{FileName: predict.NameOf(path), Width: p.Width, Height: p.Height, Size: p.Size, path: path}
}

// size is a photograph's in pixels, where it is known.
func (p picture) size() string {
	if p.Width == 0 {
		return ""
	}
	return fmt.Sprintf("%d x %d", p.Width, p.Height)
}

// An answer is a photograph with its neighbours, or its error.
type answer struct {
	predict.FileName
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Neighbours []similar `json:"neighbours,omitempty"`
	Error      string    `json:"error,omitempty"`

	thumbnail *nearest.Thumbnail
}

type similar struct {
	picture
	Similarity *float64 `json:"similarity,omitempty"`
	Distance   *float64 `json:"distance,omitempty"`
}

func (s similar) value() string {
	if s.Similarity != nil {
		return fmt.Sprintf("%.4f", *s.Similarity)
	}
	return fmt.Sprintf("%.4f", *s.Distance)
}

// A duplicate is a photograph of a group.
type duplicate struct {
	picture
	Similarity float64 `json:"similarity"`
	Identical  bool    `json:"identical"`
}

// value says what a photograph is to the first of its group.
func (d duplicate) value() string {
	if d.Identical {
		return "same bytes"
	}
	return fmt.Sprintf("%.4f", d.Similarity)
}

// duplicates are what `nearest --duplicates --json` prints.
type duplicates struct {
	Photographs int           `json:"photographs"`
	Threshold   float64       `json:"threshold"`
	Groups      [][]duplicate `json:"groups"`
}

// tell says what has changed in an index: as the result where nothing else is asked for.
func (f *nearestFlags) tell(cmd *cobra.Command, u updated) error {
	alone := len(cmd.Flags().Args()) == 1 && !f.duplicates
	if alone && f.json {
		return printJSON(cmd.OutOrStdout(), u)
	}
	out := cmd.ErrOrStderr()
	if alone {
		out = cmd.OutOrStdout()
	}
	_, err := fmt.Fprintf(out, "%s: %d photographs, %d computed, %d moved, %d removed\n", printable.Line(u.Index), u.Photographs, u.Computed, u.Moved, u.Removed)
	return err
}

// show prints what was asked for, and writes the page.
func (f *nearestFlags) show(ctx context.Context, cmd *cobra.Command, x indexed, answers []answer) error {
	if f.duplicates {
		groups, err := x.Duplicates(ctx, f.threshold)
		if err != nil {
			return err
		}
		return f.showDuplicates(cmd.OutOrStdout(), x, groups)
	}
	if len(answers) == 0 {
		return nil
	}
	if f.report != "" {
		about := fmt.Sprintf("The photographs of %s that are nearest to each on the left, by the %s of the features %s of %s. Weights: %s. Photographs: %d.",
			printable.UTF8(x.Folder), f.metric, x.Layer, x.Network, printable.UTF8(x.Weights), len(x.Photos))
		err := f.writePage("Neighbours", about, len(answers), func(i int) nearest.Entry { return f.neighbours(answers[i]) })
		if err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), answers)
	}
	return printAnswers(cmd.OutOrStdout(), answers)
}

func printAnswers(out io.Writer, answers []answer) error {
	for i, a := range answers {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if a.Error != "" {
			fmt.Fprintf(out, "%s\n  error: %s\n", printable.Line(a.File), a.Error)
			continue
		}
		fmt.Fprintf(out, "%s  %d x %d\n", printable.Line(a.File), a.Width, a.Height)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, n := range a.Neighbours {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", n.value(), printable.Line(n.path), n.size())
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (f *nearestFlags) showDuplicates(out io.Writer, x indexed, groups []nearest.Group) error {
	d := duplicates{Photographs: len(x.Photos), Threshold: f.threshold, Groups: [][]duplicate{}}
	all := 0
	for _, g := range groups {
		var members []duplicate
		for _, m := range g {
			members = append(members, duplicate{x.picture(m.Row), m.Similarity, m.Identical})
		}
		d.Groups = append(d.Groups, members)
		all += len(members)
	}
	summary := fmt.Sprintf("%d groups of duplicates, %d of %d photographs", len(groups), all, len(x.Photos))
	if f.report != "" {
		about := fmt.Sprintf("%s of %s: of the same bytes, or with a cosine of at least %g between the features %s of %s. The largest picture of each group is the first, and the numbers are cosines with it. Weights: %s.",
			summary, printable.UTF8(x.Folder), f.threshold, x.Layer, x.Network, printable.UTF8(x.Weights))
		err := f.writePage("Duplicates", about, len(groups), func(i int) nearest.Entry { return f.group(i, d.Groups[i]) })
		if err != nil {
			return err
		}
	}
	if f.json {
		return printJSON(out, d)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, g := range d.Groups {
		for i, m := range g {
			value := ""
			if i > 0 {
				value = m.value()
			}
			fmt.Fprintf(w, "%s\t%s\t%s bytes\t%s\n", printable.Line(m.path), m.size(), count(m.Size), value)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, summary)
	return w.Flush()
}

// writePage writes the page of --report.
func (f *nearestFlags) writePage(title, about string, entries int, entry func(i int) nearest.Entry) error {
	if err := os.MkdirAll(f.report, 0o777); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nearest.WritePage(filepath.Join(f.report, "index.html"), title, about, func(add func(nearest.Entry) error) error {
		for i := range entries {
			if err := add(entry(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *nearestFlags) figure(p picture, value string) nearest.Figure {
	return nearest.Figure{Name: p.File, Value: value, Detail: p.size(), Thumbnail: f.thumbnail(p.path)}
}

func (f *nearestFlags) neighbours(a answer) nearest.Entry {
	e := nearest.Entry{Title: a.File, Error: a.Error}
	if a.Error != "" {
		return e
	}
	e.Given = &nearest.Figure{Name: a.File, Detail: fmt.Sprintf("%d x %d, as the network sees it", a.Width, a.Height), Thumbnail: a.thumbnail}
	for _, n := range a.Neighbours {
		e.Figures = append(e.Figures, f.figure(n.picture, n.value()))
	}
	return e
}

func (f *nearestFlags) group(i int, g []duplicate) nearest.Entry {
	e := nearest.Entry{Title: fmt.Sprintf("Group %d: %d photographs", i+1, len(g))}
	for at, d := range g {
		value := ""
		if at > 0 {
			value = d.value()
		}
		e.Figures = append(e.Figures, f.figure(d.picture, value))
	}
	return e
}
