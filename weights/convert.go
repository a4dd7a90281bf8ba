package weights

import (
	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// Convert rewrites the file of weights at in as one at out, as Write does, in another
// layout. It writes what is known of the weights into the metadata: the network, the card
// that the hint gives or that is found, and the labels, which are ImageNet's where there
// are none but 1000 classes.
func Convert(in, out string, to Layout, hint Hint) error {
	checkpoint, err := Open(in)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	network, card, err := checkpoint.Identify(hint)
	if err != nil {
		return err
	}
	parameters, err := network.Parameters()
	if err != nil {
		return err
	}
	tensors, err := checkpoint.Match(parameters)
	if err != nil {
		return err
	}
	metadata := MetadataOf(network, card, checkpoint.Metadata.Labels)
	metadata.Quantization = checkpoint.Metadata.Quantization
	return Write(out, to, metadata, Sources(tensors))
}

// MetadataOf returns what is known of weights that were identified. Labels are ImageNet's
// where there are none but 1000 classes.
func MetadataOf(network *arch.Network, card recipe.Checkpoint, labels []recipe.Label) Metadata {
	if labels == nil && network.Options().HasClasses() && network.Options().Classes == len(recipe.ImageNet()) {
		labels = recipe.ImageNet()
	}
	return Metadata{Network: network.Name(), Options: network.Options(), Tag: card.Tag, Preprocessing: &card.Preprocessing, Labels: labels}
}
