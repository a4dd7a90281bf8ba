package features

import "github.com/seed-fb2c0fa6/inception/vision"

// About says what features are: those of the same are alike, and compare.
type About struct {
	Network string `json:"network"`
	// Weights is the path of their file, and Fingerprint its SHA-256 (evaluate.Fingerprint);
	// empty where it is not known.
	Weights     string `json:"weights"`
	Fingerprint string `json:"weights_sha256,omitempty"`
	// Precision is that of the network's arithmetic (arch.Precision).
	Precision string `json:"precision,omitempty"`
	// Layer is the end point (arch.Outputs) that the values are of.
	Layer string `json:"layer"`
	// Shape is that of one photograph's values.
	Shape []int `json:"shape"`
	// Normalized is whether each photograph's values have the Euclidean length 1.
	Normalized    bool                 `json:"l2_normalized"`
	Preprocessing vision.Preprocessing `json:"preprocessing"`
	Decoding      Decoding             `json:"decoding,omitzero"`
}

// Decoding is how files become photographs, where not as usual (vision.DecodeOptions).
type Decoding struct {
	IgnoreOrientation bool `json:"ignore_orientation,omitempty"`
	AllowTruncated    bool `json:"allow_truncated,omitempty"`
	Exact             bool `json:"exact,omitempty"`
}

// values is how many one photograph has.
func (a About) values() int {
	n := 1
	for _, axis := range a.Shape {
		n *= axis
	}
	return n
}
