package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/evaluate/gallery"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/shard"
)

// photosKind is that of the shards' files of `predict`.
const photosKind = "predictions"

// photosCommon is what all of these say alike.
type photosCommon struct {
	// Incomplete is whether a folder could not be read.
	Incomplete bool `json:"incomplete"`
}

// mergeFlags are the flags of `merge`.
type mergeFlags struct {
	reportOutputs
	predictions string
	data, split string
}

// A merger joins the files of shards of a kind.
type merger struct {
	kind  string
	merge func(f *mergeFlags, cmd *cobra.Command, paths []string) error
}

func mergers() []merger {
	return []merger{{photosKind, (*mergeFlags).photos}, {evaluate.Kind, (*mergeFlags).evaluation}}
}

func mergeCommand() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge SHARD ...",
		Short: "Join what the shards of predict or evaluate have written",
		Long: `Join the files that "inception predict --shard" or "inception evaluate --shard" have
written, in any order, to what one run prints, byte for byte; of an evaluation, without the
time that it took and, with --report, without single crops to compare with others. The files of all shards must be named: missing ones, doubles, files that
are not whole, and those of other photographs, weights, settings or processors are errors.`,
		Example: `  inception merge --json predictions-*-of-00007.jsonl > predictions.json
  inception merge --predictions predictions.csv --confusion confusion.png evaluation-*-of-00007.jsonl`,
		Args: takesSeveral("SHARD"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	addJSON(cmd, &f.json)
	cmd.Flags().StringVar(&f.out, "out", "", "write the results to this `file`, which appears whole (default standard output)")
	cmd.Flags().StringVar(&f.predictions, "predictions", "", "write the predictions of an evaluation to this CSV `file`")
	addConfusion(cmd, &f.confusion)
	addSubmission(cmd, &f.submission)
	addGallery(cmd, &f.gallery)
	addData(cmd, &f.data)
	cmd.Flags().Lookup("data").Usage = "what the shards have evaluated, for the photographs of --report (default a page without them)"
	addSplit(cmd, &f.split, "", "that was evaluated, with --data")
	return cmd
}

func (f *mergeFlags) run(cmd *cobra.Command, paths []string) error {
	kind, err := shard.KindOf(paths[0])
	if err != nil {
		return err
	}
	all := mergers()
	i := slices.IndexFunc(all, func(m merger) bool { return m.kind == kind })
	if i < 0 {
		return fmt.Errorf("%s: it is a shard of %q, expected one of predict or evaluate; use the version of inception that wrote it", paths[0], kind)
	}
	return all[i].merge(f, cmd, paths)
}

// photos joins the shards of predict.
func (f *mergeFlags) photos(cmd *cobra.Command, paths []string) error {
	for _, flag := range []string{"predictions", "confusion", "submission", "report", "data", "split"} {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is for shards of evaluate, found some of predict", flag)}
		}
	}
	joined, err := shard.Join(photosKind, paths)
	if err != nil {
		return err
	}
	var common photosCommon
	if err := json.Unmarshal(joined.Header.Common, &common); err != nil {
		return fmt.Errorf("%s: the first line: %w", paths[0], err)
	}
	failed := 0
	err = writeResults(cmd, f.out, func(to io.Writer) error {
		out := newReporter(to, f.json)
		err := joined.Each(func(data json.RawMessage) error {
			var p predict.Record
			if err := json.Unmarshal(data, &p); err != nil {
				return err
			}
			if p.Error != "" {
				failed++
			}
			return out.report(p)
		})
		if err != nil {
			return err
		}
		return out.close()
	})
	if err != nil {
		return err
	}
	if common.Incomplete {
		fmt.Fprintln(cmd.ErrOrStderr(), "inception: the shards could not read some folders, so that images may be missing")
	}
	return reportFailed(cmd.ErrOrStderr(), failed, joined.Header.Things, common.Incomplete)
}

// evaluation joins the shards of evaluate.
func (f *mergeFlags) evaluation(cmd *cobra.Command, paths []string) error {
	if f.gallery == "" && f.data+f.split != "" {
		return usageError{errors.New("--data and --split are for --report")}
	}
	if err := checkGallery(f.gallery); err != nil {
		return err
	}
	report, err := evaluate.Join(paths)
	if err != nil {
		return err
	}
	if f.data != "" {
		set, err := evaluated(cmd.Context(), f.data, f.split, report)
		if err != nil {
			return err
		}
		defer set.Close()
		f.photographs = gallery.Options{Data: filepath.Base(f.data), Set: set}
	}
	if f.predictions != "" {
		if err := writeOutput(f.predictions, report.WritePredictions); err != nil {
			return fmt.Errorf("--predictions: %w", err)
		}
	}
	if n := len(report.LeftOut.Folders); n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: the shards could not read %d folders, so that images may be missing\n", n)
	}
	return f.write(cmd, report)
}

// evaluated opens the data of an evaluation: as they are, or else flat, as those of ILSVRC-2012,
// whose classes the report has.
func evaluated(ctx context.Context, path, split string, r *evaluate.Report) (*dataset.Set, error) {
	set, err := dataset.Open(ctx, path, dataset.Options{Split: split})
	if err == nil {
		return set, nil
	}
	flat, flatErr := dataset.Open(ctx, path, dataset.Options{Flat: true, Classes: r.Classes})
	if flatErr != nil {
		return nil, err
	}
	return flat, nil
}
