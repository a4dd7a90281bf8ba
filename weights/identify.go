package weights

import (
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A Hint is what is known of a checkpoint beside the file.
type Hint struct {
	// Network is the network's name in package arch; empty when unknown.
	Network string
	// Card is that of the public checkpoint that the file is; nil when unknown.
	Card *recipe.Checkpoint
	// AuxiliaryHead keeps the auxiliary head if the file has one.
	AuxiliaryHead bool
	// Background keeps the class before ImageNet's 1000, which is left out otherwise.
	Background bool
	// Headless takes the network without what follows its last block but the pooling: its
	// features. What else the file has is left out.
	Headless bool
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
	} else if c.config != nil {
		name = c.config.Architecture
	}
	c.headless, c.graph, c.Layout = hint.Headless, nil, c.view.name
	var options arch.Options
	if said := c.Metadata.Network; said != "" {
		if name != "" && name != said {
			return fail(fmt.Errorf("%s says that it holds the weights of %s, not of %s; leave the network out or name that one", c.Path, said, name))
		}
		name, options = said, c.Metadata.Options
		options.AuxiliaryHead = options.AuxiliaryHead && hint.AuxiliaryHead
		options.Precision = c.Metadata.precision()
		if hint.Headless {
			options.Head = headless
		}
		var err error
		if options, err = c.followGraph(name, options, hint); err != nil {
			return fail(err)
		}
		if c.graph == nil && c.view.background && !hint.Background && slices.Equal(c.Metadata.Labels, behindBackground()) && options.Classes == len(c.Metadata.Labels) {
			c.Metadata.Labels = c.Metadata.Labels[1:]
			options.Classes = len(c.Metadata.Labels)
		}
	} else {
		found, err := c.identify(name, hint)
		if err != nil {
			return fail(err)
		}
		name, options = found.Name(), found.Options()
	}
	card := c.card(name, options)
	if hint.Card != nil {
		card = *hint.Card
	}
	if c.Metadata.Network == "" && c.graph == nil {
		options.AveragePoolCountsPadding = card.AveragePoolCountsPadding
		if hint.Card == nil && c.isPublishedFID(name) {
			options.MaxPoolLastBlock, options.AveragePoolCountsPadding = true, false
		}
	}
	if options.MaxPoolLastBlock && hint.Card == nil && c.Metadata.Preprocessing == nil {
		card.Preprocessing.Fit, card.Preprocessing.Crop = vision.FitSquash, 1
	}
	network, err := arch.New(name, options)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", c.Path, err))
	}
	return network, card, nil
}

// isPublishedFID reports whether a file without its graph has TensorFlow's
// inception-2015-12-05, which pytorch-fid keeps in torchvision's names: no other network has
// 1008 classes and no auxiliary head.
func (c *Checkpoint) isPublishedFID(network string) bool {
	const classes = 1008
	if network != "inception_v3" || !c.view.publicCards {
		return false
	}
	logits, ok := c.Tensor("fc.bias")
	_, auxiliary := c.Tensor("AuxLogits.fc.bias")
	return ok && !auxiliary && logits.Elements() == classes
}

// headless is the head that gives features.
var headless = &arch.Head{Output: arch.OutputFeatures}

// identify finds the network by the graph that the file carries, or by its names, which it
// compares with those of the named network, or of all when the name is empty.
func (c *Checkpoint) identify(name string, hint Hint) (*arch.Network, error) {
	if network, err := c.identifyByGraph(name, hint); network != nil || err != nil {
		return network, err
	}
	if c.counted {
		return nil, fmt.Errorf("%s calls its layers by kind and count, and has not as many convolutions as a network of keras.applications; save it again with a newer Keras 3, which writes their names, or give the whole model (.keras)", c.Path)
	}
	var found *arch.Network
	var nearest *MismatchError
	for _, candidate := range candidates() {
		o := candidate.network.Options()
		if o.AuxiliaryHead && !hint.AuxiliaryHead {
			continue
		}
		if hint.Headless {
			var err error
			if candidate, err = withoutHead(candidate); err != nil {
				return nil, err
			}
		}
		names, err := c.view.names(candidate.parameters)
		if err != nil {
			continue // the network does not exist in this layout
		}
		difference := c.view.compare(candidate, names)
		difference.Path = c.Path
		if hint.Headless {
			difference.Unused = nil
		}
		if difference.count() == 0 {
			options := candidate.network.Options()
			if options.HasClasses() {
				options.Classes = c.classes(names, hint)
			}
			if found, err = arch.New(candidate.network.Name(), options); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Path, err)
			}
			if name == "" || name == found.Name() {
				return found, nil
			}
		}
		if name != "" && name != candidate.network.Name() {
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
	}
	nearest.Missing, nearest.Unused = alike(nearest.Missing, nearest.Unused), alike(nearest.Unused, nearest.Missing)
	if name == "" {
		return nil, fmt.Errorf("%w, the network that comes nearest%s", nearest, c.advice(nearest))
	}
	return nil, fmt.Errorf("%w%s", nearest, c.advice(nearest))
}

// identifyByGraph recognises the network of a file that carries its graph; nil of others.
func (c *Checkpoint) identifyByGraph(name string, hint Hint) (*arch.Network, error) {
	file, ok := c.file.(tensorfile.Grapher)
	if !ok {
		return nil, nil
	}
	graph, err := file.Graph()
	if err == nil && graph == nil {
		return nil, nil
	}
	if err == nil {
		c.ofImageNet = graph.OfImageNet
		c.graph, err = recognise(graph, name, hint.Headless)
	}
	if err != nil {
		if hint.Headless {
			c.graph = nil
			return nil, nil // the layers of the trunk may still be told by their names
		}
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	c.Layout = ByGraph
	return c.graph.network, nil
}

// followGraph finds where the parameters of a network that the file names are in the graph
// that it carries, and returns the options with what only the graph tells; those of files
// without a graph stay.
func (c *Checkpoint) followGraph(name string, o arch.Options, hint Hint) (arch.Options, error) {
	file, ok := c.file.(tensorfile.Grapher)
	if !ok {
		return o, nil
	}
	graph, err := file.Graph()
	if graph == nil && err == nil {
		return o, nil
	}
	o.AuxiliaryHead = false // which no graph is matched with
	var network *arch.Network
	if err == nil {
		network, err = arch.New(name, o)
	}
	if err == nil {
		c.graph, err = recogniseAs(graph, network, hint.Headless)
	}
	if err != nil {
		return o, fmt.Errorf("%s: %w", c.Path, err)
	}
	c.Layout = ByGraph
	return c.graph.network.Options(), nil
}

// advice says what to do where all but the head of a network is there.
func (c *Checkpoint) advice(difference *MismatchError) string {
	const trunk = 8 // tensors that a head lacks at most
	if len(difference.Missing) > trunk || len(difference.Unused) == 0 {
		return ""
	}
	for _, candidate := range candidates() {
		if candidate.network.Name() != difference.Network {
			continue
		}
		bare, err := withoutHead(candidate)
		if err != nil {
			return ""
		}
		names, err := c.view.names(bare.parameters)
		if err == nil && len(c.view.compare(bare, names).Missing) == 0 {
			return "; all but its head is there: take the network without a head (--head none), or a file that carries the model, not its weights alone, since these do not tell how the layers of the head are connected"
		}
	}
	return ""
}

// card is that of a file for which none is given.
func (c *Checkpoint) card(network string, o arch.Options) recipe.Checkpoint {
	card := recipe.Checkpoint{Network: network, Preprocessing: recipe.Inception()}
	// A file in TF-slim's names that says nothing of itself has TensorFlow's average
	// pooling, unlike the default card of Inception-v3.
	if known, ok := recipe.DefaultCheckpoint(network); ok && (c.view.publicCards || !known.AveragePoolCountsPadding) {
		card = known
	}
	switch {
	case o.FaceBlock:
		card.Preprocessing = ofFacenet
	case c.view.preprocessing != nil:
		card.Preprocessing = *c.view.preprocessing
	}
	if c.graph != nil {
		c.graph.preprocess(&card.Preprocessing)
	}
	card.Tag = c.Metadata.Tag // looks do not tell a public file from a fine-tuned one
	if p := c.Metadata.Preprocessing; p != nil {
		card.Preprocessing = *p
		if c.ofImageNet && c.graph != nil { // the folder speaks of what the model takes, the card of the network
			transformInput(&card.Preprocessing)
		}
	}
	return card
}

func (e *MismatchError) count() int { return len(e.Missing) + len(e.Unused) }

// classes counts those of the network's last biases, which are logits'. ImageNet's come
// behind a background class in some layouts, which is none of the network's unless that is
// asked for, or the file has a label for each.
func (c *Checkpoint) classes(names []string, hint Hint) int {
	t, _ := c.Tensor(names[len(names)-1])
	n := t.Elements()
	if n == 1001 && c.view.background && !hint.Background && len(c.Metadata.Labels) != n {
		return 1000
	}
	return n
}
