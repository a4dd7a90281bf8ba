package cli

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
)

// featuresFlags are the flags of `features`.
type featuresFlags struct {
	classifier classifierFlags
	layer      string
	normalize  bool
	out        string
	projector  string
}

func featuresCommand() *cobra.Command {
	var f featuresFlags
	cmd := &cobra.Command{
		Use:   "features IMAGE|FOLDER|- ...",
		Short: "Write what the network computes of photographs: pooled features, or any stage",
		Long: `Write the features of photographs, one row for each: the channels of the network's last
block pooled over the grid, or with --layer the values of another stage. The ending of
--out tells the format:

  .npy          an array of float32, [photographs, features]. OUT.json beside it lists the
                rows' photographs under "files", and says what the features are of
  .safetensors  the tensor "features"; the metadata have "inception.files", a JSON list,
                and "inception.features"
  .csv          a line of titles, then the photograph and its features in a line
  .jsonl        a JSON object in a line for each photograph, with "file" and "features"

Without --out, JSON lines are printed. With --projector a folder gets what TensorBoard's
projector reads, which draws the photographs as points in space: "tensorboard --logdir
FOLDER" shows them. Rows have the order of the photographs. Those that
cannot be read are named and have no row, but in JSON lines, where they have an "error";
the exit code is 1 then. Files appear whole or not at all.

` + publicWeightsText,
		Example: `  inception features photos/ --out features.npy
  inception features --weights model.safetensors --l2 photos/ --out features.csv
  inception features photos/ --projector projected/ && tensorboard --logdir projected/
  inception features --layer Mixed_6e cat.jpg --out cat.npy
  python3 -c 'import json, numpy; x = numpy.load("features.npy"); files = json.load(open("features.npy.json"))["files"]'`,
		Args: takesSeveral(takesPhotos),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.classifier.add(cmd)
	cmd.Flags().StringVar(&f.layer, "layer", predict.Pooled, "`name` of a stage, such as Mixed_7a, PreLogits (what goes into the logits) or Logits; a wrong one is answered with all")
	cmd.Flags().BoolVar(&f.normalize, "l2", false, "divide each photograph's features by their Euclidean length, so that inner products are cosines")
	cmd.Flags().StringVar(&f.out, "out", "", "`file` to write: "+features.Formats()+" (default JSON lines on standard output)")
	cmd.Flags().StringVar(&f.projector, "projector", "", "`folder` to write for TensorBoard's projector: vectors, names and small pictures")
	return cmd
}

func (f *featuresFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := cmp.Or(f.classifier.check(), f.checkOut()); err != nil {
		return err
	}
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	classifier, weights, closeClassifier, err := f.classifier.open(cmd, len(files))
	if err != nil {
		return err
	}
	defer closeClassifier()
	about, err := f.classifier.about(classifier, weights, f.layer)
	if err != nil {
		return err
	}
	about.Normalized = f.normalize
	header := features.Header{Files: files, About: about}
	failed := 0
	rows := func(add func(features.Row) error) error {
		return classifier.EachFeatures(ctx, f.layer, slices.Values(files), f.classifier.opener(classifier, cmd.InOrStdin()), func(p predict.Features) error {
			if p.Err != nil {
				failed++
				fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s: %s\n", printable.Line(p.Name), printable.UTF8(p.Err.Error()))
			} else if f.normalize {
				predict.Normalize(p.Values)
			}
			return add(features.Row{File: p.Name, Width: p.Width, Height: p.Height, Picture: p.Crop, Values: p.Values, Err: p.Err})
		})
	}
	if err := f.write(cmd, header, rows); err != nil {
		return err
	}
	return reportFailed(cmd.ErrOrStderr(), failed, len(files), incomplete)
}

// write writes the rows to all that is asked for.
func (f *featuresFlags) write(cmd *cobra.Command, h features.Header, rows func(add func(features.Row) error) error) error {
	if f.projector != "" {
		computed := rows
		rows = func(add func(features.Row) error) error {
			return features.WriteProjector(f.projector, h, func(project func(features.Row) error) error {
				return computed(func(r features.Row) error { return cmp.Or(project(r), add(r)) })
			})
		}
	}
	switch {
	case f.out != "":
		return features.Write(f.out, h, rows)
	case f.projector != "":
		return rows(func(features.Row) error { return nil })
	}
	return features.WriteJSONLines(cmd.OutOrStdout(), h, rows)
}

func (f *featuresFlags) checkOut() error {
	if f.out == "" {
		return nil
	}
	if err := features.Check(f.out); err != nil {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return nil
}
