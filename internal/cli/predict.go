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

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// predictFlags are the flags of `predict`.
type predictFlags struct {
	model         string
	weights       string
	top           int
	preprocessing preprocessingFlags
	decode        decodeFlags
	batch         int
	labels        string
	precision     string
	json          bool
	backend       backendFlags
}

func predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "predict IMAGE|FOLDER|- ...",
		Short: "Classify photographs",
		Long: "Classify photographs: " + vision.Formats() + ` files, all those in a folder
and its sub-folders, or one from standard input (-). Of an animation or a file of several
pictures, it is the first.

Without --weights the network's public weights are taken from the cache of the
Hugging Face Hub (HF_HUB_CACHE, or ~/.cache/huggingface/hub), and downloaded there
when absent. HF_HUB_OFFLINE=1 (or true, yes, on) forbids the download.

For fewer than 8 images the backend is cpu:winograd=off, whose weights take less
memory. For more, a faster algorithm is on, whose logits differ in the sixth digit.`,
		Example: `  inception predict cat.jpg
  inception predict --model inception_resnet_v2 --top 3 photos/
  inception predict --weights finetuned.safetensors --json photos/ > predictions.json`,
		Args: takesSeveral("IMAGE, FOLDER or -"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	addModel(cmd, &f.model, "that of the weights, or inception_v4")
	cmd.Flags().StringVar(&f.weights, "weights", "", weightsText("weights"))
	cmd.Flags().IntVar(&f.top, "top", 5, "classes to print for an image")
	f.preprocessing.add(cmd)
	f.decode.add(cmd)
	f.decode.addExact(cmd)
	addBatch(cmd, &f.batch, 1, "images that run through the network at a time")
	addLabels(cmd, &f.labels)
	addPrecision(cmd, &f.precision, predict.Precisions(), "")
	cmd.Flags().Lookup("precision").Usage += precisionOfWeights
	addJSON(cmd, &f.json)
	f.backend.add(cmd)
	return cmd
}

// manyImages is from how many images on it pays to transform the weights for
// Winograd's algorithm, which makes them larger.
const manyImages = 8

func (f *predictFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	card, err := f.check()
	if err != nil {
		return err
	}
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	config := predict.Config{Network: f.model, Batch: min(f.batch, len(files)), Card: card, Precision: arch.Precision(f.precision)}
	config.OnlyProgram = config.Batch == 1
	f.preprocessing.apply(&config)
	if config.Labels, err = readLabels(f.labels); err != nil {
		return err
	}
	if card != nil {
		if config.Weights, err = fetch(ctx, cmd.ErrOrStderr(), *card); err != nil {
			err = fmt.Errorf("the public weights, since --weights names none: %w", err)
		}
	} else {
		config.Weights, config.Card, err = weightsOfFlag(ctx, cmd.ErrOrStderr(), f.weights)
	}
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("backend") && len(files) < manyImages {
		f.backend.name = defaultBackend + ":winograd=off"
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	classifier, err := predict.Open(ctx, backend, config)
	if err != nil {
		return err
	}
	defer classifier.Close()
	sayPrecision(cmd.ErrOrStderr(), f.precision, classifier.Network().Options().Precision, config.Weights)

	var out reporter = &tableReporter{out: cmd.OutOrStdout(), top: f.top}
	if f.json {
		out = &jsonReporter{out: cmd.OutOrStdout(), top: f.top}
	}
	open := func(file string, reserve func(bytes int64)) (*vision.Image, error) {
		o := f.decode.options()
		o.ResizedTo, o.Reserve = classifier.Preprocessing().ResizedTo(), reserve
		o.Alpha = classifier.Preprocessing().Alpha
		return openPhoto(file, cmd.InOrStdin(), o)
	}
	failed := 0
	err = classifier.Each(ctx, slices.Values(files), open, func(p predict.Photo) error {
		if p.Err != nil {
			failed++
		}
		return out.report(p)
	})
	if err := errors.Join(err, out.close()); err != nil {
		return err
	}
	if failed > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: %d of %d images failed\n", failed, len(files))
	}
	if failed > 0 || incomplete {
		return errReported
	}
	return nil
}

// check returns the card of the public weights that are meant where none are named, unless
// a flag is wrong.
func (f *predictFlags) check() (*recipe.Checkpoint, error) {
	err := cmp.Or(atLeast(1, "top", f.top), atLeast(1, "batch", f.batch), f.preprocessing.check(), f.decode.check(), checkModel(f.model), checkPrecision(f.precision, predict.Precisions()), f.backend.check())
	if err != nil || f.weights != "" {
		return nil, err
	}
	network := cmp.Or(f.model, defaultNetwork)
	card, ok := recipe.DefaultCheckpoint(network)
	if !ok {
		return nil, usageError{fmt.Errorf("%s has no public weights; give a file with --weights", network)}
	}
	return &card, nil
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
