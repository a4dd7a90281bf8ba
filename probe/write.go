package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights"
)

// pooled is the end point that logits are made of.
const pooled = "global_pool"

// CheckFeatures refuses features that are not what a network's last layer reads, or that were
// computed with other weights than those of the given fingerprint (evaluate.Fingerprint).
func CheckFeatures(about features.About, fingerprint string) error {
	switch {
	case about.Layer != pooled:
		return fmt.Errorf("the features are of the stage %s, expected %s, which logits are made of; write them without --layer", about.Layer, pooled)
	case about.Normalized:
		return errors.New("the features were divided by their lengths, expected them as the network has them; write them without --l2")
	case about.Fingerprint == "":
		return errors.New("the features do not tell the SHA-256 of the weights that they were computed with; write them again")
	case about.Fingerprint != fingerprint:
		return fmt.Errorf("the features were computed with weights of the SHA-256 %s (%s), found weights of %s; give these weights, or write the features again", about.Fingerprint, about.Weights, fingerprint)
	}
	return nil
}

// Write writes the weights of a checkpoint with the head in place of theirs, for the classes in the
// order of their labels. Photographs are prepared as the features say. The file appears whole or
// not at all.
func Write(ctx context.Context, path string, checkpoint *weights.Checkpoint, hint weights.Hint, h *Head, about features.About, classes []string) error {
	found, err := checkpoint.Identified(ctx, hint)
	if err != nil {
		return err
	}
	o := found.Network.Options()
	if o.Precision == arch.Int8 {
		return fmt.Errorf("%s holds weights that are quantised to %s, which take no new head; start from those that were quantised", checkpoint.Path, o.Precision)
	}
	o.Classes, o.AuxiliaryHead = len(classes), false
	if o.Head = nil; found.Network.Options().Head != nil && found.Network.Options().Head.Pooling == arch.PoolMax {
		o.Head = &arch.Head{Pooling: arch.PoolMax}
	}
	network, parameters, err := withOptions(found.Network.Name(), o)
	if err != nil {
		return err
	}
	o.Classes++
	_, others, err := withOptions(found.Network.Name(), o)
	if err != nil {
		return err
	}
	var sources []weights.Source
	for i, p := range parameters {
		if !slices.Equal(p.Shape, others[i].Shape) { // of the logits
			values := h.Weights
			if len(p.Shape) == 1 {
				values = h.Bias
			}
			if p.Size() != len(values) {
				return fmt.Errorf("%s has the shape %v, expected a head of %d features and %d classes", p.Name, p.Shape, h.Size, h.Classes)
			}
			sources = append(sources, weights.Source{Parameter: p, Values: func(dst []float32) error { copy(dst, values); return nil }})
			continue
		}
		at := slices.IndexFunc(found.Sources, func(s weights.Source) bool { return s.Name == p.Name })
		if at < 0 {
			return fmt.Errorf("%s has no %s", checkpoint.Path, p.Name)
		}
		sources = append(sources, found.Sources[at])
	}
	labels := make([]recipe.Label, len(classes))
	for i, class := range classes {
		labels[i].Name = class
	}
	metadata := weights.Metadata{Network: network.Name(), Options: network.Options(), Preprocessing: &about.Preprocessing, Labels: labels}
	return weights.Write(path, weights.Native, metadata, sources)
}

func withOptions(name string, o arch.Options) (*arch.Network, []arch.Parameter, error) {
	network, err := arch.New(name, o)
	if err != nil {
		return nil, nil, err
	}
	parameters, err := network.Parameters()
	return network, parameters, err
}
