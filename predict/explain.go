package predict

import (
	"context"
	"fmt"
	"iter"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// An Explanation is a photograph with what was computed to explain its classes.
type Explanation struct {
	Photo
	// Crop is what the network sees of the photograph, Size x Size pixels.
	Crop *vision.Image
	// Values are those that EachExplanation's explain returned after the logits.
	Values []float32
}

// EachExplanation is Each with what explain returns of pixels, [batch, size, size, 3], in place
// of logits: those of each image, and as many values more for each.
func (c *Classifier) EachExplanation(ctx context.Context, batch int, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error),
	explain func(ctx context.Context, pixels []float32) ([]float32, error), use func(Explanation) error) error {
	if err := c.checkClasses(); err != nil {
		return err
	}
	classes := c.network.Options().Classes
	return c.eachPrepared(ctx, batch, names, open, nil, explain, func(o opened, values []float32) error {
		e := Explanation{Photo: o.photo, Crop: o.crop}
		if e.Err == nil {
			e.Result, e.Values = c.result(values[:classes:classes]), values[classes:]
		}
		return use(e)
	})
}

// Batch is how many images run through the network at a time.
func (c *Classifier) Batch() int { return c.batch }

// ClassMaps returns logits, and after those of each image its maps, [height, width, classes], of
// images as Logits takes them: [batch, classes + height * width * classes] (arch.Outputs.ClassMaps).
func (c *Classifier) ClassMaps(ctx context.Context, pixels []float32) ([]float32, error) {
	if err := c.network.CheckClassMaps(); err != nil {
		return nil, err
	}
	return c.programs.run(ctx, toClassMaps{}, pixels, nil)
}

type toClassMaps struct{}

func (toClassMaps) node(o *arch.Outputs, _ *graph.Node) (*graph.Node, error) {
	maps, err := o.ClassMaps()
	if err != nil {
		return nil, err
	}
	batch := maps.Shape().Dimensions[0]
	return graph.Concatenate([]*graph.Node{o.Logits, graph.Reshape(maps, batch, maps.Shape().Size()/batch)}, 1), nil
}

// Gradient returns the gradient of a logit with respect to the pixels, [batch, size, size, 3],
// for images as Logits takes them: classes has the index of the logit for each image. It needs
// float32 (arch.Network.CheckGradients).
func (c *Classifier) Gradient(ctx context.Context, pixels []float32, classes []int) ([]float32, error) {
	return c.ofLogits(ctx, toGradient{}, pixels, classes)
}

type toGradient struct{}

func (toGradient) node(o *arch.Outputs, shares *graph.Node) (*graph.Node, error) {
	return o.Gradient(shares)
}

// GradCAM returns maps, [batch, height, width] of the end point of the given name
// (arch.Outputs.GradCAM), for images and classes as Gradient takes them.
func (c *Classifier) GradCAM(ctx context.Context, endPoint string, pixels []float32, classes []int) ([]float32, error) {
	return c.ofLogits(ctx, toGradCAM{endPoint}, pixels, classes)
}

type toGradCAM struct{ endPoint string }

func (to toGradCAM) node(o *arch.Outputs, shares *graph.Node) (*graph.Node, error) {
	return o.GradCAM(to.endPoint, shares)
}

// ofLogits runs a program for gradients of one logit of each image.
func (c *Classifier) ofLogits(ctx context.Context, of output, pixels []float32, classes []int) ([]float32, error) {
	if err := c.network.CheckGradients(); err != nil {
		return nil, err
	}
	if len(classes)*c.programs.imageValues() != len(pixels) {
		return nil, fmt.Errorf("found %d classes for %d values, expected one for each image of %d", len(classes), len(pixels), c.programs.imageValues())
	}
	all := c.network.Options().Classes
	shares := make([]float32, len(classes)*all)
	for i, class := range classes {
		if class < 0 || class >= all {
			return nil, fmt.Errorf("class %d is not among the %d of %s, from 0", class, all, c.network.Name())
		}
		shares[i*all+class] = 1
	}
	return c.programs.run(ctx, of, pixels, shares)
}
