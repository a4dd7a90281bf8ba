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
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/fid"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// comparedFlags are the flags of the verbs that measure pictures as the papers on generated
// pictures do.
type comparedFlags struct {
	classifier classifierFlags
	mode       string
	seed       uint64
	json       bool
}

func (f *comparedFlags) add(cmd *cobra.Command) {
	f.classifier.preferred, f.classifier.batch = "inception_v3", predict.DefaultBatch
	f.classifier.addNetwork(cmd)
	// The programs whose numbers are compared leave pictures as they are stored.
	f.classifier.decode.orient, cmd.Flags().Lookup("orient").DefValue = false, "false"
	var modes []string
	for _, m := range fid.Modes() {
		modes = append(modes, string(m))
	}
	cmd.Flags().StringVar(&f.mode, "mode", modes[0], "how pictures are resized: "+strings.Join(modes, ", "))
	cmd.Flags().Uint64Var(&f.seed, "seed", 0, "`number` that random choices follow from")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

func (f *comparedFlags) check() error {
	if _, err := fid.ParseMode(f.mode); err != nil {
		return usageError{fmt.Errorf("--mode: %w", err)}
	}
	return f.classifier.check()
}

// origin says what numbers were measured with.
type origin struct {
	fid.Made
	File string `json:"weights,omitempty"` // none where all is from files of statistics
}

// publishedNetwork is what published numbers are of.
const publishedNetwork = "inception-2015-12-05"

// comparesWith says which numbers those of other weights compare with.
const comparesWith = "These numbers compare with others of the same weights alone: published ones are of the network " + publishedNetwork + "."

func (f *comparedFlags) about(c *predict.Classifier, weights string) (origin, error) {
	fingerprint, err := evaluate.Fingerprint(weights)
	name, options := c.Network().Name(), c.Network().Options()
	if options.MaxPoolLastBlock {
		name = publishedNetwork
	}
	return origin{fid.Made{Network: name, Weights: fingerprint, Precision: string(options.Precision), Mode: fid.Mode(f.mode)}, weights}, err
}

// values computes an end point of pictures. Those that cannot be read are an error: a number
// without them would be another set's.
func (f *comparedFlags) values(ctx context.Context, cmd *cobra.Command, c *predict.Classifier, endPoint string, files []string) ([][]float32, error) {
	p := c.Preprocessing()
	open := func(file string, reserve func(bytes int64)) (*vision.Image, error) {
		o := f.classifier.decode.options()
		o.Reserve, o.Alpha, o.Exact = reserve, vision.AlphaDrop, true
		return openPhoto(file, cmd.InOrStdin(), o)
	}
	prepare := func(dst []float32, m *vision.Image) error { return fid.Mode(f.mode).Prepare(dst, m, p) }
	all := make([][]float32, 0, len(files))
	failed := 0
	err := c.EachPreparedFeatures(ctx, endPoint, slices.Values(files), open, prepare, func(v predict.Features) error {
		if v.Err != nil {
			failed++
			fmt.Fprintf(cmd.ErrOrStderr(), "inception: %s: %s\n", printable.Line(v.Name), printable.UTF8(v.Err.Error()))
			return nil
		}
		all = append(all, slices.Clone(v.Values))
		return nil
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d pictures could not be read; mend them or take them out, as the rest is another set", failed, len(files))
	}
	return all, err
}

// fidFlags are the flags of `fid`.
type fidFlags struct {
	comparedFlags
	kernel fid.KernelOptions
	out    string
}

func fidCommand() *cobra.Command {
	var f fidFlags
	cmd := &cobra.Command{
		Use:   "fid A B",
		Short: "Measure how far the pictures of two folders are from each other: FID and KID",
		Long: `Print the Fréchet Inception Distance of two sets of pictures, and the kernel distance
(KID): by the 2048 pooled features that Inception-v3 has of each picture. A and B are folders
of pictures, or files of statistics (.npz with mu and sigma, as --out, clean-fid and
pytorch-fid write them), of which there is no KID. Those of --out say which network, weights
(SHA-256 of their file), precision and mode they were made with, and are refused beside any made otherwise.

--mode says how pictures are resized to the network's size, both sides, whatever their
proportions are:

  clean               bicubic with antialiasing as Pillow's, not rounded: clean-fid's
  legacy-pytorch      bilinear without antialiasing: pytorch-fid's
  legacy-tensorflow   the same from the pixels' corners (no align_corners): the first programs'

Whatever the mode is, transparency is dropped, and photographs are not turned as EXIF says,
unless --orient: as clean-fid and pytorch-fid do.

Published numbers are of one network, TensorFlow's inception-2015-12-05: give --weights the
file of it that pytorch-fid has (pt_inception-2015-12-05-6726825d.pth), or TensorFlow's own
(classify_image_graph_def.pb). With any other weights numbers compare with those of the same
weights alone. Both sets should have as many pictures, at least as many as there are features.

` + publicWeightsText,
		Example: `  inception fid photos/ generated/
  inception fid photos/ --out photos.npz && inception fid photos.npz generated/
  inception fid a/ b/ --weights pt_inception-2015-12-05-6726825d.pth --mode legacy-pytorch`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("out") {
				return takes("A")(cmd, args)
			}
			return takes("A", "B")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.add(cmd)
	cmd.Flags().IntVar(&f.kernel.Subsets, "kid-subsets", 100, "random subsets that the kernel distance is the mean over")
	cmd.Flags().IntVar(&f.kernel.Size, "kid-subset-size", 1000, "pictures of each set in a subset, at most")
	cmd.Flags().StringVar(&f.out, "out", "", "write the statistics of A to this `file`, .npz, in place of a distance")
	return cmd
}

// A set is one of those that are compared.
type set struct {
	name       string
	files      []string
	features   [][]float32
	statistics *fid.Statistics
}

func (f *fidFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	f.kernel.Seed = f.seed
	if err := cmp.Or(f.check(), atLeast(1, "kid-subsets", f.kernel.Subsets), atLeast(2, "kid-subset-size", f.kernel.Size)); err != nil {
		return err
	}
	if f.out != "" && !strings.HasSuffix(f.out, ".npz") {
		return usageError{fmt.Errorf("--out: statistics are written as .npz, found %q", f.out)}
	}
	sets := make([]set, len(args))
	pictures := 0
	for i, arg := range args {
		sets[i].name = arg
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("expected a folder of pictures, or a file of statistics, found no %s; check the path", arg)
		case err != nil:
			return err
		case !info.IsDir():
			if sets[i].statistics, err = fid.Read(arg); err != nil {
				return fmt.Errorf("expected a folder of pictures, or a file of statistics: %w", err)
			}
			continue
		}
		var incomplete bool
		if sets[i].files, incomplete, err = imageFiles(ctx, cmd.ErrOrStderr(), []string{arg}); err != nil {
			return err
		}
		if incomplete {
			return errReported
		}
		pictures += len(sets[i].files)
	}
	if pictures == 0 {
		for _, flag := range []string{"model", "weights", "precision", "mode"} {
			if cmd.Flags().Changed(flag) {
				return usageError{fmt.Errorf("--%s is for pictures, and files of statistics have been made; leave it out", flag)}
			}
		}
	}
	var about origin
	if pictures > 0 {
		classifier, weights, closeClassifier, err := f.classifier.open(cmd, pictures)
		if err != nil {
			return err
		}
		defer closeClassifier()
		if about, err = f.about(classifier, weights); err != nil {
			return err
		}
		if err := checkOrigins(about, sets); err != nil {
			return err
		}
		for i := range sets {
			s := &sets[i]
			if s.statistics != nil {
				continue
			}
			if s.features, err = f.values(ctx, cmd, classifier, predict.Pooled, s.files); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if s.statistics, err = fid.StatisticsOf(s.features); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.statistics.Made = about.Made
		}
	}
	if f.out != "" {
		return sets[0].statistics.Write(f.out)
	}
	return f.compare(cmd.OutOrStdout(), about, sets[0], sets[1])
}

// checkOrigins refuses files of statistics that do not compare with what is to be computed of
// the folders.
func checkOrigins(about origin, sets []set) error {
	for _, s := range sets {
		if s.statistics == nil {
			continue
		}
		var different *fid.DifferenceError
		if errors.As(s.statistics.Made.Compare(about.Made), &different) {
			var flags []string
			for _, name := range different.Names {
				switch name {
				case "network", "weights":
					flags = append(flags, "--weights with the file that it was made with")
				case "precision":
					flags = append(flags, "--precision "+different.A.Precision)
				case "mode":
					flags = append(flags, "--mode "+string(different.A.Mode))
				}
			}
			return fmt.Errorf("%s: %w; give %s, or make it again from its pictures, by --out", s.name, different, strings.Join(slices.Compact(flags), " and "))
		}
	}
	return nil
}

// A distance is what `fid --json` prints.
type distance struct {
	FID float64 `json:"fid"`
	*fid.Kernel
	Pictures [2]int `json:"pictures"` // 0 where a file does not say
	origin
	// Unknown lists, by file, what it does not say of its origin.
	Unknown map[string][]string `json:"unknown,omitempty"`
}

func (f *fidFlags) compare(out io.Writer, about origin, a, b set) error {
	d := distance{Pictures: [2]int{a.statistics.Pictures, b.statistics.Pictures}, origin: about, Unknown: map[string][]string{}}
	d.Made = about.Or(a.statistics.Made).Or(b.statistics.Made)
	for _, s := range []set{a, b} {
		if unknown := s.statistics.Made.Unknown(); unknown != nil {
			d.Unknown[s.name] = unknown
		}
	}
	var err error
	if d.FID, err = fid.Frechet(a.statistics, b.statistics); err != nil {
		var different *fid.DifferenceError
		if errors.As(err, &different) {
			err = fmt.Errorf("%w; make one of them again from its pictures as the other was, by --out", err)
		}
		return fmt.Errorf("%s and %s: %w", a.name, b.name, err)
	}
	if a.features != nil && b.features != nil {
		kernel, err := fid.KernelDistance(a.features, b.features, f.kernel)
		if err != nil {
			return err
		}
		d.Kernel = &kernel
	}
	if f.json {
		return printJSON(out, d)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "FID\t%.6g\n", d.FID)
	if k := d.Kernel; k != nil {
		spread := fmt.Sprintf(" ± %.2g, %d subsets of %d", k.Deviation, k.Subsets, k.Size)
		if k.Subsets == 1 {
			spread = fmt.Sprintf(", all %d of each", k.Size)
		}
		fmt.Fprintf(w, "KID\t%.6g%s\n", k.Distance, spread)
	}
	fmt.Fprintf(w, "pictures\t%s and %s\n", known(d.Pictures[0]), known(d.Pictures[1]))
	d.print(w)
	features := len(a.statistics.Mean)
	if fewest := min(cmp.Or(d.Pictures[0], features), cmp.Or(d.Pictures[1], features)); fewest < features {
		fmt.Fprintf(w, "\nOf fewer pictures than the %s features FID comes out too large: compare it with those of as many alone.\n", count(int64(features)))
	}
	for _, s := range []set{a, b} {
		if names, ok := d.Unknown[s.name]; ok {
			fmt.Fprintf(w, "\n%s does not say its %s: the distance holds only where both sides have the same.\n", printable.Line(s.name), listed(names))
		}
	}
	return w.Flush()
}

// listed joins names with commas, and "and" before the last.
func listed(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// known writes a number that is 0 where it is not known.
func known(pictures int) string {
	if pictures == 0 {
		return "unknown"
	}
	return count(int64(pictures))
}

// print writes what is known.
func (o origin) print(w io.Writer) {
	if o.Network != "" {
		fmt.Fprintf(w, "network\t%s\n", printable.Line(o.Network))
	}
	if o.Weights != "" {
		const digits = 12 // of the hash, for people
		file := ""
		if o.File != "" {
			file = printable.Line(o.File) + ", "
		}
		fmt.Fprintf(w, "weights\t%sSHA-256 %s\n", file, printable.Line(o.Weights[:min(len(o.Weights), digits)]))
	}
	if o.Precision != "" && o.Precision != string(arch.Float32) {
		fmt.Fprintf(w, "precision\t%s\n", printable.Line(o.Precision))
	}
	if o.Mode != "" {
		fmt.Fprintf(w, "mode\t%s\n", printable.Line(string(o.Mode)))
	}
	if o.Network != "" && o.Network != publishedNetwork {
		fmt.Fprintf(w, "\n%s\n", comparesWith)
	}
}

// scoreFlags are the flags of `score`.
type scoreFlags struct {
	comparedFlags
	splits int
}

func scoreCommand() *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score FOLDER",
		Short: "Measure how distinct and various the classes of pictures are: Inception Score",
		Long: `Print the Inception Score of a folder of pictures: the exponential of how far the classes
of each picture are from those of all, on average; the mean over --splits parts of the
pictures in a random order, and its standard deviation. --mode, transparency and EXIF are
as for inception fid, and so is which weights make numbers that compare with others.

` + publicWeightsText,
		Example: `  inception score generated/
  inception score generated/ --splits 1 --json`,
		Args: takes("FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.add(cmd)
	cmd.Flags().IntVar(&f.splits, "splits", 10, "`parts` of the pictures that the score is the mean over")
	return cmd
}

func (f *scoreFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if err := cmp.Or(f.check(), atLeast(1, "splits", f.splits)); err != nil {
		return err
	}
	files, incomplete, err := imageFiles(ctx, cmd.ErrOrStderr(), args)
	if err != nil {
		return err
	}
	if incomplete {
		return errReported
	}
	if f.splits > len(files) {
		return usageError{fmt.Errorf("--splits must be no more than the pictures, %d, found %d", len(files), f.splits)}
	}
	classifier, weights, closeClassifier, err := f.classifier.open(cmd, len(files))
	if err != nil {
		return err
	}
	defer closeClassifier()
	if !classifier.Network().Options().HasClasses() {
		return fmt.Errorf("%s has features and no classes; give weights with logits", weights)
	}
	logits, err := f.values(ctx, cmd, classifier, "Logits", files)
	if err != nil {
		return err
	}
	s, err := fid.InceptionScore(logits, f.splits, f.seed)
	if err != nil {
		return err
	}
	about, err := f.about(classifier, weights)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), struct {
			fid.Score
			origin
		}{s, about})
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Inception Score\t%.6g ± %.2g, %d splits of %d pictures\n", s.Mean, s.Deviation, s.Parts, s.Pictures)
	about.print(w)
	return w.Flush()
}
