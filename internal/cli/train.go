package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
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
	model        string
	width        float64
	epochs       float64
	batch        int
	learningRate float64
	weights      string
	head         headFlag
	freeze       []string
	seed         uint64
	labelOffset  int
	unreadable   float64
	precision    string
	batchNorm    string
	check        bool
	json         bool
	features     string
	penalty      float64
	replicas     replicaFlags
	backend      backendFlags
}

func trainCommand() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on labelled images",
		Long: `Train a network on labelled images:
` + dataset.Sources() + `.

A recipe says how: one that comes with the program (` + strings.Join(recipe.TrainingNames(), ", ") + `) or
a file of one's own. The other flags change single entries of it; what a run uses is
written to recipe.yaml in its folder, which can be given as a recipe again.

The folder of a run holds model.safetensors, the averaged weights for predict and
evaluate, best.safetensors, those with the best accuracy so far, metrics.csv, event
files for TensorBoard, the last checkpoints, and at the end curves.png. Ctrl-C finishes
the step and saves; --resume goes on from there, and computes what an uninterrupted run
would have.

With --replicas mpi, N processes that mpirun has started divide each batch among them,
and compute what one process with N micro_batches and as many threads as each does, bit
for bit. All need the images and the weights; the folder is that of the first. Another
number of them can resume. With --batch-norm synchronised batch norm is that of the
whole batch: the number of processes then changes nothing but rounding.`,
		Example: `  inception train --recipe cifar10-narrow --data cifar10.tar.gz
  inception train --recipe finetune-photos --weights inception_v4.safetensors --data photos/
  inception train --features photos.index.safetensors --run runs/photos
  inception train --resume --run runs/cifar10-narrow
  mpirun -n 4 inception train --replicas mpi --recipe cifar10-narrow --data cifar10.tar.gz`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.do(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.recipe, "recipe", "", "`name` or file of the recipe")
	addData(cmd, &f.data)
	addSplit(cmd, &f.split, "", "train on")
	flags.StringVar(&f.validation, "validation", "", "`split` to validate on, or the share of the images to hold out for it")
	flags.StringVar(&f.run, "run", "", "`folder` of the run (default runs/ and the recipe's name)")
	flags.BoolVar(&f.resume, "resume", false, "go on with the run in the folder")
	addModel(cmd, &f.model, "that of the recipe or its weights")
	flags.Float64Var(&f.width, "width", 0, "factor of the network's channels")
	flags.Float64Var(&f.epochs, "epochs", 0, "how often every image is seen")
	addBatch(cmd, &f.batch, 0, "images in a step")
	flags.Float64Var(&f.learningRate, "learning-rate", 0, "the first learning rate")
	flags.StringVar(&f.weights, "weights", "", weightsText("weights to start from, of any number of classes"))
	f.head.add(cmd)
	flags.StringSliceVar(&f.freeze, "freeze", nil, "`scopes` of parameters to leave as they are in the weights")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of all that is random")
	addLabelOffset(cmd, &f.labelOffset)
	addMaxUnreadable(cmd, &f.unreadable, "those to train and to validate on together", 0)
	addPrecision(cmd, &f.precision, inTraining(), "")
	flags.StringVar(&f.batchNorm, "batch-norm", "", "whose statistics batch norm uses with --replicas: "+recipe.BatchNormParts+", those of each process's own images, or "+recipe.BatchNormSynchronised+", those of all processes'")
	flags.BoolVar(&f.check, "check-gradients", false, "name the parameter whose gradient is not finite when training stops for that")
	addJSON(cmd, &f.json)
	flags.StringVar(&f.features, "features", "", "train on the features in this `file`, .safetensors, in place of images")
	flags.Float64Var(&f.penalty, "penalty", 0, "with --features: `factor` of half the squared weights in the mean loss (default 1/photographs, scikit-learn's C=1)")
	f.replicas.add(cmd)
	f.backend.add(cmd)
	for _, name := range []string{"split", "validation", "width", "epochs", "batch", "learning-rate", "freeze", "seed", "label-offset", maxUnreadable, "precision", "batch-norm"} {
		flags.Lookup(name).Usage += " (default that of the recipe)"
	}
	flags.Lookup("weights").Usage += " (default those of the recipe)"
	return cmd
}

func (f *trainFlags) do(cmd *cobra.Command) error {
	if f.features != "" {
		return f.trainOnFeatures(cmd)
	}
	if cmd.Flags().Changed("penalty") {
		return usageError{errors.New("--penalty is for --features; a recipe has weight_decay")}
	}
	if err := f.replicas.check(); err != nil {
		return err
	}
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
	if err := f.backend.check(); err != nil {
		return err
	}
	all, err := f.replicas.open()
	if err != nil {
		return err
	}
	return all.end(cmd.ErrOrStderr(), f.train(cmd, r, all))
}

// train trains, with other processes or alone.
func (f *trainFlags) train(cmd *cobra.Command, r recipe.Training, all *together) error {
	if f.backend.threads == 0 {
		var err error
		if f.backend.threads, err = all.threads(); err != nil {
			return err
		}
	}
	backend, err := f.backend.open()
	if err != nil {
		return err
	}
	defer backend.Finalize()
	bar := &trainBar{out: cmd.ErrOrStderr()}
	log := all.logger(slog.New(slog.NewTextHandler(bar, nil)))
	if err := all.introduce(log); err != nil {
		return err
	}
	collectOften()
	settle := sync.OnceFunc(collectForSteps)
	o := train.Options{
		Log: log,
		Progress: func(p train.Progress) {
			settle()
			if all.first() {
				bar.show(p)
			}
		},
		CheckGradients: f.check,
		Replicas:       all.group,
		Weights: func(ctx context.Context, name string) (string, *recipe.Checkpoint, error) {
			return weightsOfFlag(ctx, cmd.ErrOrStderr(), name)
		},
	}
	var result *train.Result
	if f.resume {
		result, err = train.Resume(cmd.Context(), backend, f.run, o)
	} else {
		result, err = train.Start(cmd.Context(), backend, f.run, r, o)
	}
	bar.end()
	if err != nil || !all.first() {
		return err
	}
	if result.Finished {
		if err := curves.WriteOwn(f.run); err != nil {
			return err
		}
	}
	if err := f.report(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	if len(result.LeftOut.Unreadable) > 0 { // of which the log has told
		return errReported
	}
	return nil
}

// changes are the flags that change entries of the recipe, and how.
func (f *trainFlags) changes() map[string]func(*recipe.Training) {
	return map[string]func(*recipe.Training){
		"data":          func(r *recipe.Training) { r.Data = f.data },
		"split":         func(r *recipe.Training) { r.Split = f.split },
		"validation":    func(r *recipe.Training) { r.Validation = recipe.ParseValidation(f.validation) },
		"model":         func(r *recipe.Training) { r.Network = f.model },
		"width":         func(r *recipe.Training) { r.Width = f.width },
		"epochs":        func(r *recipe.Training) { r.Epochs = f.epochs },
		"batch":         func(r *recipe.Training) { r.Batch = f.batch },
		"learning-rate": func(r *recipe.Training) { r.LearningRate.Initial = f.learningRate },
		"weights":       func(r *recipe.Training) { r.Weights = f.weights },
		"head":          func(r *recipe.Training) { r.Head = string(f.head) },
		"freeze":        func(r *recipe.Training) { r.Freeze = f.freeze },
		"batch-norm":    func(r *recipe.Training) { r.BatchNorm = f.batchNorm },
		"precision":     func(r *recipe.Training) { r.Precision = f.precision },
		"seed":          func(r *recipe.Training) { r.Seed = f.seed },
		"label-offset":  func(r *recipe.Training) { r.LabelOffset = f.labelOffset },
		maxUnreadable:   func(r *recipe.Training) { r.MaxUnreadable = &f.unreadable },
	}
}

// checkResume refuses what would change a run that is under way.
func (f *trainFlags) checkResume(cmd *cobra.Command) error {
	for _, name := range append(slices.Sorted(maps.Keys(f.changes())), "recipe") {
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
	r, name, err := recipe.OpenTraining(f.recipe)
	if err != nil {
		err = fmt.Errorf("--recipe: %w", err)
		if errors.Is(err, recipe.ErrUnknown) {
			err = usageError{err}
		}
		return r, err
	}
	if f.run == "" {
		f.run = filepath.Join("runs", name)
	}
	for flag, change := range f.changes() {
		if cmd.Flags().Changed(flag) {
			change(&r)
		}
	}
	if r.Data == "" {
		return r, usageError{fmt.Errorf("--data is missing: the path of the labelled images, %s", dataset.Sources())}
	}
	if err := r.Check(); err != nil {
		return r, usageError{err}
	}
	return r, nil
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
	LeftOut         evaluate.LeftOut  `json:"left_out"`
	// Of replicas, the shares of the time in which they added gradients, and in which they
	// did nothing else.
	Reducing        float64 `json:"reducing,omitempty"`
	ReducingExposed float64 `json:"reducing_exposed,omitempty"`
}

func (f *trainFlags) report(out io.Writer, r *train.Result) error {
	t := trained{Run: f.run, Finished: r.Finished, Step: r.Step, Last: r.Last, Best: r.Best, Seconds: r.Time.Seconds(), Unreadable: r.Unreadable, LeftOut: evaluate.LeftOutOf(r.LeftOut)}
	if r.Time > 0 {
		t.ImagesPerSecond, t.Waiting = float64(r.Images)/r.Time.Seconds(), r.Waiting.Seconds()/r.Time.Seconds()
		t.Reducing, t.ReducingExposed = r.Reduction.Time.Seconds()/r.Time.Seconds(), r.Reduction.Exposed.Seconds()/r.Time.Seconds()
	}
	if f.json {
		return printJSON(out, t)
	}
	what := "trained"
	if !t.Finished {
		what = "interrupted"
	}
	fmt.Fprintf(out, "%s: %s at step %d, %.1f images/s, waiting for images %.1f%% of the time\n", f.run, what, t.Step, t.ImagesPerSecond, 100*t.Waiting)
	if t.Reducing > 0 {
		fmt.Fprintf(out, "adding gradients %.1f%% of the time, %.1f%% while nothing else was computed\n", 100*t.Reducing, 100*t.ReducingExposed)
	}
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
