package train

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train/step"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// An origin is the network of a run with the values that its parameters begin with.
type origin struct {
	network    *arch.Network
	parameters step.Parameters
	values     func(dst []float32, p arch.Parameter) error
	close      func() error
}

// newOrigin returns the network that a recipe describes, for the given classes, with
// random values or those of the recipe's weights.
func newOrigin(ctx context.Context, r recipe.Training, options Options, classes []string, log *slog.Logger) (*origin, error) {
	if r.Weights != "" {
		return openOrigin(ctx, r, options, classes, log)
	}
	network, err := arch.New(r.Network, arch.Options{
		Classes: len(classes), Width: r.Width, Blocks: r.Blocks, ResidualScales: r.ResidualScales,
		AuxiliaryHead: r.AuxiliaryHead, DropoutKeep: r.DropoutKeep, BatchNormDecay: r.BatchNormDecay,
		Recompute: r.Recompute, Precision: arch.Precision(r.Precision), LeaveStatistics: options.ofStep().LeavesStatistics(),
	})
	if err != nil {
		return nil, err
	}
	all, err := parametersOf(network, r.Size)
	if err != nil {
		return nil, err
	}
	return &origin{
		network: network, parameters: step.Divide(all, frozenBy(nil)), close: func() error { return nil },
		values: func(dst []float32, p arch.Parameter) error {
			step.InitialValues(dst, p, r.Seed)
			return nil
		},
	}, nil
}

// parametersOf returns a network's parameters for an input size, which those of an
// auxiliary head depend on.
func parametersOf(network *arch.Network, side int) ([]arch.Parameter, error) {
	if err := network.CheckSize(side, side); err != nil {
		return nil, err
	}
	d, err := network.Describe(side, side)
	if err != nil {
		return nil, err
	}
	return d.Tensors, nil
}

// A WeightsFinder returns the file of what a recipe names as weights, and the card where
// that is a public checkpoint; it may download it.
type WeightsFinder func(ctx context.Context, name string) (path string, card *recipe.Checkpoint, err error)

// findLocal finds files and folders.
func findLocal(_ context.Context, name string) (string, *recipe.Checkpoint, error) {
	path, card, err := weights.Find(name)
	if err == nil && path == "" {
		err = fmt.Errorf("%s is a public checkpoint, expected a file of weights; download it first", name)
	}
	return path, card, err
}

// openWeights opens what a recipe names as weights, and identifies it.
func openWeights(ctx context.Context, r recipe.Training, find WeightsFinder) (*weights.Checkpoint, *arch.Network, recipe.Checkpoint, error) {
	if find == nil {
		find = findLocal
	}
	fail := func(err error) (*weights.Checkpoint, *arch.Network, recipe.Checkpoint, error) {
		return nil, nil, recipe.Checkpoint{}, err
	}
	path, known, err := find(ctx, r.Weights)
	if err != nil {
		return fail(err)
	}
	file, err := weights.Open(path)
	if err != nil {
		return fail(err)
	}
	network, card, err := file.Identify(weights.Hint{Network: r.Network, Card: known, AuxiliaryHead: r.AuxiliaryHead, Headless: r.Head == recipe.HeadNone})
	if err != nil {
		return fail(errors.Join(err, file.Close()))
	}
	if p := network.Options().Precision; p == arch.Int8 {
		err := fmt.Errorf("%s holds weights that are quantised to %s, which cannot be trained; start from those that were quantised", path, p)
		return fail(errors.Join(err, file.Close()))
	}
	if o := network.Options(); r.Head != recipe.HeadNone && (o.Multilabel() || !o.HasClasses()) {
		err := fmt.Errorf("%s holds a network whose outputs are %s, and training is for those of softmax; start from weights with such a head, or from these without theirs (--head none)", path, o.Head.Output)
		return fail(errors.Join(err, file.Close()))
	}
	return file, network, card, nil
}

// complete fills in what a recipe leaves to its weights.
func complete(ctx context.Context, r recipe.Training, find WeightsFinder) (_ recipe.Training, err error) {
	if r.Weights == "" {
		return r, nil
	}
	file, network, card, err := openWeights(ctx, r, find)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	half := [3]float32{0.5, 0.5, 0.5}
	p := card.Preprocessing
	if p.Mean != half || p.Std != half {
		return r, fmt.Errorf("%s expects inputs less %v divided by %v, but training gives them in [-1,1]; start from other weights", r.Weights, p.Mean, p.Std)
	}
	o := network.Options()
	return r.Inherit(recipe.Training{
		Network: network.Name(), Width: o.Width, Blocks: o.Blocks, ResidualScales: o.ResidualScales,
		DropoutKeep: o.DropoutKeep, BatchNormDecay: o.BatchNormDecay,
		Size: p.Size, Crop: p.Crop, Interpolation: p.Interpolation, Alpha: p.Alpha,
	}), nil
}

// openOrigin takes the values of a file of weights. Only the logits may differ in their
// classes: then they are random.
func openOrigin(ctx context.Context, r recipe.Training, options Options, classes []string, log *slog.Logger) (_ *origin, err error) {
	file, found, _, err := openWeights(ctx, r, options.Weights)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	o, err := fineTuned(found.Options(), r, len(classes))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Weights, err)
	}
	o.LeaveStatistics = options.ofStep().LeavesStatistics()
	network, err := arch.New(found.Name(), o)
	if err != nil {
		return nil, err
	}
	theirs, err := parametersOf(found, r.Size)
	if err != nil {
		return nil, err
	}
	tensors, err := file.Match(theirs)
	if err != nil {
		return nil, err
	}
	byName := map[string]weights.Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	all, err := parametersOf(network, r.Size)
	if err != nil {
		return nil, err
	}
	random := map[string]bool{}
	if r.Head == recipe.HeadNone {
		for _, p := range all {
			if _, ok := byName[p.Name]; !ok {
				random[p.Name] = true
			}
		}
		log.Info("logits are trained from random values", "classes", len(classes))
	} else if found.Options().Classes != len(classes) || !sameLabels(file.Metadata.Labels, classes) {
		if random, err = logitsOf(network, r.Size, all); err != nil {
			return nil, err
		}
		log.Info("logits are trained from random values", "classes", len(classes), "classes of the weights", found.Options().Classes)
	}
	if err := checkScopes(r.Freeze, all); err != nil {
		return nil, err
	}
	inScope := frozenBy(r.Freeze)
	p := step.Divide(all, func(name string) bool { return inScope(name) && !random[name] })
	if len(p.Trained) == 0 {
		return nil, fmt.Errorf("the scopes to freeze, %s, leave nothing to train; freeze fewer", strings.Join(r.Freeze, ", "))
	}
	return &origin{
		network: network, parameters: p, close: file.Close,
		values: func(dst []float32, p arch.Parameter) error {
			if random[p.Name] {
				step.InitialValues(dst, p, r.Seed)
				return nil
			}
			return byName[p.Name].Read(dst)
		},
	}, nil
}

// fineTuned returns the options of the weights' network with what the recipe changes.
func fineTuned(o arch.Options, r recipe.Training, classes int) (arch.Options, error) {
	if r.Head == recipe.HeadNone {
		o.Head, o.AuxiliaryHead = nil, r.AuxiliaryHead
	}
	for _, option := range []struct {
		name        string
		same        bool
		found, want any
	}{
		{"width", r.Width == o.Width, o.Width, r.Width},
		{"blocks", slices.Equal(r.Blocks, o.Blocks), o.Blocks, r.Blocks},
		{"residual_scales", slices.Equal(r.ResidualScales, o.ResidualScales), o.ResidualScales, r.ResidualScales},
		{"auxiliary_head", r.AuxiliaryHead == o.AuxiliaryHead, o.AuxiliaryHead, r.AuxiliaryHead},
	} {
		if !option.same {
			return o, fmt.Errorf("the weights are of a network with %s %v, the recipe says %v; leave it out of the recipe, or start from other weights", option.name, option.found, option.want)
		}
	}
	o.Classes, o.Frozen, o.Recompute, o.DropoutKeep, o.BatchNormDecay = classes, r.Freeze, r.Recompute, r.DropoutKeep, r.BatchNormDecay
	o.Precision = arch.Precision(r.Precision)
	return o, nil
}

// sameLabels reports whether the logits of weights are for the given classes, which
// weights that do not name their own are taken to be.
func sameLabels(labels []recipe.Label, classes []string) bool {
	return labels == nil || slices.EqualFunc(labels, classes, func(l recipe.Label, class string) bool { return l.Name == class || l.Synset == class })
}

// logitsOf names the parameters whose shapes follow from the number of classes.
func logitsOf(network *arch.Network, side int, all []arch.Parameter) (map[string]bool, error) {
	o := network.Options()
	o.Classes++
	other, err := arch.New(network.Name(), o)
	if err != nil {
		return nil, err
	}
	others, err := parametersOf(other, side)
	if err != nil {
		return nil, err
	}
	logits := map[string]bool{}
	for i, p := range others {
		if !slices.Equal(p.Shape, all[i].Shape) {
			logits[p.Name] = true
		}
	}
	return logits, nil
}

// checkScopes refuses scopes that no parameter lies in.
func checkScopes(scopes []string, all []arch.Parameter) error {
	for _, scope := range scopes {
		in := frozenBy([]string{scope})
		if slices.ContainsFunc(all, func(p arch.Parameter) bool { return in(p.Name) }) {
			continue
		}
		var known []string
		for _, p := range all {
			parts := strings.SplitN(p.Name, "/", 3)
			if top := strings.Join(parts[:2], "/"); !slices.Contains(known, top) {
				known = append(known, top)
			}
		}
		return fmt.Errorf("no parameter lies in the scope %q to freeze; scopes are %s, and those within them", scope, strings.Join(known, ", "))
	}
	return nil
}

// frozenBy returns whether a parameter lies in one of the scopes.
func frozenBy(scopes []string) func(name string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(scopes, func(scope string) bool { return strings.HasPrefix(name, scope+"/") })
	}
}
