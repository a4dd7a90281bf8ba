package classify

import (
	"errors"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// Options say what a pipeline computes. They travel to the workers as JSON.
type Options struct {
	// Classifier is the network, and what becomes of photographs before it. Its Weights are a
	// file or a folder that every worker has under the same path, or the tag of public weights,
	// which each worker fetches, or an object of object storage (gs://, s3://), which each
	// worker copies. Its Batch does not change what is computed of a photograph, but for the
	// last digits.
	Classifier predict.Config
	// Engine are options of the engine, as engine.New takes them.
	Engine string
	// Decode is how files are decoded.
	Decode Decode
	// Top is how many classes a prediction has; at least 1.
	Top int
}

// Decode are those of vision.DecodeOptions that a pipeline may set.
type Decode struct {
	IgnoreOrientation bool
	MaxPixels         int
	MaxBytes          int64
	AllowTruncated    bool
	Exact             bool
}

// Check refuses options that no worker could use.
func (o Options) Check() error {
	switch {
	case o.Classifier.Weights == "":
		return errors.New("expected the weights of a network, found none")
	case o.Top < 1:
		return fmt.Errorf("expected at least 1 class of a photograph, found %d", o.Top)
	case o.Classifier.Batch < 0:
		return fmt.Errorf("expected a batch of at least 1 image, found %d", o.Classifier.Batch)
	}
	return engine.CheckConfig(o.Engine)
}

// decode are the options for photographs of a classifier.
func (o Options) decode(p vision.Preprocessing, reserve func(int64)) vision.DecodeOptions {
	return vision.DecodeOptions{
		IgnoreOrientation: o.Decode.IgnoreOrientation, MaxPixels: o.Decode.MaxPixels, MaxBytes: o.Decode.MaxBytes,
		AllowTruncated: o.Decode.AllowTruncated, Exact: o.Decode.Exact,
		ResizedTo: p.ResizedTo(), Alpha: p.Alpha, Reserve: reserve,
	}
}
