package weights

import (
	"encoding/json"
	"fmt"
	"strings"

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
	// Quantization says how the weights were quantised to 8-bit integers; nil where they
	// are not.
	Quantization *Quantization
}

// Quantization says how weights were quantised.
type Quantization struct {
	// Precision is arch.Int8.
	Precision arch.Precision `json:"precision"`
	// Photographs is how many the ranges of activations were found on.
	Photographs int `json:"photographs"`
	// Ranges is how: "max", "percentile", "mse" or "kl".
	Ranges string `json:"ranges"`
	// Percentile is that of the ranges found by it, in (0,100]; 0 for others.
	Percentile float64 `json:"percentile,omitempty"`
	// Headroom is what the ranges were multiplied by.
	Headroom float64 `json:"headroom,omitempty"`
	// BiasCorrection is set where biases were corrected by what rounding the weights does
	// to the mean of each channel.
	BiasCorrection bool `json:"bias_correction"`
	// Branches are the scales of the residual branches' last convolutions by their names:
	// a value is an integer in [-128,127] times that. This program adds branches in
	// float32; the scales are for those that add integers.
	Branches map[string]float32 `json:"branches,omitempty"`
}

// MetadataOf returns what is known of weights that were identified. Labels are ImageNet's
// where there are none but 1000 classes.
func MetadataOf(network *arch.Network, card recipe.Checkpoint, labels []recipe.Label) Metadata {
	if labels == nil && network.Options().HasClasses() && network.Options().Classes == len(recipe.ImageNet()) {
		labels = recipe.ImageNet()
	}
	return Metadata{Network: network.Name(), Options: network.Options(), Tag: card.Tag, Preprocessing: &card.Preprocessing, Labels: labels}
}

// precision returns that of the weights.
func (m *Metadata) precision() arch.Precision {
	if m.Quantization == nil {
		return arch.Float32
	}
	return m.Quantization.Precision
}

// keyPrefix is what the keys of this program's metadata begin with, so that they are told
// from those of others.
const keyPrefix = "inception."

// The keys, without the prefix.
const (
	keyNetwork       = "architecture"
	keyOptions       = "options"
	keyTag           = "tag"
	keyPreprocessing = "preprocessing"
	keyLabels        = "labels"
	keyQuantization  = "quantization"
)

// keyFramework has no prefix: it is not this program's alone.
const keyFramework = "format"

// Text returns the metadata as the strings that files hold, by their keys.
func (m Metadata) Text() (map[string]string, error) { return m.encode(false, layout{}) }

// encode returns the metadata as the strings that a file holds, with the layout's
// framework where that is asked for.
func (m Metadata) encode(framework bool, l layout) (map[string]string, error) {
	text := map[string]string{}
	if framework {
		text[keyFramework] = l.framework
	}
	if m.Network != "" {
		text[keyPrefix+keyNetwork] = m.Network
	}
	if m.Tag != "" {
		text[keyPrefix+keyTag] = m.Tag
	}
	put := func(key string, value any) error {
		data, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode the metadata %q: %w", key, err)
		}
		if string(data) != "{}" {
			text[keyPrefix+key] = string(data)
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
	if m.Quantization != nil {
		if err := put(keyQuantization, m.Quantization); err != nil {
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

// decodeMetadata reads what encode wrote. Keys of other programs are left alone.
func decodeMetadata(text map[string]string) (Metadata, error) {
	prefix := keyPrefix
	if !hasPrefixed(text) && withoutPrefix(text) {
		prefix = ""
	}
	m := Metadata{Network: text[prefix+keyNetwork], Tag: text[prefix+keyTag]}
	for key, value := range map[string]any{keyOptions: &m.Options, keyPreprocessing: &m.Preprocessing, keyLabels: &m.Labels, keyQuantization: &m.Quantization} {
		if text[prefix+key] == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text[prefix+key]), value); err != nil {
			return m, fmt.Errorf("metadata %q should be JSON as this program writes it: %w", prefix+key, err)
		}
	}
	if q := m.Quantization; q != nil && q.Precision != arch.Int8 {
		return m, fmt.Errorf("metadata %q tells of weights quantised to the precision %q, expected %q; a newer version of this program may open it", prefix+keyQuantization, q.Precision, arch.Int8)
	}
	return m, nil
}

func hasPrefixed(text map[string]string) bool {
	for key := range text {
		if strings.HasPrefix(key, keyPrefix) {
			return true
		}
	}
	return false
}

// withoutPrefix tells files of the first versions of this program, whose keys had no
// prefix, from those of others, which have such keys too: ours name a network of package
// arch, and what else they say is JSON of our own kinds.
func withoutPrefix(text map[string]string) bool {
	if _, err := arch.New(text[keyNetwork], arch.Options{}); err != nil {
		return false
	}
	for key, value := range map[string]any{keyOptions: &arch.Options{}, keyPreprocessing: &vision.Preprocessing{}, keyLabels: &[]recipe.Label{}} {
		if text[key] == "" {
			if key == keyOptions {
				return false // which every network of ours has
			}
			continue
		}
		strict := json.NewDecoder(strings.NewReader(text[key]))
		strict.DisallowUnknownFields()
		if strict.Decode(value) != nil {
			return false
		}
	}
	return true
}
