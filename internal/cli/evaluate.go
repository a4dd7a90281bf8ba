package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/gomlx/compute"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/dataset/ilsvrc"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// evaluateFlags are the flags of `evaluate`.
type evaluateFlags struct {
	weights        []string
	labels         string
	data           string
	split          string
	crops          int
	batch          int
	limit          int
	groundTruth    string
	synsets        string
	blacklist      string
	predictions    string
	submission     string
	confusion      string
	skipUnreadable bool
	json           bool
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

DATA is a folder of class folders, a .tar, .tar.gz or .tar.zst archive of one, or
TFRecord shards. The networks' classes must be those of the data; they are compared by
name, so that their order does not matter.

For ILSVRC-2012, DATA is the folder of the validation images, or the archive they come
in; --synsets is the development kit's data/meta.mat (or a later kit's map_clsloc.txt)
and --ground-truth its data/ILSVRC2012_validation_ground_truth.txt. Without ground truth,
as for the test images, --submission writes what the test server takes.`,
		Example: `  inception evaluate --weights model.safetensors --data photos/ --split validation
  inception evaluate --weights v4.safetensors,resnet.safetensors --crops 12 \
    --data photos.tar --predictions predictions.csv
  inception evaluate --weights timm/inception_v4.tf_in1k --data ILSVRC2012_img_val.tar \
    --synsets meta.mat --ground-truth ILSVRC2012_validation_ground_truth.txt --crops 144`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.weights, "weights", nil, "safetensors `files`, or tags of public checkpoints, separated by commas")
	flags.StringVar(&f.labels, "labels", "", "`file` with one class a line for weights without labels, in index order: NAME, or SYNSET, a tab, NAME")
	flags.StringVar(&f.data, "data", "", "labelled photographs")
	flags.StringVar(&f.split, "split", "", "part of the data, such as validation")
	flags.IntVar(&f.crops, "crops", 1, "crops of each photograph: 1, 10, 12 or 144")
	flags.IntVar(&f.batch, "batch", evaluate.DefaultBatch, "crops that run through a network at a time")
	flags.IntVar(&f.limit, "limit", 0, "evaluate this many photographs, spread evenly over the data (default all)")
	flags.StringVar(&f.synsets, "synsets", "", "`file` with the number of each synset of ILSVRC-2012; DATA has no class folders then")
	flags.StringVar(&f.groundTruth, "ground-truth", "", "`file` with the class of each photograph of ILSVRC-2012, in the order of their names")
	flags.StringVar(&f.blacklist, "blacklist", "", "`file` with the numbers of photographs to leave out")
	flags.StringVar(&f.submission, "submission", "", "write the five best classes of each photograph to this `file`, as the test server of ILSVRC-2012 takes them")
	flags.StringVar(&f.confusion, "confusion", "", "draw the confusion matrix in this PNG `file`")
	flags.StringVar(&f.predictions, "predictions", "", "append the predictions of each photograph to this CSV `file`, and go on with those that it lacks")
	flags.BoolVar(&f.skipUnreadable, "skip-unreadable", false, "leave out photographs that cannot be decoded, rather than fail")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	f.backend.add(cmd)
	for _, name := range []string{"weights", "data"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func (f *evaluateFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	crops, err := vision.ParseCrops(f.crops)
	if err != nil {
		return usageError{fmt.Errorf("--crops: %w", err)}
	}
	if f.batch < 1 || f.limit < 0 {
		return usageError{fmt.Errorf("--batch must be at least 1 and --limit not negative, found %d and %d", f.batch, f.limit)}
	}
	if f.synsets == "" && (f.groundTruth != "" || f.submission != "") {
		return usageError{errors.New("--ground-truth and --submission need the numbers of the classes; name them with --synsets")}
	}
	set, err := f.openData(ctx)
	if err != nil {
		return err
	}
	defer set.Close()
	var exclude []int
	if f.blacklist != "" {
		if exclude, err = ilsvrc.ReadBlacklist(f.blacklist, set); err != nil {
			return fmt.Errorf("--blacklist: %w", err)
		}
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
	report, err := evaluate.Run(ctx, members, set, evaluate.Options{
		Crops: crops, Batch: f.batch, Limit: f.limit, Exclude: exclude, Predictions: f.predictions, SkipUnreadable: f.skipUnreadable,
		Unreadable: func(name string, err error) {
			bar.end()
			fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s is left out: %v\n", name, err)
		},
		Progress: bar.show,
	})
	bar.end()
	if err != nil {
		return err
	}
	if f.submission != "" {
		write := func(w io.Writer) error { return ilsvrc.WriteSubmission(w, report.Best(), report.Of) }
		if err := writeOutput(f.submission, write); err != nil {
			return fmt.Errorf("--submission: %w", err)
		}
	}
	if f.confusion != "" {
		if err := writeOutput(f.confusion, report.DrawConfusion); err != nil {
			return fmt.Errorf("--confusion: %w", err)
		}
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), report)
	}
	return printReport(cmd.OutOrStdout(), report)
}

// openData opens the photographs, with class folders or as ILSVRC-2012 has them.
func (f *evaluateFlags) openData(ctx context.Context) (*dataset.Set, error) {
	o := dataset.Options{Split: f.split}
	if f.synsets != "" {
		var err error
		o.Flat = true
		if o.Classes, err = ilsvrc.ReadSynsets(f.synsets); err != nil {
			return nil, fmt.Errorf("--synsets: %w", err)
		}
		if f.groundTruth != "" {
			if o.Labels, err = ilsvrc.ReadGroundTruth(f.groundTruth, o.Classes); err != nil {
				return nil, fmt.Errorf("--ground-truth: %w", err)
			}
		}
	}
	return dataset.Open(ctx, f.data, o)
}

// members opens the weights. closeAll releases those that were opened, also after an
// error.
func (f *evaluateFlags) members(ctx context.Context, backend compute.Backend, stderr io.Writer) (members []evaluate.Member, closeAll func(), err error) {
	closeAll = func() {}
	config := predict.Config{}
	if f.labels != "" {
		if config.Labels, err = readLabels(f.labels); err != nil {
			return nil, closeAll, err
		}
	}
	for i, name := range memberNames(f.weights) {
		source := predictFlags{weights: f.weights[i]}
		if config.Weights, config.Card, err = source.findWeights(ctx, stderr); err != nil {
			return nil, closeAll, err
		}
		classifier, err := predict.Open(ctx, backend, config)
		if err != nil {
			return nil, closeAll, err
		}
		before := closeAll
		closeAll = func() { classifier.Close(); before() }
		m := evaluate.FromClassifier(name, classifier)
		if f.predictions != "" {
			if m.Fingerprint, err = fileSum(config.Weights); err != nil {
				return nil, closeAll, err
			}
		}
		members = append(members, m)
	}
	return members, closeAll, nil
}

// memberNames are the files' names without their folders, unless two would be the same.
func memberNames(weights []string) []string {
	short := make([]string, len(weights))
	for i, w := range weights {
		short[i] = strings.TrimSuffix(filepath.Base(w), ".safetensors")
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(short)))
	if len(distinct) < len(weights) {
		return weights
	}
	return short
}

// fileSum is the SHA-256 of a file.
func fileSum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// imageBar shows on a terminal how many images are done.
type imageBar struct {
	out io.Writer
	bar *progressbar.ProgressBar
}

func (b *imageBar) show(done, total int) {
	if !isTerminal(b.out) {
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(total,
			progressbar.OptionSetDescription("evaluate"),
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("images"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100e6),
			progressbar.OptionClearOnFinish())
	}
	_ = b.bar.Set(done)
}

func (b *imageBar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

// printReport prints the tables for people.
func printReport(out io.Writer, r *evaluate.Report) error {
	if !r.Labelled {
		_, err := fmt.Fprintf(out, "%s\nthe data have no labels, so that the errors are not known\n", summary(r))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "NETWORK\tCROPS\tTOP-1 ERROR\t95% INTERVAL\tTOP-5 ERROR\t95% INTERVAL\n")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", row.Name, r.Crops, rateText(row.Top1), rateText(row.Top5))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n\n", summary(r))
	return printClasses(out, r)
}

func rateText(e score.Errors) string {
	return fmt.Sprintf("%.2f%%\t%.2f%% to %.2f%%", 100*e.Rate, 100*e.Low, 100*e.High)
}

// summary says of what the rates are shares.
func summary(r *evaluate.Report) string {
	text := fmt.Sprintf("%d images", r.Images)
	if r.Excluded > 0 {
		text += fmt.Sprintf(", without %d that are left out", r.Excluded)
	}
	if n := len(r.Unreadable); n > 0 {
		text += fmt.Sprintf(", without %d that cannot be decoded", n)
	}
	if n := r.Speed.Resumed; n > 0 {
		text += fmt.Sprintf(", %d of them from the file of predictions", n)
	}
	if s := r.Speed; s.Views > 0 {
		text += fmt.Sprintf("; %d crops in %.1f s, %.1f a second", s.Views, s.Seconds, float64(s.Views)/s.Seconds)
	}
	return text
}

// mostClasses is how many classes the table shows.
const mostClasses = 20

// printClasses prints the classes, the worst first.
func printClasses(out io.Writer, r *evaluate.Report) error {
	classes := slices.DeleteFunc(slices.Clone(r.PerClass), func(c evaluate.ClassRow) bool { return c.Top1.Images == 0 })
	slices.SortStableFunc(classes, func(a, b evaluate.ClassRow) int {
		switch {
		case a.Top1.Rate > b.Top1.Rate:
			return -1
		case a.Top1.Rate < b.Top1.Rate:
			return 1
		}
		return 0
	})
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "CLASS\tIMAGES\tTOP-1 ERROR\t95% INTERVAL\tTOP-5 ERROR\tTAKEN FOR\n")
	for _, c := range classes[:min(len(classes), mostClasses)] {
		confused := ""
		if c.ConfusedImages > 0 {
			confused = fmt.Sprintf("%s (%d)", c.Confused, c.ConfusedImages)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%.2f%%\t%s\n", c.Class, c.Top1.Images, rateText(c.Top1), 100*c.Top5.Rate, confused)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more := len(classes) - mostClasses; more > 0 {
		fmt.Fprintf(out, "and %d classes with fewer errors; --json has all\n", more)
	}
	return nil
}
