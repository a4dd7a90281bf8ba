package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/evaluate"
	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// about says what the features of a layer are that a classifier computes.
func (f *classifierFlags) about(c *predict.Classifier, weights, layer string) (features.About, error) {
	shape, err := c.EndPointShape(layer)
	if err != nil {
		return features.About{}, usageError{fmt.Errorf("--layer: %w", err)}
	}
	fingerprint, err := evaluate.Fingerprint(weights)
	if err != nil {
		return features.About{}, err
	}
	return features.About{
		Network: c.Network().Name(), Weights: weights, Fingerprint: fingerprint, Precision: string(c.Network().Options().Precision),
		Layer: layer, Shape: shape, Preprocessing: c.Preprocessing(),
		Decoding: features.Decoding{IgnoreOrientation: !f.decode.orient, AllowTruncated: f.decode.allowTruncated, Exact: f.decode.exact},
	}, nil
}

// alike takes, before check, what features were computed with where no flag says otherwise. Flags that are given
// stay, and so do those for whose weights others are given.
func (f *classifierFlags) alike(cmd *cobra.Command, a features.About) {
	given := cmd.Flags().Changed
	if !given("weights") && !given("model") {
		f.model, f.weights = a.Network, a.Weights
		f.preprocessing.alike(given, a.Preprocessing)
		if !given("precision") && a.Precision != "" && arch.Precision(a.Precision) != arch.Int8 {
			f.precision = a.Precision // int8 is that of the weights
		}
	}
	for flag, set := range map[string]func(){
		"orient":          func() { f.decode.orient = !a.Decoding.IgnoreOrientation },
		"allow-truncated": func() { f.decode.allowTruncated = a.Decoding.AllowTruncated },
		"exact-decode":    func() { f.decode.exact = a.Decoding.Exact },
	} {
		if !given(flag) {
			set()
		}
	}
}

// alike sets what flags have as they are written, which check reads.
func (f *preprocessingFlags) alike(given func(flag string) bool, p vision.Preprocessing) {
	for flag, set := range map[string]func(){
		"size":          func() { f.size = p.Size },
		"crop":          func() { f.crop = p.Crop },
		"interpolation": func() { f.named = p.Interpolation.String() },
		"resize":        func() { f.fit = string(p.Fit) },
		"mean":          func() { f.mean = channelsText(p.Mean) },
		"std":           func() { f.std = channelsText(p.Std) },
		"alpha":         func() { f.namedAlpha = p.Alpha.String() },
	} {
		if !given(flag) {
			set()
		}
	}
}

// channelsText is what channels reads as three values.
func channelsText(values [3]float32) string {
	return fmt.Sprintf("%v,%v,%v", values[0], values[1], values[2])
}
