package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/gomlx/compute"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/quantize"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// quantizeFlags are the flags of `quantize`.
type quantizeFlags struct {
	model          string
	weights        string
	data           string
	split          string
	out            string
	photographs    int
	heldOut        int
	ranges         string
	percentile     float64
	headroom       float64
	biasCorrection bool
	preprocessing  preprocessingFlags
	decode         decodeFlags
	labels         string
	skipUnreadable bool
	json           bool
	backend        backendFlags
}

func quantizeCommand() *cobra.Command {
	var f quantizeFlags
	cmd := &cobra.Command{
		Use:   "quantize --weights WEIGHTS --data PHOTOS --out OUT.safetensors",
		Short: "Turn weights into 8-bit integers, which are a quarter of the size and faster",
		Long: `Turn float32 weights into 8-bit integers, and write them in a file that the other verbs
take as any other. Batch norm is folded into weights and biases; each output channel of a
convolution has a scale of its own. The first convolution and the logits stay in float32.

PHOTOS are photographs of the kind that the network will see, 300 to 700 of them: a folder
of images, or ` + dataset.Sources() + `.
On --photographs of them the ranges of activations are found. On others the quantised
network is compared with the one that it was made of: how often both find the same class,
how far their probabilities are apart, and the errors of both, where PHOTOS are in folders
of the network's classes.

The ranges are, by --ranges: max, the largest value that was seen; percentile, which leaves
out a share of the largest; mse, the range with the least squared error; kl, that with the
nearest distribution. They are multiplied by --headroom, for photographs unlike these.

Without --ranges and --headroom the defaults are taken unless they may lose more than half a
point of top-1 accuracy on one half of the photographs that were held out, as they do of some
narrow networks. Then tighter ranges are tried on that half, and those are taken that keep
the probabilities best. What each gave is printed. The comparison is on the other half, which
nothing was chosen by. With less than ` + strconv.Itoa(leastHeldOut) + ` held out nothing is chosen.`,
		Example: `  inception quantize --weights timm/inception_v4.tf_in1k --data photos/ --out v4-int8.safetensors
  inception predict --weights v4-int8.safetensors cat.jpg`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	addModel(cmd, &f.model, "that of the weights")
	flags.StringVar(&f.weights, "weights", "", weightsText("float32 weights"))
	addData(cmd, &f.data)
	addSplit(cmd, &f.split, "", "use, such as train")
	flags.StringVar(&f.out, "out", "", "`file` to write")
	flags.IntVar(&f.photographs, "photographs", 300, "photographs to find the ranges of activations on")
	flags.IntVar(&f.heldOut, "held-out", 400, "other photographs to choose by and to compare both networks on; 0 for neither")
	flags.StringVar(&f.ranges, "ranges", string(quantize.MSE), "how ranges are found: max, percentile, mse or kl; chosen where this default loses accuracy")
	flags.Float64Var(&f.percentile, "percentile", quantize.DefaultPercentile, "share of the values within ranges by percentile, in percent")
	flags.Float64Var(&f.headroom, "headroom", quantize.DefaultHeadroom, "what ranges are multiplied by, at least 1; chosen with the ranges")
	flags.BoolVar(&f.biasCorrection, "bias-correction", true, "correct biases by what rounding the weights adds to the means of channels")
	f.preprocessing.add(cmd)
	f.decode.add(cmd)
	addLabels(cmd, &f.labels)
	flags.BoolVar(&f.skipUnreadable, "skip-unreadable", false, "leave out photographs that cannot be decoded, however many")
	addJSON(cmd, &f.json)
	f.backend.add(cmd)
	return cmd
}

// quantization is what `quantize` prints. Its trials are those that the ranges were chosen by,
// the default's first.
type quantization struct {
	File       string                `json:"file"`
	Network    string                `json:"network"`
	Bytes      int64                 `json:"bytes"`
	Of         int64                 `json:"bytes_before"`
	How        *weights.Quantization `json:"quantization"`
	Trials     []quantize.Trial      `json:"trials,omitempty"`
	Comparison *quantize.Comparison  `json:"comparison,omitempty"`
}

func (f *quantizeFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if err := required(cmd, "weights", "data", "out"); err != nil {
		return err
	}
	options, err := f.check(cmd)
	if err != nil {
		return err
	}
	path, card, err := weightsOfFlag(ctx, cmd.ErrOrStderr(), f.weights)
	if err != nil {
		return err
	}
	if err := checkOver("out", path, f.out); err != nil {
		return err
	}
	model, err := quantize.Open(ctx, path, weights.Hint{Network: f.model, Card: card})
	if err != nil {
		return err
	}
	if err := f.adapt(model); err != nil {
		return err
	}
	set, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer set.Close()
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()

	photographs := f.photographsOf(cmd.ErrOrStderr(), set, *model.Metadata.Preprocessing)
	observed, compared := photographs.Divide(f.photographs, f.heldOut)
	if len(observed) < leastPhotographs {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: the ranges of activations are found on %d photographs; %d or more find them better\n", len(observed), leastPhotographs)
	}
	bar := imageBar{out: cmd.ErrOrStderr()}
	photographs.Progress = bar.show
	statistics, err := model.Observe(ctx, backend, photographs.Preprocessing.Size, quantize.Pixels(photographs.Each(ctx, observed)))
	bar.end()
	if err != nil {
		return err
	}
	before, err := sizeOfAll(path)
	if err != nil {
		return err
	}
	result := quantization{File: f.out, Of: before}
	write := func(path string, o quantize.Options) error {
		quantized, err := model.Quantize(statistics, o)
		if err != nil {
			return err
		}
		result.Network, result.How = quantized.Network.Name(), quantized.Metadata.Quantization
		return quantized.Write(path)
	}
	// classify runs the network of a file on held-out photographs.
	classify := func(path string, card *recipe.Checkpoint, indices []int) (*quantize.Outputs, error) {
		bar := imageBar{out: cmd.ErrOrStderr()}
		defer bar.end()
		photographs.Progress = bar.show
		return f.classify(ctx, backend, path, card, photographs, indices)
	}
	compare := func(original *quantize.Outputs, path string, indices []int) (*quantize.Comparison, error) {
		outputs, err := classify(path, nil, indices)
		if err != nil {
			return nil, err
		}
		return quantize.Compare(original, outputs)
	}
	var choosing []int
	switch changed, n := cmd.Flags().Changed, len(compared); {
	case changed("ranges") || changed("headroom") || n == 0:
	case n < leastHeldOut:
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: ranges are not chosen by %d held-out photographs, but by %d or more; the default is taken\n", n, leastHeldOut)
	default:
		choosing, compared = quantize.Halve(compared)
	}
	if len(choosing) > 0 {
		original, err := classify(path, card, choosing)
		if err != nil {
			return err
		}
		// What is tried is no result: it does not get the result's name.
		folder, err := os.MkdirTemp(filepath.Dir(f.out), ".quantize-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		trial := filepath.Join(folder, filepath.Base(f.out))
		options, result.Trials, err = quantize.Choose(options, func(o quantize.Options) (*quantize.Comparison, error) {
			if err := write(trial, o); err != nil {
				return nil, err
			}
			return compare(original, trial, choosing)
		})
		if err != nil {
			return fmt.Errorf("choose the ranges of %s: %w", f.out, err)
		}
	}
	if err := write(f.out, options); err != nil {
		return err
	}
	result.Bytes = sizeOf(f.out)
	if len(compared) > 0 {
		original, err := classify(path, card, compared)
		if err == nil {
			result.Comparison, err = compare(original, f.out, compared)
		}
		if err != nil {
			return fmt.Errorf("%s is written; comparing it: %w", f.out, err)
		}
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), result)
	}
	return printQuantization(cmd.OutOrStdout(), result)
}

// leastPhotographs is how many there should be to find ranges on.
const leastPhotographs = 100

// leastHeldOut is how many there must be to choose ranges on one half, and to compare on the
// other.
const leastHeldOut = 2 * quantize.LeastToChoose

// check returns how to quantise, unless a flag is wrong.
func (f *quantizeFlags) check(cmd *cobra.Command) (quantize.Options, error) {
	var o quantize.Options
	err := cmp.Or(atLeast(1, "photographs", f.photographs), atLeast(0, "held-out", f.heldOut), f.preprocessing.check(), f.decode.check(), checkModel(f.model), f.backend.check())
	if err != nil {
		return o, err
	}
	ranges, err := quantize.ParseRanges(f.ranges)
	if err != nil {
		return o, usageError{fmt.Errorf("--ranges: %w", err)}
	}
	o = quantize.Options{Ranges: ranges, Headroom: f.headroom, KeepBiases: !f.biasCorrection}
	if ranges == quantize.Percentile || cmd.Flags().Changed("percentile") {
		o.Percentile = f.percentile
	}
	if err := o.Check(); err != nil {
		return o, usageError{err}
	}
	if ending := ".safetensors"; !strings.HasSuffix(strings.ToLower(f.out), ending) && !strings.HasSuffix(strings.ToLower(f.out), ".npz") {
		return o, usageError{fmt.Errorf("--out expects a name that ends in %s or .npz, found %q", ending, f.out)}
	}
	return o, nil
}

// adapt changes what is said of the weights by the flags.
func (f *quantizeFlags) adapt(m *quantize.Model) error {
	p := f.preprocessing.changed(*m.Metadata.Preprocessing)
	m.Metadata.Preprocessing = &p
	if err := errors.Join(m.Network.CheckSize(p.Size, p.Size), p.Check()); err != nil {
		return err
	}
	labels, err := readLabels(f.labels)
	if err != nil || labels == nil {
		return err
	}
	if n := m.Network.Options().Classes; len(labels) != n {
		return fmt.Errorf("--labels: expected %d, one for each class of the weights, found %d", n, len(labels))
	}
	m.Metadata.Labels = labels
	return nil
}

// open opens the photographs: labelled ones, or else those of a folder.
func (f *quantizeFlags) open(ctx context.Context) (*dataset.Set, error) {
	set, labelled := dataset.Open(ctx, f.data, dataset.Options{Split: f.split})
	if labelled == nil {
		return set, nil
	}
	if f.split != "" || ctx.Err() != nil {
		return nil, labelled
	}
	set, err := dataset.Open(ctx, f.data, dataset.Options{Flat: true, Classes: []string{"0", "1"}}) // none is known
	if err != nil {
		return nil, labelled
	}
	return set, nil
}

func (f *quantizeFlags) photographsOf(stderr io.Writer, set *dataset.Set, p vision.Preprocessing) *quantize.Photographs {
	photographs := &quantize.Photographs{Set: set, Preprocessing: p, Decode: f.decode.options()}
	if f.skipUnreadable {
		told := map[string]bool{} // photographs are read once for each network
		photographs.Unreadable = func(name string, err error) {
			if !told[name] {
				fmt.Fprintf(stderr, "inception: %s is left out: %v\n", name, err)
			}
			told[name] = true
		}
	}
	return photographs
}

// classify computes the logits of photographs with the weights at path.
func (f *quantizeFlags) classify(ctx context.Context, backend compute.Backend, path string, card *recipe.Checkpoint, photographs *quantize.Photographs, indices []int) (*quantize.Outputs, error) {
	labels, err := readLabels(f.labels)
	if err != nil {
		return nil, err
	}
	c, err := predict.Open(ctx, backend, predict.Config{Weights: path, Network: f.model, Card: card, Size: photographs.Preprocessing.Size, Labels: labels})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return quantize.Classify(ctx, c, photographs.Set.Classes(), photographs.Each(ctx, indices))
}

// checkOver refuses to write over files of the weights at path: what a flag names to write.
func checkOver(flag, path string, out ...string) error {
	err := weights.CheckOver(path, out...)
	if over := (*weights.OverwriteError)(nil); errors.As(err, &over) {
		return usageError{fmt.Errorf("--%s: %w", flag, err)}
	}
	return err
}

// sizeOfAll is that of all files of weights, such as a checkpoint's index and shards.
func sizeOfAll(path string) (bytes int64, err error) {
	files, err := weights.Files(path)
	for _, file := range files {
		bytes += sizeOf(file)
	}
	return bytes, err
}

// sizeOf is a file's in bytes.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func printQuantization(out io.Writer, q quantization) error {
	fmt.Fprintf(out, "%s: %s in %s, %s bytes of %s; ranges by %s, headroom %g, on %d photographs\n",
		q.File, q.Network, arch.Int8, count(q.Bytes), count(q.Of), q.How.Ranges, q.How.Headroom, q.How.Photographs)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(q.Trials) > 0 {
		fmt.Fprintf(w, "chosen on %d photographs\theadroom\tsame class\tKullback-Leibler divergence\texpected loss of top-1\n", q.Trials[0].Comparison.Images)
		for _, t := range q.Trials {
			taken := ""
			if string(t.Ranges) == q.How.Ranges && t.Headroom == q.How.Headroom {
				taken = ", taken"
			}
			c := t.Comparison
			fmt.Fprintf(w, "  %s\t%g\t%.2f%%\t%.2g\t%.2f%%, at most %.2f%%%s\n", t.Ranges, t.Headroom, 100*c.Agreement, c.KL, 100*c.Lost, 100*c.LostHigh, taken)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	c := q.Comparison
	if c == nil {
		return nil
	}
	fmt.Fprintf(w, "on %d other photographs\t\n", c.Images)
	fmt.Fprintf(w, "  same class as in float32\t%.2f%%\n", 100*c.Agreement)
	fmt.Fprintf(w, "  Kullback-Leibler divergence\t%.2g on average, %.2g at most\n", c.KL, c.MostKL)
	fmt.Fprintf(w, "  expected loss of top-1\t%.2f%%, at most %.2f%%\n", 100*c.Lost, 100*c.LostHigh)
	if c.Int8 != nil {
		fmt.Fprintf(w, "  top-1 error in float32\t%.2f%%\n", 100*c.Float32.Rate)
		fmt.Fprintf(w, "  top-1 error in int8\t%.2f%%\n", 100*c.Int8.Rate)
	}
	return w.Flush()
}
