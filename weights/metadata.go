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

// The keys of a file's metadata, without the prefix that its format asks for.
const (
	keyFormat        = "format"
	keyNetwork       = "architecture"
	keyOptions       = "options"
	keyTag           = "tag"
	keyPreprocessing = "preprocessing"
	keyLabels        = "labels"
)

// encode returns the metadata as the strings that a file holds, under keys with the
// prefix.
func (m Metadata) encode(prefix string, l layout) (map[string]string, error) {
	text := map[string]string{}
	if prefix == "" {
		text[keyFormat] = l.framework // what readers of safetensors look for
	}
	if m.Network != "" {
		text[prefix+keyNetwork] = m.Network
	}
	if m.Tag != "" {
		text[prefix+keyTag] = m.Tag
	}
	put := func(key string, value any) error {
		data, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode the metadata %q: %w", key, err)
		}
		if string(data) != "{}" {
			text[prefix+key] = string(data)
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

func decodeMetadata(prefix string, text map[string]string) (Metadata, error) {
	m := Metadata{Network: text[prefix+keyNetwork], Tag: text[prefix+keyTag]}
	get := func(key string, value any) error {
		if text[prefix+key] == "" {
			return nil
		}
		if err := json.Unmarshal([]byte(text[prefix+key]), value); err != nil {
			return fmt.Errorf("metadata %q should be JSON as this program writes it: %w", prefix+key, err)
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
