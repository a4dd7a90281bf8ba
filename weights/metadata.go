package weights

import (
	"encoding/json"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// Metadata is what a file of weights says about itself beside the tensors. Fields
// that a file does not have are left at their zero values.
type Metadata struct {
	// Network is the network's name in package arch.
	Network string
	// Options are those that the network was built with.
	Options arch.Options
	// Tag is that of the public checkpoint that the weights come from.
	Tag string
	// Preprocessing is what the weights expect of their images.
	Preprocessing *vision.Preprocessing
	// Labels are the classes in index order.
	Labels []recipe.Label
}

// The keys of a safetensors file's metadata.
const (
	keyFormat        = "format"
	keyNetwork       = "architecture"
	keyOptions       = "options"
	keyTag           = "tag"
	keyPreprocessing = "preprocessing"
	keyLabels        = "labels"
)

// encode returns the metadata as the strings that a file holds.
func (m Metadata) encode(layout Layout) (map[string]string, error) {
	text := map[string]string{keyFormat: "inception"}
	if layout == Timm {
		text[keyFormat] = "pt" // what readers of PyTorch's safetensors files look for
	}
	if m.Network != "" {
		text[keyNetwork] = m.Network
	}
	if m.Tag != "" {
		text[keyTag] = m.Tag
	}
	put := func(key string, value any) error {
		data, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode the metadata %q: %w", key, err)
		}
		if string(data) != "{}" {
			text[key] = string(data)
		}
		return nil
	}
	if err := put(keyOptions, m.Options); err != nil {
		return nil, err
	}
	if m.Preprocessing != nil {
		if err := put(keyPreprocessing, m.Preprocessing); err != nil {
			return nil, err
		}
	}
	if m.Labels != nil {
		if err := put(keyLabels, m.Labels); err != nil {
			return nil, err
		}
	}
	return text, nil
}

func decodeMetadata(text map[string]string) (Metadata, error) {
	m := Metadata{Network: text[keyNetwork], Tag: text[keyTag]}
	get := func(key string, value any) error {
		if text[key] == "" {
			return nil
		}
		if err := json.Unmarshal([]byte(text[key]), value); err != nil {
			return fmt.Errorf("metadata %q should be JSON as this program writes it: %w", key, err)
		}
		return nil
	}
	if err := get(keyOptions, &m.Options); err != nil {
		return m, err
	}
	if err := get(keyPreprocessing, &m.Preprocessing); err != nil {
		return m, err
	}
	if err := get(keyLabels, &m.Labels); err != nil {
		return m, err
	}
	return m, nil
}
