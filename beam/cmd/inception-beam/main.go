// Inception-beam classifies photographs in a pipeline of Apache Beam.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/s3" // gs:// comes with beamx
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/beam/classify"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

const usage = `Classify photographs in a pipeline of Apache Beam.

  inception-beam --weights WEIGHTS --out FILE [--runner RUNNER ...] PATTERN ...

A PATTERN is a file, a folder, or a pattern such as 'photos/*.jpg' or 'gs://bucket/photos/**';
in quotes, so that the workers look for what it matches. A photograph's line in FILE is what
"inception predict --json" tells of it. WEIGHTS are a file that every worker has, a tag of public
weights, or an object of gs:// or s3://. Without --runner the pipeline runs in this process, on
Beam's prism; universal, with --endpoint, is for Flink, Spark and others, dataflow for Google's.

`

// Exit codes, as inception's.
const (
	failed = 1
	wrong  = 2
)

// exitCode is one that has been said.
type exitCode int

func (exitCode) Error() string { return "" }

// flags are what the pipeline is made of.
type flags struct {
	options classify.Options
	labels  string
	out     string
	files   int
	orient  bool
}

func main() {
	var f flags
	f.add(flag.CommandLine)
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	beam.Init() // a worker goes on from here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := f.run(ctx, flag.Args())
	var code exitCode
	switch {
	case err == nil:
		return
	case !errors.As(err, &code):
		code = failed
		fmt.Fprintln(os.Stderr, "inception-beam:", err)
	}
	stop()
	os.Exit(int(code))
}

func (f *flags) add(set *flag.FlagSet) {
	c := &f.options.Classifier
	set.StringVar(&c.Weights, "weights", "", "`file` of weights that every worker has, tag of public ones, or object of gs:// or s3://")
	set.StringVar(&c.Network, "model", "", "network: "+strings.Join(arch.Names(), ", ")+" (default that of the weights)")
	set.StringVar(&f.labels, "class-labels", "", "`file` with the classes of weights without labels, on this machine; --labels is the runner's")
	set.IntVar(&c.Batch, "batch", 1, "images that run through the network at a time")
	set.Func("precision", fmt.Sprintf("how exactly the network computes: one of %v (default that of the weights)", predict.Precisions()), func(text string) error {
		c.Precision = arch.Precision(text)
		for _, p := range predict.Precisions() {
			if p == c.Precision {
				return nil
			}
		}
		return fmt.Errorf("expected one of %v", predict.Precisions())
	})
	set.IntVar(&c.Size, "size", 0, "side of the network's input in pixels (default that of the weights)")
	set.Float64Var(&c.Crop, "crop", 0, "share of the shorter side that the central crop keeps (default that of the weights)")
	set.TextVar(&c.Interpolation, "interpolation", c.Interpolation, strings.Join(vision.Interpolations(), ", ")+" (default that of the weights)")
	set.TextVar(&c.Alpha, "alpha", c.Alpha, "transparent pictures: white or drop (default that of the weights)")
	set.StringVar((*string)(&c.Fit), "resize", "", "center, squash or border (default that of the weights)")
	set.BoolVar(&f.orient, "orient", true, "turn photographs as their EXIF orientation says")
	set.IntVar(&f.options.Decode.MaxPixels, "max-pixels", vision.DefaultMaxPixels, "refuse images with more pixels than this")
	set.Int64Var(&f.options.Decode.MaxBytes, "max-bytes", vision.DefaultMaxBytes, "refuse images that take more bytes of memory than this, their file included")
	set.BoolVar(&f.options.Decode.AllowTruncated, "allow-truncated", false, "take pictures of which a part is missing or damaged, with grey or black in its place")
	set.BoolVar(&f.options.Decode.Exact, "exact-decode", false, "decode large JPEGs at full size")
	set.StringVar(&f.options.Engine, "engine", "", "`options` of the engine, such as winograd=off")
	set.IntVar(&f.options.Top, "top", 5, "classes to print for an image")
	set.StringVar(&f.out, "out", "", "write the predictions to this `file`, of gs:// or s3:// too")
	set.IntVar(&f.files, "files", 1, "divide the predictions among this many files: of 7, NAME.jsonl becomes NAME-00000-of-00007.jsonl")
}

// check completes the options, and refuses wrong ones.
func (f *flags) check(patterns []string) (err error) {
	switch {
	case f.options.Classifier.Weights == "":
		return errors.New("--weights is missing")
	case f.out == "":
		return errors.New("--out is missing")
	case len(patterns) == 0:
		return errors.New("expected patterns of photographs, found none")
	case f.files < 1:
		return fmt.Errorf("--files must be at least 1, found %d", f.files)
	case f.options.Decode.MaxPixels < 1 || f.options.Decode.MaxBytes < 1:
		return errors.New("--max-pixels and --max-bytes must be at least 1")
	case !(f.options.Classifier.Crop >= 0 && f.options.Classifier.Crop <= 1):
		return fmt.Errorf("--crop must be in (0,1], found %g", f.options.Classifier.Crop)
	}
	if _, err := vision.ParseFit(string(f.options.Classifier.Fit)); err != nil {
		return fmt.Errorf("--resize: %w", err)
	}
	for _, p := range patterns {
		if strings.HasPrefix(p, "--") {
			return fmt.Errorf("found the flag %s behind the first pattern, expected all flags before it", p)
		}
	}
	f.options.Decode.IgnoreOrientation = !f.orient
	if f.labels != "" {
		if f.options.Classifier.Labels, err = recipe.ReadLabels(f.labels); err != nil {
			return fmt.Errorf("--class-labels: %w", err)
		}
	}
	return f.options.Check()
}

func (f *flags) run(ctx context.Context, patterns []string) error {
	if err := f.check(patterns); err != nil {
		fmt.Fprintln(os.Stderr, "inception-beam:", err)
		return exitCode(wrong)
	}
	p, s := beam.NewPipelineWithRoot()
	lines, err := classify.Photographs(s, f.options, classify.List(s, patterns...))
	if err == nil {
		err = classify.Write(s, f.out, f.files, lines)
	}
	if err != nil {
		return err
	}
	result, err := beamx.RunWithMetrics(ctx, p)
	if err != nil {
		return err
	}
	return f.report(result)
}

// report says what the runner counts, unless that is nothing: not all runners count, or wait
// for the end.
func (f *flags) report(result beam.PipelineResult) error {
	counts := map[string]int64{}
	if result != nil {
		for _, c := range result.Metrics().Query(func(beam.MetricResult) bool { return true }).Counters() {
			if c.Namespace() == classify.Metrics {
				counts[c.Name()] = c.Result()
			}
		}
	}
	failures := counts[classify.Failed]
	if all := counts[classify.Classified] + failures; all > 0 {
		fmt.Fprintf(os.Stderr, "inception-beam: %d photographs, networks loaded %d times\n", all, counts[classify.Loaded])
	}
	if failures > 0 {
		fmt.Fprintf(os.Stderr, "inception-beam: %d images failed\n", failures)
		return exitCode(failed)
	}
	return nil
}
