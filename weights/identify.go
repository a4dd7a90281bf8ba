package weights

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A Hint is what is known of a checkpoint beside the file.
type Hint struct {
	// Network is the network's name in package arch; empty when unknown.
	Network string
	// Card is that of the public checkpoint that the file is; nil when unknown.
	Card *recipe.Checkpoint
	// AuxiliaryHead keeps the auxiliary head if the file has one.
	AuxiliaryHead bool
}

// Identify returns the network that the file holds the weights of, with the
// file's number of classes, and the card that tells how to use it. They are
// recognised by the hint, the file's metadata, and the names of its tensors; where
// nothing says more, the card is the default of the network, without its tag. A
// hint that contradicts the file is an error.
func (c *Checkpoint) Identify(hint Hint) (*arch.Network, recipe.Checkpoint, error) {
	fail := func(err error) (*arch.Network, recipe.Checkpoint, error) { return nil, recipe.Checkpoint{}, err }
	name := hint.Network
	if hint.Card != nil {
		if name != "" && name != hint.Card.Network {
			return fail(fmt.Errorf("the checkpoint %s is of %s, not of %s", hint.Card.Tag, hint.Card.Network, name))
		}
		name = hint.Card.Network
	}
	if name != "" {
		if _, err := arch.New(name, arch.Options{}); err != nil {
			return fail(err)
		}
	}
	var options arch.Options
	if said := c.Metadata.Network; said != "" {
		if name != "" && name != said {
			return fail(fmt.Errorf("%s says that it holds the weights of %s, not of %s; leave the network out or name that one", c.Path, said, name))
		}
		name, options = said, c.Metadata.Options
		options.AuxiliaryHead = options.AuxiliaryHead && hint.AuxiliaryHead
		options.Precision = c.Metadata.precision()
	} else {
		found, err := c.identifyByNames(name, hint.AuxiliaryHead)
		if err != nil {
			return fail(err)
		}
		name, options = found.Name(), found.Options()
	}
	card := c.card(name)
	if hint.Card != nil {
		card = *hint.Card
	}
	if c.Metadata.Network == "" {
		options.AveragePoolCountsPadding = card.AveragePoolCountsPadding
	}
	network, err := arch.New(name, options)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", c.Path, err))
	}
	return network, card, nil
}

// identifyByNames compares the names in the file with those of the named network,
// or of all networks when the name is empty.
func (c *Checkpoint) identifyByNames(name string, auxiliary bool) (*arch.Network, error) {
	var found *arch.Network
	var nearest *MismatchError
	for _, candidate := range candidates(auxiliary) {
		parameters, err := candidate.Parameters()
		if err != nil {
			return nil, err
		}
		names, err := c.layout.names(parameters)
		if err != nil {
			continue // the network does not exist in this layout
		}
		difference := c.compareNames(candidate.Name(), names)
		if difference.count() == 0 {
			options := candidate.Options()
			options.Classes = c.classes(names)
			if found, err = arch.New(candidate.Name(), options); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Path, err)
			}
			if name == "" || name == found.Name() {
				return found, nil
			}
		}
		if name != "" && name != candidate.Name() {
			continue
		}
		if nearest == nil || difference.count() < nearest.count() {
			nearest = difference
		}
	}
	switch {
	case nearest == nil:
		return nil, fmt.Errorf("%s has the names of %s's layout, in which %s does not exist", c.Path, c.Layout, name)
	case found != nil:
		return nil, fmt.Errorf("%w; it holds those of %s", nearest, found.Name())
	case name == "":
		return nil, fmt.Errorf("%w, the network that comes nearest", nearest)
	}
	return nil, nearest
}

// candidates returns the networks as published; those with an auxiliary head
// first, since a file that has one matches without it too.
func candidates(auxiliary bool) []*arch.Network {
	var networks []*arch.Network
	for _, head := range []bool{true, false} {
		for _, name := range arch.Names() {
			network, err := arch.New(name, arch.Options{AuxiliaryHead: head})
			if err != nil || head && !auxiliary {
				continue // the network has no such head
			}
			networks = append(networks, network)
		}
	}
	return networks
}

// card is that of a file for which none is given.
func (c *Checkpoint) card(network string) recipe.Checkpoint {
	card := recipe.Checkpoint{Network: network, Preprocessing: recipe.Inception()}
	// A file in TF-slim's names that says nothing of itself has TensorFlow's average
	// pooling, unlike the default card of Inception-v3.
	if known, ok := recipe.DefaultCheckpoint(network); ok && (c.layout.publicCards || !known.AveragePoolCountsPadding) {
		card = known
	}
	card.Tag = c.Metadata.Tag // looks do not tell a public file from a fine-tuned one
	if p := c.Metadata.Preprocessing; p != nil {
		card.Preprocessing = *p
	}
	return card
}

// compareNames tells how the names in the file differ from a network's.
func (c *Checkpoint) compareNames(network string, names []string) *MismatchError {
	difference := &MismatchError{Path: c.Path, Network: network}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
		if _, ok := c.Tensor(name); !ok {
			difference.Missing = append(difference.Missing, name)
		}
	}
	difference.Unused = c.unused(names)
	return difference
}

func (e *MismatchError) count() int { return len(e.Missing) + len(e.Unused) }

// classes counts those of the network's last biases, which are logits'.
func (c *Checkpoint) classes(names []string) int {
	t, _ := c.Tensor(names[len(names)-1])
	if n := t.Elements(); n != 1001 {
		return n
	}
	return 1000
}
