package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
	"github.com/seed-fb2c0fa6/inception/train/curves"
)

// trainFlags are the flags of `train`.
type trainFlags struct {
	recipe       string
	data         string
	split        string
	validation   string
	run          string
	resume       bool
	network      string
	width        float64
	epochs       float64
	batch        int
	learningRate float64
	weights      string
	freeze       []string
	seed         uint64
	check        bool
	json         bool
	backend      backendFlags
}

func trainCommand() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on labelled images",
		Long: `Train a network on labelled images: a folder of class folders, the same in a .tar,
.tar.gz or .tar.zst, or TFRecord shards.

A recipe says how: one that comes with the program (` + strings.Join(recipe.TrainingNames(), ", ") + `) or
a file of one's own. The other flags change single entries of it; what a run uses is
written to recipe.yaml in its folder, which can be given as a recipe again.

The folder of a run holds model.safetensors, the averaged weights for predict and
evaluate, best.safetensors, those with the best accuracy so far, metrics.csv, event
files for TensorBoard, the last checkpoints, and at the end curves.png. Ctrl-C finishes
the step and saves; --resume goes on from there, and computes what an uninterrupted run
would have.`,
		Example: `  inception train --recipe cifar10-narrow --data cifar10.tar.gz
  inception train --recipe finetune-photos --weights inception_v4.safetensors --data photos/
  inception train --resume --run runs/cifar10-narrow`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.do(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.recipe, "recipe", "", "`name` or file of the recipe")
	flags.StringVar(&f.data, "data", "", "folder, archive or shards of the images")
	flags.StringVar(&f.split, "split", "", "`name` of the split to train on, for data with splits")
	flags.StringVar(&f.validation, "validation", "", "`split` to validate on, or the share of the images to hold out for it")
	flags.StringVar(&f.run, "run", "", "`folder` of the run (default runs/ and the recipe's name)")
	flags.BoolVar(&f.resume, "resume", false, "go on with the run in the folder")
	flags.StringVar(&f.network, "network", "", "network: "+strings.Join(arch.Names(), ", "))
	flags.Float64Var(&f.width, "width", 0, "factor of the network's channels")
	flags.Float64Var(&f.epochs, "epochs", 0, "how often every image is seen")
	flags.IntVar(&f.batch, "batch", 0, "images in a step")
	flags.Float64Var(&f.learningRate, "learning-rate", 0, "the first learning rate")
	flags.StringVar(&f.weights, "weights", "", "safetensors `file` to start from, of any number of classes")
	flags.StringSliceVar(&f.freeze, "freeze", nil, "`scopes` of parameters to leave as they are in the weights")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of all that is random")
	flags.BoolVar(&f.check, "check-gradients", false, "name the parameter whose gradient is not finite when training stops for that")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	f.backend.add(cmd)
	return cmd
}

func (f *trainFlags) do(cmd *cobra.Command) error {
	var r recipe.Training
	if f.resume {
		if err := f.checkResume(cmd); err != nil {
			return usageError{err}
		}
	} else {
		var err error
		if r, err = f.compose(cmd); err != nil {
			return err
		}
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	bar := &trainBar{out: cmd.ErrOrStderr()}
	collectOften()
	settle := sync.OnceFunc(collectForSteps)
	o := train.Options{
		Log:            slog.New(slog.NewTextHandler(bar, nil)),
		Progress:       func(p train.Progress) { settle(); bar.show(p) },
		CheckGradients: f.check,
	}
	var result *train.Result
	if f.resume {
		result, err = train.Resume(cmd.Context(), backend, f.run, o)
	} else {
		result, err = train.Start(cmd.Context(), backend, f.run, r, o)
	}
	bar.end()
	if err != nil {
		return err
	}
	if result.Finished {
		if err := curves.WriteOwn(f.run); err != nil {
			return err
		}
	}
	return f.report(cmd.OutOrStdout(), result)
}

// checkResume refuses what would change a run that is under way.
func (f *trainFlags) checkResume(cmd *cobra.Command) error {
	for _, name := range []string{"recipe", "data", "split", "validation", "network", "width", "epochs", "batch", "learning-rate", "weights", "freeze", "seed"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be given with --resume: the run's own recipe.yaml says it", name)
		}
	}
	if f.run == "" {
		return errors.New("--resume needs --run, the folder of the run")
	}
	return nil
}

// compose makes the recipe of the flags, and settles the folder.
func (f *trainFlags) compose(cmd *cobra.Command) (recipe.Training, error) {
	if f.recipe == "" {
		return recipe.Training{}, usageError{fmt.Errorf("--recipe is missing: a file, or one of %s", strings.Join(recipe.TrainingNames(), ", "))}
	}
	r, name, err := findRecipe(f.recipe)
	if err != nil {
		return r, err
	}
	if f.run == "" {
		f.run = filepath.Join("runs", name)
	}
	for flag, set := range map[string]func(){
		"data":          func() { r.Data = f.data },
		"split":         func() { r.Split = f.split },
		"validation":    func() { r.Validation = validation(f.validation) },
		"network":       func() { r.Network = f.network },
		"width":         func() { r.Width = f.width },
		"epochs":        func() { r.Epochs = f.epochs },
		"batch":         func() { r.Batch = f.batch },
		"learning-rate": func() { r.LearningRate.Initial = f.learningRate },
		"weights":       func() { r.Weights = f.weights },
		"freeze":        func() { r.Freeze = f.freeze },
		"seed":          func() { r.Seed = f.seed },
	} {
		if cmd.Flags().Changed(flag) {
			set()
		}
	}
	if r.Data == "" {
		return r, usageError{errors.New("--data is missing: the folder, archive or shards of the images")}
	}
	if err := r.Check(); err != nil {
		return r, usageError{err}
	}
	return r, nil
}

// validation takes a number for a share, and all else for the name of a split.
func validation(text string) recipe.Validation {
	if share, err := strconv.ParseFloat(text, 64); err == nil {
		return recipe.Validation{Share: share}
	}
	return recipe.Validation{Split: text}
}

// findRecipe takes a file where there is one of that name, and its own name otherwise.
func findRecipe(name string) (recipe.Training, string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		r, err := recipe.FindTraining(name)
		if err != nil {
			err = usageError{fmt.Errorf("--recipe: there is no file %s, and %w", name, err)}
		}
		return r, name, err
	}
	if err != nil {
		return recipe.Training{}, "", fmt.Errorf("--recipe: %w", err)
	}
	r, err := recipe.ParseTraining(text)
	if err != nil {
		err = fmt.Errorf("--recipe: %s: %w", name, err)
	}
	return r, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), err
}

// trained is what `train --json` prints.
type trained struct {
	Run             string            `json:"run"`
	Finished        bool              `json:"finished"`
	Step            int               `json:"step"`
	Last            *train.Validation `json:"last,omitempty"`
	Best            *train.Validation `json:"best,omitempty"`
	Seconds         float64           `json:"seconds"`
	ImagesPerSecond float64           `json:"images_per_second"`
	Waiting         float64           `json:"waiting"`
	Unreadable      int               `json:"unreadable"`
}

func (f *trainFlags) report(out io.Writer, r *train.Result) error {
	t := trained{Run: f.run, Finished: r.Finished, Step: r.Step, Last: r.Last, Best: r.Best, Seconds: r.Time.Seconds(), Unreadable: r.Unreadable}
	if r.Time > 0 {
		t.ImagesPerSecond, t.Waiting = float64(r.Images)/r.Time.Seconds(), r.Waiting.Seconds()/r.Time.Seconds()
	}
	if f.json {
		return printJSON(out, t)
	}
	what := "trained"
	if !t.Finished {
		what = "interrupted"
	}
	fmt.Fprintf(out, "%s: %s at step %d, %.1f images/s, waiting for images %.1f%% of the time\n", f.run, what, t.Step, t.ImagesPerSecond, 100*t.Waiting)
	if t.Unreadable > 0 {
		fmt.Fprintf(out, "%d images could not be read\n", t.Unreadable)
	}
	for _, v := range []struct {
		name string
		*train.Validation
	}{{"last", t.Last}, {"best", t.Best}} {
		if v.Validation != nil {
			fmt.Fprintf(out, "%s validation, after step %d: top-1 %.2f%%, top-5 %.2f%% of %d images\n", v.name, v.Step, 100*v.Top1, 100*v.Top5, v.Images)
		}
	}
	if !t.Finished {
		fmt.Fprintf(out, "go on with: inception train --resume --run %s\n", f.run)
	}
	return nil
}

// trainBar shows a run's progress: as a bar on a terminal, as a line now and then
// elsewhere. What is written to it appears above the bar.
type trainBar struct {
	out  io.Writer
	bar  *progressbar.ProgressBar
	last time.Time
}

func (b *trainBar) show(p train.Progress) {
	text := fmt.Sprintf("epoch %.2f  loss %.3f  top-1 %.1f%%  %.1f images/s", p.Epoch, p.Loss, 100*p.Top1, p.ImagesPerSecond)
	if !isTerminal(b.out) {
		const pause = 30 * time.Second
		if now := time.Now(); now.Sub(b.last) >= pause || p.Step == p.Steps {
			b.last = now
			fmt.Fprintf(b.out, "step %d of %d  %s\n", p.Step, p.Steps, text)
		}
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(p.Steps,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish())
		_ = b.bar.Set(p.Step - 1) // where a run that resumed began
	}
	b.bar.Describe(text)
	_ = b.bar.Set(p.Step)
}

func (b *trainBar) Write(line []byte) (int, error) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	return b.out.Write(line)
}

func (b *trainBar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
