package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/nearest"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// nearestFlags are the flags of `nearest`.
type nearestFlags struct {
	classifier classifierFlags
	index      string
	layer      string
	metric     string
	top        int
	duplicates bool
	threshold  float64
	report     string
	json       bool
}

// indexEnding is that of an index beside its folder.
const indexEnding = ".index.safetensors"

func nearestCommand() *cobra.Command {
	var f nearestFlags
	cmd := &cobra.Command{
		Use:   "nearest FOLDER|INDEX [IMAGE|FOLDER|- ...]",
		Short: "Find photographs of a folder that are like another, or duplicates",
		Long: `Find the photographs of FOLDER and its sub-folders whose features are nearest to those of
each IMAGE: the cosine of the network's pooled features, the largest first, or with --metric
euclidean their distance, the smallest first. The search is exact.

The features of the folder are kept in an index, FOLDER` + indexEnding + ` beside it unless
--index names another. Run again, the features of photographs that are new or have other
bytes are computed, and those of removed ones taken out; without an IMAGE nothing else is
done. Run without --weights, an index's own are taken, and its preprocessing. Features of
others do not compare, so that an index is refused with them.

In place of FOLDER an INDEX, or what "inception features --out FILE.safetensors" has
written, is searched as it is.

With --duplicates the photographs of the folder that are the same, byte by byte, or nearly
the same, by a cosine of at least --threshold, are listed in groups, the largest picture
first with what the cosine of each other with it is. How alike different photographs are
depends on the network: look at them with --report. Nothing is deleted.

` + publicWeightsText,
		Example: `  inception nearest photos/ cat.jpg
  inception nearest photos/ queries/ --top 20 --report neighbours/
  inception nearest photos/ --duplicates --json
  inception nearest photos.index.safetensors - < cat.jpg`,
		Args: takesSeveral("FOLDER or INDEX"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1:]) },
	}
	f.classifier.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.index, "index", "", "`file` of the folder's features, .safetensors (default FOLDER"+indexEnding+")")
	flags.StringVar(&f.layer, "layer", predict.Pooled, "`name` of the stage whose values are the features")
	flags.StringVar(&f.metric, "metric", string(nearest.Cosine), "what is near: "+strings.Join(nearest.Metrics(), " or "))
	flags.IntVar(&f.top, "top", 10, "neighbours to find of an image")
	flags.BoolVar(&f.duplicates, "duplicates", false, "find photographs that are the same, or nearly so")
	flags.Float64Var(&f.threshold, "threshold", 0.97, "least cosine of near duplicates, in (0,1]; 1 is for the same features alone")
	flags.StringVar(&f.report, "report", "", "`folder` to write a page into, index.html, with the photographs that are found")
	addJSON(cmd, &f.json)
	return cmd
}

func (f *nearestFlags) check(cmd *cobra.Command, queries []string) error {
	if _, err := nearest.ParseMetric(f.metric); err != nil {
		return usageError{fmt.Errorf("--metric: %w", err)}
	}
	if !(f.threshold > 0 && f.threshold <= 1) {
		return usageError{fmt.Errorf("--threshold must be in (0,1], found %g", f.threshold)}
	}
	if err := cmp.Or(atLeast(1, "top", f.top), exclusive(cmd, "duplicates", "metric"), exclusive(cmd, "duplicates", "top")); err != nil {
		return err
	}
	switch {
	case f.duplicates && len(queries) > 0:
		return usageError{fmt.Errorf("--duplicates are those of the folder alone, found %s beside it; leave these out", quoted(queries))}
	case cmd.Flags().Changed("threshold") && !f.duplicates:
		return usageError{errors.New("--threshold is for --duplicates, which is missing")}
	case f.report != "" && len(queries) == 0 && !f.duplicates:
		return usageError{errors.New("--report shows what is found; name images to look for, or give --duplicates")}
	}
	return f.classifier.check()
}

// An indexed folder is one that is searched.
type indexed struct {
	*nearest.Index
	folder string // as it was named; empty where an index was
}

// path is that of a photograph.
func (x indexed) path(row int) string {
	return filepath.Join(cmp.Or(x.folder, x.Folder), filepath.FromSlash(x.Photos[row].Name))
}

func (f *nearestFlags) run(cmd *cobra.Command, what string, queries []string) error {
	ctx := cmd.Context()
	info, err := os.Stat(what)
	if err != nil {
		return fmt.Errorf("expected a folder of photographs, or an index of one, found no %s; check the path: %w", what, err)
	}
	x := indexed{}
	if info.IsDir() {
		x.folder = what
		if f.index == "" {
			f.index = besideFolder(what)
		}
	} else {
		if f.index != "" {
			return usageError{fmt.Errorf("--index is for a folder, found the file %s; name one of both", what)}
		}
		if len(queries) == 0 && !f.duplicates {
			return usageError{fmt.Errorf("%s is searched as it is: name images to look for, or give --duplicates", what)}
		}
		f.index = what
	}
	if x.Index, err = nearest.Open(f.index); errors.Is(err, fs.ErrNotExist) && x.folder != "" {
		x.Index, err = nil, nil
	}
	if err != nil {
		return err
	}
	if x.Index != nil {
		if x.folder != "" && x.Folder == "" {
			return fmt.Errorf("%s is a file of features, expected an index to bring up to date; name another file with --index", f.index)
		}
		f.classifier.alike(cmd, x.About)
		if !cmd.Flags().Changed("layer") {
			f.layer = x.Layer
		}
	}
	if err := f.check(cmd, queries); err != nil {
		return err
	}
	stderr := cmd.ErrOrStderr()
	var files, asked []string
	var folderIncomplete, incomplete bool
	if x.folder != "" {
		if files, folderIncomplete, err = imageFiles(ctx, stderr, []string{x.folder}); err != nil {
			return err
		}
	}
	if len(queries) > 0 {
		if asked, incomplete, err = imageFiles(ctx, stderr, queries); err != nil {
			return err
		}
	}
	failed := 0
	answers := []answer{}
	if x.folder != "" || len(asked) > 0 {
		// With so many photographs the features of one do not depend on how many others there are.
		classifier, weights, closeClassifier, err := f.classifier.open(cmd, max(manyImages, len(files), len(asked)))
		if err != nil {
			return err
		}
		defer closeClassifier()
		about, err := f.classifier.about(classifier, weights, f.layer)
		if err != nil {
			return err
		}
		if about.Weights, err = filepath.Abs(weights); err != nil {
			return err
		}
		if x.Index != nil {
			about.Normalized = x.Normalized
			if err := x.Check(about); err != nil {
				return fmt.Errorf("%s: %w", f.index, err)
			}
		}
		if x.folder != "" {
			if x.Index, failed, err = f.update(cmd, classifier, x, about, files); err != nil {
				return err
			}
		}
		if answers, err = f.search(ctx, cmd, classifier, x, asked); err != nil {
			return err
		}
	}
	for _, a := range answers {
		if a.Error != "" {
			failed++
		}
	}
	if err := f.show(ctx, cmd, x, answers); err != nil {
		return err
	}
	return reportFailed(stderr, failed, len(files)+len(asked), incomplete || folderIncomplete)
}

// besideFolder is where a folder's index is.
func besideFolder(folder string) string {
	clean := filepath.Clean(folder)
	if base := filepath.Base(clean); base == "." || base == ".." || base == string(filepath.Separator) {
		if absolute, err := filepath.Abs(clean); err == nil {
			clean = absolute
		}
	}
	return strings.TrimSuffix(clean, string(filepath.Separator)) + indexEnding
}

// updated is what `nearest --json` prints of an index alone.
type updated struct {
	Index       string `json:"index"`
	Photographs int    `json:"photographs"`
	Computed    int    `json:"computed"`
	Moved       int    `json:"moved"`
	Removed     int    `json:"removed"`
	Failed      int    `json:"failed"`
}

// update brings the index up to date, and says what has changed.
func (f *nearestFlags) update(cmd *cobra.Command, c *predict.Classifier, x indexed, about features.About, files []string) (*nearest.Index, int, error) {
	bar := imageBar{what: "index", out: cmd.ErrOrStderr()}
	compute := func(ctx context.Context, paths []string, use func(features.Row) error) error {
		done := 0
		return c.EachFeatures(ctx, f.layer, slices.Values(paths), f.classifier.opener(c, nil), func(p predict.Features) error {
			if x.Index != nil && x.Normalized && p.Err == nil {
				predict.Normalize(p.Values)
			}
			done++
			bar.show(done, len(paths))
			return use(features.Row{File: p.Name, Width: p.Width, Height: p.Height, Values: p.Values, Err: p.Err})
		})
	}
	index, changes, err := nearest.Update(cmd.Context(), x.Index, about, x.folder, files, compute)
	bar.end()
	for _, r := range changes.Failed {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s: %s\n", printable.Line(r.File), printable.UTF8(r.Err.Error()))
	}
	if index == nil {
		return nil, 0, fmt.Errorf("%s: %w", x.folder, err)
	}
	u := updated{f.index, len(index.Photos), changes.Computed, changes.Moved, changes.Removed, len(changes.Failed)}
	if x.Index == nil || x.Folder != index.Folder || u.Computed+u.Moved+u.Removed > 0 {
		if written := index.Write(f.index); written != nil {
			return nil, 0, errors.Join(err, written)
		}
	}
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s has %d of %d photographs; run again to go on\n", printable.Line(f.index), len(index.Photos), len(files))
		return nil, 0, err
	}
	return index, len(changes.Failed), f.tell(cmd, u)
}

// search finds the neighbours of photographs.
func (f *nearestFlags) search(ctx context.Context, cmd *cobra.Command, c *predict.Classifier, x indexed, files []string) ([]answer, error) {
	var answers []answer
	var queries [][]float32
	err := c.EachFeatures(ctx, f.layer, slices.Values(files), f.classifier.opener(c, cmd.InOrStdin()), func(p predict.Features) error {
		a := answer{FileName: predict.NameOf(p.Name), Width: p.Width, Height: p.Height}
		if p.Err != nil {
			a.Error = printable.UTF8(p.Err.Error())
			answers = append(answers, a)
			return nil
		}
		if x.Normalized {
			predict.Normalize(p.Values)
		}
		queries = append(queries, slices.Clone(p.Values))
		if f.report != "" {
			var err error
			if a.thumbnail, err = nearest.NewThumbnail(p.Crop); err != nil {
				return err
			}
		}
		answers = append(answers, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	metric := nearest.Metric(f.metric)
	found, err := x.Vectors.Search(ctx, queries, f.top, metric)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.index, err)
	}
	for i := range answers {
		if answers[i].Error != "" {
			continue
		}
		for _, n := range found[0] {
			similar := similar{picture: x.picture(n.Row)}
			if metric == nearest.Cosine {
				similar.Similarity = &n.Value
			} else {
				similar.Distance = &n.Value
			}
			answers[i].Neighbours = append(answers[i].Neighbours, similar)
		}
		found = found[1:]
	}
	return answers, nil
}

// thumbnail reads a photograph for a page; nil where that fails.
func (f *nearestFlags) thumbnail(path string) *nearest.Thumbnail {
	o := f.classifier.decode.options()
	o.ResizedTo, o.Exact = nearest.ThumbnailSide, false
	m, err := vision.Open(path, o)
	if err != nil {
		return nil
	}
	t, err := nearest.NewThumbnail(m)
	if err != nil {
		return nil
	}
	return t
}
