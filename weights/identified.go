package weights

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Identified is a network that a file holds, with all that Write takes.
type Identified struct {
	Network  *arch.Network
	Metadata Metadata
	// Sources are the parameters in the order of their use. They are read from the file.
	Sources []Source
	// Left says what the file has that is not taken, and what does not stay as it is, each
	// in a few words.
	Left []string
}

// Identified returns the network as Identify does, its parameters, and what is known of
// them. Reading them fails once the context is done. Labels are ImageNet's where the file
// has none but 1000 classes, or 1001 in a layout in which these are ImageNet's behind a
// background class.
func (c *Checkpoint) Identified(ctx context.Context, hint Hint) (*Identified, error) {
	network, card, err := c.Identify(hint)
	if err != nil {
		return nil, err
	}
	parameters, err := network.Parameters()
	if err != nil {
		return nil, err
	}
	tensors, err := c.Match(parameters)
	if err != nil {
		return nil, err
	}
	labels := c.Metadata.Labels
	if labels == nil && c.graph == nil && c.view.background && network.Options().HasClasses() && network.Options().Classes == len(behindBackground()) {
		labels = behindBackground()
	}
	i := &Identified{Network: network, Metadata: MetadataOf(network, card, labels), Sources: Sources(tensors), Left: c.left(tensors)}
	i.Metadata.Quantization = c.Metadata.Quantization
	for k, s := range i.Sources {
		if s.Values == nil {
			continue
		}
		i.Sources[k].Values = func(dst []float32) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return s.Values(dst)
		}
	}
	return i, nil
}

// WithoutAuxiliary takes the auxiliary head out, and notes why, where there is one.
func (i *Identified) WithoutAuxiliary(why string) {
	if !i.Metadata.Options.AuxiliaryHead {
		return
	}
	i.Metadata.Options.AuxiliaryHead = false
	var kept []Source
	for _, s := range i.Sources {
		if !strings.Contains(s.Name, "/AuxLogits/") {
			kept = append(kept, s)
		}
	}
	i.Sources = kept
	i.Left = append(i.Left, why)
}

// behindBackground are ImageNet's classes with the background class of TF-slim before them.
func behindBackground() []recipe.Label {
	return append([]recipe.Label{{Name: "background"}}, recipe.ImageNet()...)
}

// left says what becomes of the file's tensors that are no parameters as they are.
func (c *Checkpoint) left(found []Tensor) []string {
	var notes []string
	note := func(n int, one, more string, example string) {
		switch {
		case n == 1:
			notes = append(notes, fmt.Sprintf("1 %s (%s)", one, example))
		case n > 1:
			notes = append(notes, fmt.Sprintf("%d %s (%s, ...)", n, more, example))
		}
	}
	used, rounded, wide := map[string]bool{}, 0, ""
	for _, t := range found {
		used[t.source.Name] = true
		if t.source.Values != nil && isDouble(t.source.DType) {
			if rounded++; wide == "" {
				wide = t.source.Name
			}
		}
	}
	note(rounded, "tensor of float64 is rounded to float32", "tensors of float64 are rounded to float32", wide)
	if c.graph != nil {
		return notes // which has constants of many kinds
	}
	all := unwrapped(c.file.Tensors())
	has := func(name string) bool {
		return slices.ContainsFunc(all, func(t tensorfile.Tensor) bool { return t.Name == name })
	}
	kinds := []struct {
		one, more string
		is        func(name string) bool
		n         int
		first     string
	}{
		{one: "moving average is taken in place of its variable", more: "moving averages are taken in place of their variables", is: func(name string) bool {
			return strings.HasSuffix(name, average) && has(strings.TrimSuffix(name, average))
		}},
		{one: "tensor of a training's state is left out", more: "tensors of a training's state are left out", is: func(name string) bool { return !c.has(name) && !strings.HasSuffix(name, average) }},
		{one: "tensor of an auxiliary head is left out", more: "tensors of an auxiliary head are left out", is: func(name string) bool { return !used[name] && c.view.auxiliary(name) }},
		{one: "tensor that no network needs is left out", more: "tensors that no network needs are left out", is: func(name string) bool { return !used[name] && c.view.spare(name) }},
		{one: "tensor of the head is left out", more: "tensors of the head are left out", is: func(name string) bool { return c.headless && c.has(name) && !used[name] }},
	}
	count := func(name string) {
		for i := range kinds {
			if kind := &kinds[i]; kind.is(name) {
				if kind.n++; kind.first == "" {
					kind.first = name
				}
				return
			}
		}
	}
	if c.view.rename != nil {
		all = c.view.tensors
	}
	for _, t := range all {
		count(t.Name)
	}
	for _, kind := range kinds {
		note(kind.n, kind.one, kind.more, kind.first)
	}
	if slices.ContainsFunc(found, func(t Tensor) bool { return t.skipped > 0 }) {
		notes = append(notes, "the background class, the first of 1001, is left out")
	}
	return notes
}

func (c *Checkpoint) has(name string) bool { _, ok := c.view.tensor(name); return ok }

// isDouble tells float64 as any format spells it.
func isDouble(dtype string) bool {
	return slices.Contains([]string{"f64", "float64", "double", "<f8", ">f8", "=f8"}, strings.ToLower(dtype))
}
