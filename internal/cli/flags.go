package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/hub"
)

// Flags that several verbs have are defined here, and in backend.go, alone, so that they
// have one name and one meaning.

func addJSON(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON")
}

// maxBatch is how many images there may be at a time, so that a slip is refused before it takes
// all memory.
const maxBatch = 4096

// addBatch says what there are a number of, such as "images in a step".
func addBatch(cmd *cobra.Command, to *int, otherwise int, what string) {
	cmd.Flags().IntVar(to, "batch", otherwise, what)
}

func addData(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "data", "", "labelled images: `path` of "+dataset.Sources())
}

// addSplit says what the split is for, such as "train on".
func addSplit(cmd *cobra.Command, to *string, otherwise, what string) {
	cmd.Flags().StringVar(to, "split", otherwise, "`name` of the split to "+what+", for data with splits")
}

// addLabelOffset is for data whose labels are numbers.
func addLabelOffset(cmd *cobra.Command, to *int) {
	cmd.Flags().IntVar(to, "label-offset", 0, "`number` of the first class in data whose labels are numbers: 1 where 0 is a background")
}

const maxUnreadable = "max-unreadable"

// addMaxUnreadable says of which images the share is.
func addMaxUnreadable(cmd *cobra.Command, to *float64, of string, otherwise float64) {
	cmd.Flags().Float64Var(to, maxUnreadable, otherwise, "largest `share` of the images, "+of+", that may be unreadable and are left out, from 0 to 1; more are an error")
}

func checkMaxUnreadable(share float64) error {
	if !(share >= 0 && share <= 1) {
		return usageError{fmt.Errorf("--max-unreadable must be from 0 to 1, found %g", share)}
	}
	return nil
}

func addLabels(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "labels", "", "`file` with the classes of weights without labels in index order: one a line, as NAME, or SYNSET, a tab, NAME; CSV or JSON")
}

// readLabels reads the file of --labels, if any.
func readLabels(path string) ([]recipe.Label, error) {
	if path == "" {
		return nil, nil
	}
	labels, err := recipe.ReadLabels(path)
	if err != nil {
		return nil, fmt.Errorf("--labels: %w", err)
	}
	return labels, nil
}

// addSize is for networks without weights, which have no size of their own.
func addSize(cmd *cobra.Command, to *int) {
	cmd.Flags().IntVar(to, "size", recipe.Inception().Size, "side of the images in pixels")
}

// addCrops says in a word what is done with the crops.
func addCrops(cmd *cobra.Command, to *int, otherwise int, what string) {
	cmd.Flags().IntVar(to, "crops", otherwise, what+": 1, 10, 12 or 144")
}

func parseCrops(n int) (vision.Crops, error) {
	crops, err := vision.ParseCrops(n)
	if err != nil {
		return 0, usageError{fmt.Errorf("--crops: %w", err)}
	}
	return crops, nil
}

// addModel says which network there is without the flag.
func addModel(cmd *cobra.Command, to *string, otherwise string) {
	cmd.Flags().StringVar(to, "model", "", "network: "+strings.Join(arch.Names(), ", ")+" (default "+otherwise+")")
}

func checkModel(name string) error {
	if name == "" {
		return nil
	}
	if _, err := arch.New(name, arch.Options{}); err != nil {
		return usageError{err}
	}
	return nil
}

// weightsText says what --weights takes, and is: findWeights finds it.
func weightsText(what string) string {
	return what + ": `file`, folder with a " + weights.FileInFolder + " or other weights, " + hubPrefix + "owner/name[@revision] of the Hub, or tag of public ones: " + strings.Join(tags(), ", ")
}

func tags() []string {
	var names []string
	for _, c := range recipe.Checkpoints() {
		names = append(names, c.Tag)
	}
	slices.Sort(names)
	return names
}

// defaultNetwork is the one whose public weights are meant where nothing is named.
const defaultNetwork = "inception_v4"

// findWeights returns the file of the weights of a name, downloaded where they are public,
// with their card.
func findWeights(ctx context.Context, stderr io.Writer, name string) (path string, card *recipe.Checkpoint, err error) {
	if repository, ok := strings.CutPrefix(name, hubPrefix); ok {
		path, err = fetchRepository(ctx, stderr, repository)
		return path, nil, err
	}
	path, card, err = weights.Find(name)
	if err == nil && card != nil {
		path, err = fetch(ctx, stderr, *card)
	}
	return path, card, err
}

// hubPrefix is what stands before the name of a repository of the Hugging Face Hub.
const hubPrefix = "hf:"

// fetchRepository returns the weights of any repository, owner/name or
// owner/name@revision.
func fetchRepository(ctx context.Context, stderr io.Writer, name string) (path string, err error) {
	name, revision, _ := strings.Cut(name, "@")
	owner, repository, ok := strings.Cut(name, "/")
	if !ok || owner == "" || repository == "" || strings.Contains(repository, "/") {
		return "", usageError{fmt.Errorf("a repository of the Hub is given as %sowner/name, or %sowner/name@revision, found %q", hubPrefix, hubPrefix, hubPrefix+name)}
	}
	bar := downloadBar{tag: name, out: stderr}
	path, err = hub.FetchRepository(ctx, name, hub.Options{Revision: revision, Progress: bar.show})
	bar.end()
	return path, err
}

// weightsOfFlag is findWeights for a name that --weights gives.
func weightsOfFlag(ctx context.Context, stderr io.Writer, name string) (path string, card *recipe.Checkpoint, err error) {
	if path, card, err = findWeights(ctx, stderr, name); err != nil {
		err = fmt.Errorf("--weights: %w", err)
	}
	return path, card, err
}

// fetch returns the file of public weights, downloaded where it is not there.
func fetch(ctx context.Context, stderr io.Writer, card recipe.Checkpoint) (path string, err error) {
	bar := downloadBar{tag: card.Tag, out: stderr}
	path, err = hub.Fetch(ctx, card, hub.Options{
		Progress: bar.show,
	})
	bar.end()
	return path, err
}

// preprocessingFlags change what photographs go through before the network.
type preprocessingFlags struct {
	flags         *pflag.FlagSet
	size          int
	crop          float64
	interpolation vision.Interpolation
	named         string // the interpolation
	alpha         vision.Alpha
	namedAlpha    string
	fit           string
	mean, std     string
	means, stds   []float32 // none, or one a channel
}

func (f *preprocessingFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.flags = flags
	flags.IntVar(&f.size, "size", 0, "side of the network's input in pixels (default that of the weights)")
	flags.Float64Var(&f.crop, "crop", 0, "share of the shorter side that the central crop keeps (default that of the weights)")
	flags.StringVar(&f.named, "interpolation", "", strings.Join(vision.Interpolations(), ", ")+" (default that of the weights)")
	flags.StringVar(&f.fit, "resize", "", "center, squash (both sides, whatever the proportions) or border (default that of the weights)")
	flags.StringVar(&f.mean, "mean", "", "`R,G,B`, or one number for all, taken from values in [0,1] (default that of the weights)")
	flags.StringVar(&f.std, "std", "", "`R,G,B`, or one number for all, that values are divided by then (default that of the weights)")
	flags.StringVar(&f.namedAlpha, "alpha", "", "transparent pictures: white puts them on white, drop takes the colours alone, as timm does (default that of the weights, or white)")
}

// check takes the interpolation from its name, and refuses what is out of range.
func (f *preprocessingFlags) check() error {
	given := func(flag string) bool { return f.flags != nil && f.flags.Changed(flag) } // some verbs have none
	if f.size < 1 && given("size") {
		return usageError{fmt.Errorf("--size must be a number of pixels, found %d", f.size)}
	}
	if !(f.crop > 0 && f.crop <= 1) && given("crop") {
		return usageError{fmt.Errorf("--crop must be in (0,1], found %g", f.crop)}
	}
	if err := f.interpolation.UnmarshalText([]byte(f.named)); err != nil {
		return usageError{fmt.Errorf("--interpolation: %w", err)}
	}
	if err := f.alpha.UnmarshalText([]byte(f.namedAlpha)); err != nil {
		return usageError{fmt.Errorf("--alpha: %w", err)}
	}
	if _, err := vision.ParseFit(f.fit); err != nil {
		return usageError{fmt.Errorf("--resize: %w", err)}
	}
	var err error
	if f.means, err = channels("mean", f.mean); err != nil {
		return err
	}
	f.stds, err = channels("std", f.std)
	return err
}

// channels reads one number for each of three channels, or one for all; nil of nothing.
func channels(flag, text string) ([]float32, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) == 1 {
		parts = []string{text, text, text}
	}
	wrong := usageError{fmt.Errorf("--%s must be three numbers R,G,B for values in [0,1], or one, found %q", flag, text)}
	if len(parts) != 3 {
		return nil, wrong
	}
	values := make([]float32, len(parts))
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || flag == "std" && v == 0 {
			return nil, wrong
		}
		values[i] = float32(v)
	}
	return values, nil
}

func (f *preprocessingFlags) apply(c *predict.Config) {
	c.Size, c.Crop, c.Interpolation, c.Alpha, c.Fit = f.size, f.crop, f.interpolation, f.alpha, vision.Fit(f.fit)
	if f.means != nil {
		c.Mean = (*[3]float32)(f.means)
	}
	if f.stds != nil {
		c.Std = (*[3]float32)(f.stds)
	}
}

// changed is a preprocessing with what the flags say.
func (f *preprocessingFlags) changed(p vision.Preprocessing) vision.Preprocessing {
	var c predict.Config
	f.apply(&c)
	p.Size, p.Crop = cmp.Or(c.Size, p.Size), cmp.Or(c.Crop, p.Crop)
	p.Interpolation, p.Alpha = cmp.Or(c.Interpolation, p.Interpolation, vision.Bicubic), cmp.Or(c.Alpha, p.Alpha)
	p.Fit = cmp.Or(c.Fit, p.Fit)
	if c.Mean != nil {
		p.Mean = *c.Mean
	}
	if c.Std != nil {
		p.Std = *c.Std
	}
	return p
}

// decodeFlags say how files of images are read.
type decodeFlags struct {
	orient         bool
	maxPixels      int
	maxBytes       int64
	allowTruncated bool
	exact          bool
}

func (f *decodeFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.orient, "orient", true, "turn photographs as their EXIF orientation says")
	cmd.Flags().IntVar(&f.maxPixels, "max-pixels", vision.DefaultMaxPixels, "refuse images with more pixels than this")
	cmd.Flags().Int64Var(&f.maxBytes, "max-bytes", vision.DefaultMaxBytes, "refuse images that take more bytes of memory than this, their file included")
	cmd.Flags().BoolVar(&f.allowTruncated, "allow-truncated", false, "take pictures of which a part is missing or damaged, with grey or black in its place")
}

// addExact adds the flag of verbs that decode no more of photographs than they resize them to.
func (f *decodeFlags) addExact(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.exact, "exact-decode", false, "decode large JPEGs at full size, not at 1/2, 1/4 or 1/8 where that leaves twice what they are resized to")
}

func (f *decodeFlags) check() error {
	return cmp.Or(atLeast(1, "max-pixels", f.maxPixels), atLeast(1, "max-bytes", int(f.maxBytes)))
}

func (f *decodeFlags) options() vision.DecodeOptions {
	return vision.DecodeOptions{
		IgnoreOrientation: !f.orient, MaxPixels: f.maxPixels, MaxBytes: f.maxBytes,
		AllowTruncated: f.allowTruncated, Exact: f.exact,
	}
}

// required refuses a command line without one of the flags.
func required(cmd *cobra.Command, flags ...string) error {
	missing := slices.DeleteFunc(flags, cmd.Flags().Changed)
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return usageError{fmt.Errorf("--%s is missing", missing[0])}
	}
	return usageError{fmt.Errorf("--%s are missing", strings.Join(missing, " and --"))}
}

// exclusive refuses more than one of the flags.
func exclusive(cmd *cobra.Command, flags ...string) error {
	given := slices.DeleteFunc(flags, func(flag string) bool { return !cmd.Flags().Changed(flag) })
	if len(given) > 1 {
		return usageError{fmt.Errorf("--%s exclude each other", strings.Join(given, " and --"))}
	}
	return nil
}

// within refuses a flag's value outside of a range.
func within(least, most int, flag string, found int) error {
	if found < least || found > most {
		return usageError{fmt.Errorf("--%s must be from %d to %d, found %d", flag, least, most, found)}
	}
	return nil
}

// atLeast refuses a flag's value below the least one.
func atLeast(least int, flag string, found int) error {
	if found < least {
		return usageError{fmt.Errorf("--%s must be at least %d, found %d", flag, least, found)}
	}
	return nil
}
