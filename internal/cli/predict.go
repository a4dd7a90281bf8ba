package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// predictFlags are the flags of `predict`.
type predictFlags struct {
	classifier classifierFlags
	top        int
	json       bool
	shard      shardFlags
	server     serverFlags
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

With --server a running server (inception serve) classifies: http://HOST:PORT,
https://..., grpc://HOST:PORT or grpcs://..., with /NAME for another model than its first.

For fewer than 8 images the backend is cpu:winograd=off, whose weights take less
memory. For more, a faster algorithm is on, whose logits differ in the sixth digit.

` + shardText,
		Example: `  inception predict cat.jpg
  inception predict --model inception_resnet_v2 --top 3 photos/
  inception predict --server http://localhost:8000/v4 photos/
  inception predict --weights finetuned.safetensors --json photos/ > predictions.json
  srun -n 7 inception predict --shard slurm --out predictions.jsonl photos/ &&
    inception merge --json predictions-*-of-00007.jsonl > predictions.json`,
		Args: takesSeveral(takesPhotos),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.classifier.add(cmd)
	f.classifier.backend.addStreams(cmd)
	cmd.Flags().IntVar(&f.top, "top", 5, "classes to print for an image")
	addLabels(cmd, &f.classifier.labels)
	addJSON(cmd, &f.json)
	f.shard.add(cmd)
	f.server.add(cmd)
	return cmd
}

func (f *predictFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if f.server.url != "" {
		return f.runByServer(cmd, args)
	}
	if err := cmp.Or(atLeast(1, "top", f.top), f.classifier.checkClasses(), f.shard.check(cmd, "json")); err != nil {
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

	settings, err := f.settings(classifier, weights, files)
	if err != nil {
		return err
	}
	mine := f.shard.mine(files)
	failed := 0
	err = f.shard.write(cmd, func(to io.Writer) error {
		out := newReporter(to, f.json)
		if f.shard.given() {
			common, err := json.Marshal(photosCommon{incomplete})
			if err != nil {
				return err
			}
			w, err := shard.NewWriter(to, shard.Header{Kind: photosKind, Shard: f.shard.part, Things: len(files), Settings: settings, Common: common})
			if err != nil {
				return err
			}
			out = shardReporter{w}
		}
		err := classifier.Each(ctx, slices.Values(mine), f.classifier.opener(classifier, cmd.InOrStdin()), func(p predict.Photo) error {
			if p.Err != nil {
				failed++
			}
			return out.report(p.Record(f.top))
		})
		if err != nil && f.shard.given() {
			return err // without an end, so that what is there is not taken for the whole
		}
		return errors.Join(err, out.close())
	})
	if err != nil {
		return err
	}
	err = reportFailed(cmd.ErrOrStderr(), failed, len(mine), incomplete)
	if f.shard.given() && !incomplete {
		return nil // the shard is done: to run it again would change nothing
	}
	return err
}

// settings are what the predictions of a shard depend on.
func (f *predictFlags) settings(c *predict.Classifier, weights string, files []string) ([]shard.Setting, error) {
	if !f.shard.given() {
		return nil, nil
	}
	fingerprint, err := evaluate.Fingerprint(weights)
	if err != nil {
		return nil, err
	}
	preprocessing, err := json.Marshal(c.Preprocessing())
	if err != nil {
		return nil, err
	}
	labels, err := json.Marshal(c.Labels())
	if err != nil {
		return nil, err
	}
	list := sha256.New()
	for _, file := range files {
		fmt.Fprintf(list, "%d %s\n", len(file), file)
	}
	d := f.classifier.decode.options()
	return []shard.Setting{
		{Name: "network", Value: c.Network().Name()},
		{Name: "file of weights", Value: fingerprint},
		{Name: "precision", Value: string(c.Network().Options().Precision)},
		{Name: "preprocessing", Value: string(preprocessing)},
		{Name: "list of labels", Value: fmt.Sprintf("SHA-256 %x", sha256.Sum256(labels))},
		{Name: "way to decode", Value: fmt.Sprint(d.MaxPixels, d.MaxBytes, d.IgnoreOrientation, d.AllowTruncated, d.Exact)},
		{Name: "number of classes to print", Value: strconv.Itoa(f.top)},
		{Name: "batch size", Value: strconv.Itoa(f.classifier.batch)},
		{Name: "list of photographs", Value: fmt.Sprintf("%d, SHA-256 %x", len(files), list.Sum(nil))},
		f.classifier.computer,
	}, nil
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
