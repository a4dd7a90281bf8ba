package explain

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Method is a way to tell which parts of an image speak for a class: ClassActivation, GradCAM,
// Occlusion, IntegratedGradients or SmoothGrad. Their fields may be left at zero.
type Method interface {
	// open is an error where the method does not suit the classifier's network.
	open(ctx context.Context, c *predict.Classifier) (*opened, error)
}

// An opened method is one for a classifier.
type opened struct {
	about         Meaning
	height, width int // of maps
	batch         int // of images that compute takes
	// compute returns the logits of images, [batch, size, size, 3], and after those of each the
	// map of the class that is to be explained.
	compute func(ctx context.Context, pixels []float32, class choice) ([]float32, error)
	// parts is nil where maps and logits have no common sum.
	parts func(logit float64, class int, m Map) Parts
}

// A Meaning says what a method's maps are.
type Meaning struct {
	// Title is the method's name in the literature, and Source where it is described.
	Title, Source string
	// Values says in a sentence what the values of a map are.
	Values string
	// Signed is that of the maps.
	Signed bool
}

// A choice is the class of an image that is explained.
type choice func(logits []float32) int

// MostLikely stands for the class with the largest logit.
const MostLikely = -1

// choiceOf explains one class, or each image's most likely one.
func choiceOf(class int) choice {
	return func(logits []float32) int {
		if class != MostLikely {
			return class
		}
		return score.Top(logits, 1)[0]
	}
}

// An Explainer explains photographs by a method.
type Explainer struct {
	classifier *predict.Classifier
	method     *opened
}

// Open readies a method for a classifier, which is in use as long as the Explainer is. A network
// that the method cannot explain is an error that says why.
func Open(ctx context.Context, c *predict.Classifier, method Method) (*Explainer, error) {
	if !c.Network().Options().HasClasses() {
		return nil, fmt.Errorf("%s has no classes to explain", c.Network().Name())
	}
	m, err := method.open(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Explainer{c, m}, nil
}

// Meaning says what the maps are.
func (e *Explainer) Meaning() Meaning { return e.method.about }

// An Explanation is a photograph with a map of what speaks for a class.
type Explanation struct {
	predict.Photo
	// Crop is what the network sees of the photograph, and what the map is over.
	Crop *vision.Image
	// Class is the one that is explained, and Place its own among all, from 1.
	Class predict.Prediction
	Place int
	Map   Map
	Parts Parts
}

// Each explains photographs in the order of their names, as predict.Classifier.Each classifies
// them: one class, an index among the logits, or MostLikely. A class that the network does not
// have is an error.
func (e *Explainer) Each(ctx context.Context, class int, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), use func(Explanation) error) error {
	if classes := e.classifier.Network().Options().Classes; class != MostLikely && (class < 0 || class >= classes) {
		return fmt.Errorf("class %d is not among the network's %d, from 0", class, classes)
	}
	chosen := choiceOf(class)
	compute := func(ctx context.Context, pixels []float32) ([]float32, error) {
		return e.method.compute(ctx, pixels, chosen)
	}
	return e.classifier.EachExplanation(ctx, e.method.batch, names, open, compute, func(p predict.Explanation) error {
		x := Explanation{Photo: p.Photo, Crop: p.Crop}
		if p.Err == nil {
			all, index := p.Result.Top(len(p.Result.Logits)), chosen(p.Result.Logits)
			at := slices.IndexFunc(all, func(p predict.Prediction) bool { return p.Index == index })
			x.Class, x.Place = all[at], 1+at
			x.Map = Map{Height: e.method.height, Width: e.method.width, Values: p.Values, Signed: e.method.about.Signed}
			if e.method.parts != nil {
				x.Parts = e.method.parts(float64(x.Class.Logit), index, x.Map)
			}
		}
		return use(x)
	})
}

// Parts are what a logit is the sum of.
type Parts []Part

// A Part of a logit.
type Part struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}
