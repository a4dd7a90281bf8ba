package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// predictFlags are the flags of `predict`.
type predictFlags struct {
	classifier classifierFlags
	top        int
	json       bool
}

func predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "predict IMAGE|FOLDER|- ...",
		Short: "Classify photographs",
		Long: "Classify photographs: " + vision.Formats() + ` files, all those in a folder
and its sub-folders, or one from standard input (-). Of an animation or a file of several
pictures, it is the first.

` + publicWeightsText + `

For fewer than 8 images the backend is cpu:winograd=off, whose weights take less
memory. For more, a faster algorithm is on, whose logits differ in the sixth digit.`,
		Example: `  inception predict cat.jpg
  inception predict --model inception_resnet_v2 --top 3 photos/
  inception predict --weights finetuned.safetensors --json photos/ > predictions.json`,
		Args: takesSeveral(takesPhotos),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.classifier.add(cmd)
	cmd.Flags().IntVar(&f.top, "top", 5, "classes to print for an image")
	addLabels(cmd, &f.classifier.labels)
	addJSON(cmd, &f.json)
	return cmd
}

func (f *predictFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := cmp.Or(atLeast(1, "top", f.top), f.classifier.check()); err != nil {
		return err
	}
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	classifier, _, closeClassifier, err := f.classifier.open(cmd, len(files))
	if err != nil {
		return err
	}
	defer closeClassifier()

	var out reporter = &tableReporter{out: cmd.OutOrStdout(), top: f.top}
	if f.json {
		out = &jsonReporter{out: cmd.OutOrStdout(), top: f.top}
	}
	failed := 0
	err = classifier.Each(ctx, slices.Values(files), f.classifier.opener(classifier, cmd.InOrStdin()), func(p predict.Photo) error {
		if p.Err != nil {
			failed++
		}
		return out.report(p)
	})
	if err := errors.Join(err, out.close()); err != nil {
		return err
	}
	return reportFailed(cmd.ErrOrStderr(), failed, len(files), incomplete)
}

// imageFiles lists the files that the arguments name: a folder stands for the
// images in it and below it, in the order of their names. It is an error if nothing of
// what they name is there; incomplete if a part cannot be read, which is said.
func imageFiles(ctx context.Context, stderr io.Writer, args []string) (files []string, incomplete bool, err error) {
	var missing error
	for _, arg := range args {
		if _, err := os.Stat(arg); arg == "-" || !errors.Is(err, fs.ErrNotExist) {
			missing = nil
			break
		} else if missing == nil {
			missing = err
		}
	}
	if missing != nil {
		return nil, false, fmt.Errorf("expected images or folders of images, found no %s; check the path: %w", strings.Join(args, " and no "), missing)
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || err != nil || !info.IsDir() {
			files = append(files, arg) // what cannot be read is reported in its turn
			continue
		}
		found, left, err := dataset.Images(ctx, arg)
		if err != nil {
			return nil, false, fmt.Errorf("list the images in %s: %w", arg, err)
		}
		if reportLeftOut(stderr, arg, left) {
			incomplete = true
		}
		if len(found) == 0 {
			return nil, false, fmt.Errorf("the folder %s has no images: expected files that end in %s, or that begin as an image does", arg, dataset.ImageEndings())
		}
		files = append(files, found...)
	}
	return files, incomplete, nil
}
