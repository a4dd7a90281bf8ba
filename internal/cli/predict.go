package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/hub"
)

// predictFlags are the flags of `predict`.
type predictFlags struct {
	model         string
	weights       string
	top           int
	size          int
	crop          float64
	interpolation string
	orient        bool
	maxPixels     int
	batch         int
	labels        string
	json          bool
	backend       backendFlags
}

func predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "predict IMAGE|FOLDER|- ...",
		Short: "Classify photographs",
		Long: `Classify photographs: JPEG, PNG, GIF, WebP or BMP files, all those in a folder and
its sub-folders, or one from standard input (-).

Without --weights the network's public weights are taken from the cache of the
Hugging Face Hub (HF_HUB_CACHE, or ~/.cache/huggingface/hub), and downloaded there
when absent. HF_HUB_OFFLINE=1 forbids the download.

For fewer than 8 images the backend is cpu:winograd=off, whose weights take less
memory. For more, a faster algorithm is on, whose logits differ in the sixth digit.`,
		Example: `  inception predict cat.jpg
  inception predict --model inception_resnet_v2 --top 3 photos/
  inception predict --weights finetuned.safetensors --json photos/ > predictions.json`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.model, "model", "", "network: "+strings.Join(arch.Names(), ", ")+" (default that of the weights, or inception_v4)")
	flags.StringVar(&f.weights, "weights", "", "safetensors `file`, or the tag of public weights: "+strings.Join(tags(), ", "))
	flags.IntVar(&f.top, "top", 5, "classes to print for an image")
	flags.IntVar(&f.size, "size", 0, "side of the network's input in pixels (default that of the weights)")
	flags.Float64Var(&f.crop, "crop", 0, "share of the shorter side that the central crop keeps (default that of the weights)")
	flags.StringVar(&f.interpolation, "interpolation", "", "bicubic or bilinear (default that of the weights)")
	flags.BoolVar(&f.orient, "orient", true, "turn photographs as their EXIF orientation says")
	flags.IntVar(&f.maxPixels, "max-pixels", 0, "refuse images with more pixels than this (default 178956970)")
	flags.IntVar(&f.batch, "batch", 1, "images that run through the network at a time")
	flags.StringVar(&f.labels, "labels", "", "`file` with one class a line, in index order: NAME, or SYNSET, a tab, NAME")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	f.backend.add(cmd)
	return cmd
}

// manyImages is from how many images on it pays to transform the weights for
// Winograd's algorithm, which makes them larger.
const manyImages = 8

func (f *predictFlags) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	for _, wrong := range []struct {
		is      bool
		message string
	}{
		{f.top < 1, fmt.Sprintf("--top must be at least 1, found %d", f.top)},
		{f.batch < 1, fmt.Sprintf("--batch must be at least 1, found %d", f.batch)},
		{f.size < 0, fmt.Sprintf("--size must be a number of pixels, found %d", f.size)},
		{f.crop < 0 || f.crop > 1, fmt.Sprintf("--crop must be in (0,1], found %g", f.crop)},
		{f.maxPixels < 0, fmt.Sprintf("--max-pixels must be at least 1, found %d", f.maxPixels)},
	} {
		if wrong.is {
			return usageError{errors.New(wrong.message)}
		}
	}
	if f.model != "" {
		if _, err := arch.New(f.model, arch.Options{}); err != nil {
			return usageError{err}
		}
	}
	var interpolation vision.Interpolation
	if err := interpolation.UnmarshalText([]byte(f.interpolation)); err != nil {
		return usageError{fmt.Errorf("--interpolation: %w", err)}
	}
	files, err := imageFiles(args)
	if err != nil {
		return err
	}
	config := predict.Config{
		Network: f.model, Size: f.size, Crop: f.crop, Interpolation: interpolation, Batch: min(f.batch, len(files)),
	}
	if f.labels != "" {
		if config.Labels, err = readLabels(f.labels); err != nil {
			return err
		}
	}
	if config.Weights, config.Card, err = f.findWeights(ctx, cmd.ErrOrStderr()); err != nil {
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

	var out reporter = &tableReporter{out: cmd.OutOrStdout()}
	if f.json {
		out = &jsonReporter{out: cmd.OutOrStdout()}
	}
	failed, err := f.classify(ctx, classifier, files, cmd.InOrStdin(), out)
	if err := errors.Join(err, out.close()); err != nil {
		return err
	}
	if failed > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "inception: %d of %d images failed\n", failed, len(files))
		return errReported
	}
	return nil
}

// findWeights returns the file of weights that the flags ask for, with its card
// where it is a public one.
func (f *predictFlags) findWeights(ctx context.Context, stderr io.Writer) (string, *recipe.Checkpoint, error) {
	var card recipe.Checkpoint
	switch info, err := os.Stat(f.weights); {
	case f.weights == "":
		network := f.model
		if network == "" {
			network = "inception_v4"
		}
		known, ok := recipe.DefaultCheckpoint(network)
		if !ok {
			return "", nil, usageError{fmt.Errorf("%s has no public weights; give a file with --weights", network)}
		}
		card = known
	case err == nil && !info.IsDir():
		return f.weights, nil, nil
	case err == nil:
		return "", nil, fmt.Errorf("--weights: %s is a folder, expected a safetensors file", f.weights)
	default:
		known, tagErr := recipe.FindCheckpoint(f.weights)
		if tagErr != nil {
			return "", nil, fmt.Errorf("--weights: there is no file %s, and %w", f.weights, tagErr)
		}
		card = known
	}
	bar := downloadBar{tag: card.Tag, out: stderr}
	path, err := hub.Fetch(ctx, card, hub.Options{
		Offline:  os.Getenv("HF_HUB_OFFLINE") == "1",
		Progress: bar.show,
	})
	bar.end()
	return path, &card, err
}

// downloadBar shows the progress of a download once there is any.
type downloadBar struct {
	tag string
	out io.Writer
	bar *progressbar.ProgressBar
}

func (b *downloadBar) show(done, total int64) {
	if total == 0 {
		total = -1 // shown as a count of bytes alone
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetDescription(b.tag),
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish())
	}
	_ = b.bar.Set64(done)
}

func (b *downloadBar) end() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}

// classify predicts the files in their order, and returns how many failed. The
// next images are decoded while the network runs.
func (f *predictFlags) classify(ctx context.Context, classifier *predict.Classifier, files []string, stdin io.Reader, out reporter) (failed int, err error) {
	batches := make(chan []photo, 1)
	go func() {
		defer close(batches)
		for start := 0; start < len(files) && ctx.Err() == nil; start += f.batch {
			part := make([]photo, min(f.batch, len(files)-start))
			var wait sync.WaitGroup
			for i := range part {
				wait.Go(func() { part[i] = f.open(files[start+i], stdin) })
			}
			wait.Wait()
			select {
			case batches <- part:
			case <-ctx.Done():
			}
		}
	}()
	for part := range batches {
		var images []*vision.Image
		for _, p := range part {
			if p.err == nil {
				images = append(images, p.image)
			}
		}
		results, err := classifier.Predict(ctx, images...)
		if err != nil {
			return failed, err
		}
		for _, p := range part {
			if p.err != nil {
				failed++
			} else {
				p.predictions = results[0].Top(f.top)
				results = results[1:]
			}
			if err := out.report(p); err != nil {
				return failed, err
			}
		}
	}
	return failed, ctx.Err()
}

// A photo is one file on its way through the command.
type photo struct {
	file        string
	image       *vision.Image
	predictions []predict.Prediction
	err         error
}

func (f *predictFlags) open(file string, stdin io.Reader) photo {
	o := vision.DecodeOptions{IgnoreOrientation: !f.orient, MaxPixels: f.maxPixels}
	p := photo{file: file}
	if file != "-" {
		p.image, p.err = vision.Open(file, o)
		return p
	}
	data, err := io.ReadAll(stdin)
	if err == nil {
		p.image, err = vision.Decode(data, o)
	}
	if err != nil {
		p.err = fmt.Errorf("standard input: %w", err)
	}
	return p
}

// imageFiles lists the files that the arguments name: a folder stands for the
// images in it and below it, in the order of their names.
func imageFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || err != nil || !info.IsDir() {
			files = append(files, arg) // what cannot be read is reported in its turn
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && isImageName(path) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the images in %s: %w", arg, err)
		}
		if len(files) == before {
			return nil, fmt.Errorf("the folder %s has no images: expected files that end in .jpg, .jpeg, .png, .gif, .webp or .bmp", arg)
		}
	}
	return files, nil
}

func isImageName(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp":
		return true
	}
	return false
}

// readLabels reads one class a line: a name, or a synset, a tab and a name.
func readLabels(path string) ([]recipe.Label, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--labels: %w", err)
	}
	var labels []recipe.Label
	for i, line := range strings.Split(strings.TrimRight(string(data), "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		synset, name, ok := strings.Cut(line, "\t")
		if !ok {
			synset, name = "", line
		}
		if strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("--labels: %s, line %d: expected a class, found an empty line", path, i+1)
		}
		labels = append(labels, recipe.Label{Synset: synset, Name: name})
	}
	return labels, nil
}

// A reporter prints photos as they are classified.
type reporter interface {
	report(photo) error
	close() error
}

type tableReporter struct {
	out     io.Writer
	started bool
}

func (r *tableReporter) report(p photo) error {
	if r.started {
		fmt.Fprintln(r.out)
	}
	r.started = true
	if p.err != nil {
		_, err := fmt.Fprintf(r.out, "%s\n  error: %v\n", p.file, p.err)
		return err
	}
	fmt.Fprintf(r.out, "%s  %d x %d\n", p.file, p.image.Width, p.image.Height)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, c := range p.predictions {
		fmt.Fprintf(w, "%.2f%%\t%.3f\t  %s %s\n", 100*c.Probability, c.Logit, c.Label, c.Synset)
	}
	return w.Flush()
}

func (r *tableReporter) close() error { return nil }

// jsonReporter prints one array, element by element.
type jsonReporter struct {
	out     io.Writer
	started bool
}

func (r *jsonReporter) report(p photo) error {
	var record any
	if p.err != nil {
		record = struct {
			File  string `json:"file"`
			Error string `json:"error"`
		}{p.file, p.err.Error()}
	} else {
		record = struct {
			File        string               `json:"file"`
			Width       int                  `json:"width"`
			Height      int                  `json:"height"`
			Predictions []predict.Prediction `json:"predictions"`
		}{p.file, p.image.Width, p.image.Height, p.predictions}
	}
	data, err := json.MarshalIndent(record, "  ", "  ")
	if err != nil {
		return err
	}
	separator := "[\n  "
	if r.started {
		separator = ",\n  "
	}
	r.started = true
	_, err = fmt.Fprintf(r.out, "%s%s", separator, data)
	return err
}

func (r *jsonReporter) close() error {
	end := "\n]\n"
	if !r.started {
		end = "[]\n"
	}
	_, err := io.WriteString(r.out, end)
	return err
}
