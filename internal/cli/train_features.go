package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/probe"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// probed is what `train --features --json` prints.
type probed struct {
	Run         string  `json:"run"`
	Classes     int     `json:"classes"`
	Photographs int     `json:"photographs"`
	Penalty     float64 `json:"penalty"`
	Loss        float64 `json:"loss"`
	Iterations  int     `json:"iterations"`
	Converged   bool    `json:"converged"`
	Seconds     float64 `json:"seconds"`
	// Training and Validation are errors on the photographs trained on, and on those held out.
	Training   probe.Outcome `json:"training"`
	Validation probe.Outcome `json:"validation"`
}

// trainOnFeatures trains a linear classifier on stored features.
func (f *trainFlags) trainOnFeatures(cmd *cobra.Command) error {
	ofImages := slices.Sorted(maps.Keys(f.changes()))
	ofImages = slices.DeleteFunc(ofImages, func(flag string) bool {
		return slices.Contains([]string{"split", "validation", "weights", "head", "model", "seed"}, flag)
	})
	for _, flag := range append(ofImages, "recipe", "resume", "replicas", "check-gradients") {
		if cmd.Flags().Changed(flag) {
			return usageError{fmt.Errorf("--%s is for training on images, found it beside --features; leave one out", flag)}
		}
	}
	if f.penalty < 0 {
		return usageError{fmt.Errorf("--penalty must be at least 0, found %g", f.penalty)}
	}
	validation := recipe.Validation{Share: 0.2}
	if f.validation != "" {
		validation = recipe.ParseValidation(f.validation)
	}
	if validation.Split == "" && !(validation.Share > 0 && validation.Share < 1) {
		return usageError{fmt.Errorf("--validation must be a split, or a share between 0 and 1, found %s", f.validation)}
	}
	table, err := features.Read(f.features)
	if err != nil {
		return err
	}
	if f.run == "" {
		f.run = filepath.Join("runs", strings.TrimSuffix(weights.TrimEnding(filepath.Base(f.features)), ".index"))
	}
	model := rundir.Dir(f.run).Model()
	if _, err := os.Stat(model); err == nil {
		return fmt.Errorf("%s is there already; name another folder with --run, or remove it", model)
	}
	set, labels, err := labelled(table.Files, dataset.Options{Split: f.split})
	if err != nil {
		return fmt.Errorf("%s: %w", f.features, err)
	}
	classes := set.Classes()
	var trained, held []int
	if validation.Split == "" {
		trained, held = divide(labels, validation.Share, f.seed)
	} else {
		_, theirs, err := labelled(table.Files, dataset.Options{Split: validation.Split, Classes: classes})
		if err != nil {
			return fmt.Errorf("%s: --validation: %w", f.features, err)
		}
		for row := range labels {
			switch {
			case labels[row] >= 0 && theirs[row] >= 0:
				return usageError{fmt.Errorf("--validation %s: %s is in it, and among those to train on; name the split to train on with --split", validation.Split, table.Files[row])}
			case labels[row] >= 0:
				trained = append(trained, row)
			case theirs[row] >= 0:
				labels[row] = theirs[row]
				held = append(held, row)
			}
		}
	}
	checkpoint, hint, err := f.ofFeatures(cmd, table.About)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	begun := time.Now()
	head, err := probe.Fit(cmd.Context(), table.Values, table.Size(), labels, trained, len(classes), probe.Options{Penalty: f.penalty})
	if err != nil {
		return err
	}
	p := probed{
		Run: f.run, Classes: len(classes), Photographs: len(trained), Penalty: head.Penalty, Loss: head.Loss, Iterations: head.Iterations, Converged: head.Converged,
		Seconds:  time.Since(begun).Seconds(),
		Training: head.Evaluate(table.Values, labels, trained), Validation: head.Evaluate(table.Values, labels, held),
	}
	if err := os.MkdirAll(f.run, 0o777); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	if err := probe.Write(cmd.Context(), model, checkpoint, hint, head, table.About, classes); err != nil {
		return err
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), p)
	}
	return p.print(cmd.OutOrStdout())
}

// labelled returns the labels of files by the folders that they are in, -1 of those that are not
// of the set.
func labelled(files []string, o dataset.Options) (*dataset.Set, []int, error) {
	set, err := dataset.Named(files, o)
	if err != nil {
		return nil, nil, err
	}
	byName := map[string]int{}
	for i := range set.Len() {
		byName[set.Name(i)] = set.Label(i)
	}
	labels := make([]int, len(files))
	for row, name := range files {
		label, ok := byName[dataset.CleanName(name)]
		if !ok {
			label = -1
		}
		labels[row] = label
	}
	return set, labels, nil
}

// divide holds out a share of the rows that have labels.
func divide(labels []int, share float64, seed uint64) (train, held []int) {
	train, held = probe.Divide(labels, share, seed)
	none := func(row int) bool { return labels[row] < 0 }
	return slices.DeleteFunc(train, none), slices.DeleteFunc(held, none)
}

// ofFeatures opens the weights that features were computed with.
func (f *trainFlags) ofFeatures(cmd *cobra.Command, about features.About) (*weights.Checkpoint, weights.Hint, error) {
	fail := func(err error) (*weights.Checkpoint, weights.Hint, error) { return nil, weights.Hint{}, err }
	if err := f.head.check(); err != nil {
		return fail(err)
	}
	hint := weights.Hint{Network: about.Network, Headless: f.head.none()}
	if f.model != "" {
		hint.Network = f.model
	}
	path := about.Weights
	if f.weights != "" {
		var err error
		if path, hint.Card, err = weightsOfFlag(cmd.Context(), cmd.ErrOrStderr(), f.weights); err != nil {
			return fail(err)
		}
	}
	fingerprint, err := evaluate.Fingerprint(path)
	if errors.Is(err, os.ErrNotExist) && f.weights == "" {
		err = fmt.Errorf("%w; the features were computed with these weights: say where they are now with --weights", err)
	}
	if err == nil {
		err = probe.CheckFeatures(about, fingerprint)
	}
	if err != nil {
		return fail(fmt.Errorf("%s: %w", f.features, err))
	}
	checkpoint, err := weights.Open(path)
	return checkpoint, hint, err
}

func (p probed) print(out io.Writer) error {
	fmt.Fprintf(out, "%s: %d classes, %d photographs, loss %.4f after %d iterations, %.1f s\n", p.Run, p.Classes, p.Photographs, p.Loss, p.Iterations, p.Seconds)
	if !p.Converged {
		fmt.Fprintln(out, "the loss could be less: the search ended early; a larger --penalty is easier")
	}
	_, err := fmt.Fprintf(out, "held out: top-1 %.2f%% (95%% interval %.2f%% to %.2f%%), top-5 %.2f%% of %d photographs\n",
		100*(1-p.Validation.Top1.Rate), 100*(1-p.Validation.Top1.High), 100*(1-p.Validation.Top1.Low), 100*(1-p.Validation.Top5.Rate), p.Validation.Top1.Images)
	return err
}
