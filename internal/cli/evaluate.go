package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/evaluate/gallery"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// evaluateFlags are the flags of `evaluate`.
type evaluateFlags struct {
	model          string
	weights        []string
	preprocessing  preprocessingFlags
	decode         decodeFlags
	labels         string
	precision      string
	data           string
	split          string
	crops          int
	batch          int
	limit          int
	challenge      challengeFlags
	predictions    string
	confusion      string
	gallery        string
	skipUnreadable bool
	maxUnreadable  float64
	labelOffset    int
	classes        string
	byNumber       bool
	json           bool
	shard          shardFlags
	backend        backendFlags
}

func evaluateCommand() *cobra.Command {
	var f evaluateFlags
	cmd := &cobra.Command{
		Use:   "evaluate --weights FILE[,FILE...] --data DATA",
		Short: "Measure the errors of a network, or of several together",
		Long: `Measure the top-1 and top-5 errors of a network on labelled photographs, with their
95% intervals (Wilson). Several networks are measured one by one and as an ensemble.

Each photograph is seen in 1, 10, 12 or 144 crops. The softmax outputs are averaged
over its crops, then over the networks. The scales of 10, 12 and 144 crops grow with a
network's input: shorter sides of 342, 384, 427 and 470 pixels at 299 become as many
299ths of another size.

DATA is ` + dataset.Sources() + `.
Several shards are named by a pattern such as 'train-{0000..0146}.tar' or 'val-*'.

The networks' classes must be those of the data, in any order; they are compared by their
synsets or by their names. Where the data have some of a network's classes, as 16 of
ImageNet's 1000, --classes says which compete: with subset only those of the data, whose
probabilities then add up to one; with all every class of the network's, so that an image
that is taken for one which the data lack is an error.

With --report the folder holds index.html, a page that needs no other file, with what the
help of the flag lists; of more than one crop, single ones are evaluated after them, to
compare. Beside it are report.json, as --json prints, and predictions.csv.

For ILSVRC-2012, DATA is the folder of the validation images, or the archive they come
in; --synsets is the development kit's data/meta.mat (or a later kit's map_clsloc.txt)
and --ground-truth its data/ILSVRC2012_validation_ground_truth.txt. Without ground truth,
as for the test images, --submission writes what the test server takes.

` + shardText + `
--max-unreadable is a share of the photographs of all shards.`,
		Example: `  inception evaluate --weights model.safetensors --data photos/ --split validation
  inception evaluate --weights v4.safetensors,resnet.safetensors --crops 12 \
    --data photos.tar --predictions predictions.csv
  inception evaluate --weights timm/inception_v4.tf_in1k --data ILSVRC2012_img_val.tar \
    --synsets meta.mat --ground-truth ILSVRC2012_validation_ground_truth.txt --crops 144`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	addModel(cmd, &f.model, "that of the weights")
	flags.StringSliceVar(&f.weights, "weights", nil, weightsText("weights, those of an ensemble separated by commas"))
	f.preprocessing.add(cmd)
	f.decode.add(cmd)
	f.decode.addExact(cmd)
	addLabels(cmd, &f.labels)
	addPrecision(cmd, &f.precision, predict.Precisions(), "")
	flags.Lookup("precision").Usage += precisionOfWeights
	addData(cmd, &f.data)
	addSplit(cmd, &f.split, "", "evaluate, such as validation")
	flags.StringVar(&f.classes, "classes", string(evaluate.Same), "how the data's classes go with the network's: `same`, subset or all")
	flags.BoolVar(&f.byNumber, "class-numbers", false, "take class 0 of the data for class 0 of the network, and so on, rather than compare names")
	addLabelOffset(cmd, &f.labelOffset)
	addCrops(cmd, &f.crops, 1, "crops of each photograph")
	addBatch(cmd, &f.batch, evaluate.DefaultBatch, "crops that run through a network at a time")
	flags.IntVar(&f.limit, "limit", 0, "evaluate this many photographs, spread evenly over the data (default all)")
	f.challenge.add(cmd)
	addConfusion(cmd, &f.confusion)
	addGallery(cmd, &f.gallery)
	flags.StringVar(&f.predictions, "predictions", "", "append the predictions of each photograph to this CSV `file`, and go on with those that it lacks")
	addMaxUnreadable(cmd, &f.maxUnreadable, "those to evaluate", 0)
	flags.BoolVar(&f.skipUnreadable, "skip-unreadable", false, "leave out photographs that cannot be decoded, however many")
	addJSON(cmd, &f.json)
	f.shard.add(cmd)
	f.backend.add(cmd)
	f.backend.addStreams(cmd)
	return cmd
}

func (f *evaluateFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if err := required(cmd, "weights", "data"); err != nil {
		return err
	}
	crops, err := f.check()
	if err == nil {
		err = f.shard.check(cmd, "json", "confusion", "submission", "report")
	}
	if err == nil {
		err = checkGallery(f.gallery)
	}
	if err != nil {
		return err
	}
	set, err := f.challenge.open(ctx, f.data, dataset.Options{Split: f.split, LabelOffset: f.labelOffset})
	if err != nil {
		return err
	}
	defer set.Close()
	if f.gallery != "" && set.Label(0) < 0 {
		return errors.New("--report: the data have no labels, so that there are no errors to show; --ground-truth gives those of ILSVRC-2012")
	}
	incomplete := reportLeftOut(cmd.ErrOrStderr(), f.data, set.LeftOut())
	exclude, err := f.challenge.excluded(set)
	if err != nil {
		return err
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	members, closeAll, err := f.members(ctx, backend, cmd.ErrOrStderr())
	defer closeAll()
	if err != nil {
		return err
	}
	bar := imageBar{out: cmd.ErrOrStderr()}
	o := evaluate.Options{
		Crops: crops, Batch: f.batch, Limit: f.limit, Decode: f.decode.options(), Exclude: exclude, Predictions: f.shard.path(f.predictions), SkipUnreadable: f.skipUnreadable, MaxUnreadable: f.maxUnreadable,
		Classes: evaluate.Matching(f.classes), ByNumber: f.byNumber,
		Unreadable: func(name string, err error) {
			bar.end()
			fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s is left out: %v\n", printable.Line(name), err)
		},
		Progress: bar.show,
	}
	if f.shard.given() {
		part, err := evaluate.RunPart(ctx, members, set, f.shard.part, o)
		bar.end()
		if err != nil {
			return f.advise(err)
		}
		part.Settings = []shard.Setting{computedBy(backend)}
		err = f.shard.write(cmd, part.Write)
		if err == nil && incomplete {
			err = errReported
		}
		return err
	}
	report, err := evaluate.Run(ctx, members, set, o)
	bar.end()
	if err != nil {
		return f.advise(err)
	}
	outputs := &reportOutputs{
		confusion: f.confusion, submission: f.challenge.submission, json: f.json, out: f.shard.out,
		gallery: f.gallery, photographs: gallery.Options{Data: filepath.Base(f.data), Set: set, Decode: o.Decode},
	}
	if f.gallery != "" && crops != vision.Crops1 {
		o.Crops, o.Predictions, o.Unreadable = vision.Crops1, "", nil
		if outputs.photographs.Single, err = evaluate.Run(ctx, members, set, o); err != nil {
			return fmt.Errorf("on single crops, which --report compares: %w", err)
		}
		bar.end()
	}
	return outputs.write(cmd, report)
}

// advise adds to an error what flags may help.
func (f *evaluateFlags) advise(err error) error {
	var classes *evaluate.ClassesError
	if !errors.As(err, &classes) {
		return err
	}
	switch {
	case f.classes == string(evaluate.Same) && classes.OnlyData == nil && classes.OnlyNetwork != nil:
		return fmt.Errorf("%w, or evaluate the data's classes alone with --classes subset, or all of the network's with --classes all", err)
	case classes.OnlyData != nil || classes.OnlyNetwork != nil:
		return err
	case classes.Labels == nil:
		return fmt.Errorf("%w: --labels names the network's, --class-numbers takes them by their numbers", err)
	}
	return fmt.Errorf("%w: --class-numbers does, with --label-offset where the first is not 0", err)
}

func checkMatching(name string) error {
	if !slices.Contains(evaluate.Matchings(), evaluate.Matching(name)) {
		return usageError{fmt.Errorf("--classes must be one of %v, found %q", evaluate.Matchings(), name)}
	}
	return nil
}

// check returns the crops, unless a flag is wrong.
func (f *evaluateFlags) check() (vision.Crops, error) {
	err := cmp.Or(within(1, maxBatch, "batch", f.batch), atLeast(0, "limit", f.limit), f.preprocessing.check(), f.decode.check(), checkModel(f.model), checkMatching(f.classes), checkMaxUnreadable(f.maxUnreadable), checkPrecision(f.precision, predict.Precisions()), f.challenge.check(), f.backend.check())
	if err != nil {
		return 0, err
	}
	return parseCrops(f.crops)
}

// members opens the weights. closeAll releases those that were opened, also after an
// error.
func (f *evaluateFlags) members(ctx context.Context, backend compute.Backend, stderr io.Writer) (members []evaluate.Member, closeAll func(), err error) {
	closeAll = func() {}
	config := predict.Config{Network: f.model, Precision: arch.Precision(f.precision)}
	f.preprocessing.apply(&config)
	if config.Labels, err = readLabels(f.labels); err != nil {
		return nil, closeAll, err
	}
	for i, name := range evaluate.MemberNames(f.weights) {
		if config.Weights, config.Card, err = weightsOfFlag(ctx, stderr, f.weights[i]); err != nil {
			return nil, closeAll, err
		}
		classifier, err := predict.Open(ctx, backend, config)
		if err != nil {
			return nil, closeAll, err
		}
		before := closeAll
		closeAll = func() { classifier.Close(); before() }
		used := classifier.Network().Options().Precision
		sayPrecision(stderr, f.precision, used, config.Weights)
		m := evaluate.FromClassifier(name, classifier)
		if f.predictions != "" || f.shard.given() {
			if m.Fingerprint, err = evaluate.Fingerprint(config.Weights); err != nil {
				return nil, closeAll, err
			}
			if used != arch.Float32 {
				m.Fingerprint += " " + string(used)
			}
		}
		members = append(members, m)
	}
	return members, closeAll, nil
}
