package predict

import (
	"context"
	"iter"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// Pooled is the end point of the features that most uses want: the channels of the last block,
// pooled over the grid.
const Pooled = "global_pool"

// Features are the values of a stage of the network for one of many photographs.
type Features struct {
	Name string
	// Width and Height are those of the photograph in pixels, as it is seen upright.
	Width, Height int
	// Crop is what the network sees of the photograph, Size x Size pixels; nil where something
	// else than the preprocessing prepares it.
	Crop *vision.Image
	// Values has the shape of Classifier.EndPointShape, the last axis fastest.
	Values []float32
	// Err is why the photograph could not be opened, or score.ErrNotFinite; the other fields but
	// Name are zero then.
	Err error
}

// EndPointShape returns the shape of a stage's values for one image: height, width, channels;
// or features. An unknown name is an error that lists the known ones.
func (c *Classifier) EndPointShape(name string) ([]int, error) {
	return c.network.EndPointShape(name, c.preprocessing.Size, c.preprocessing.Size)
}

// Features returns the values of the stage of the given name (arch.Outputs), such as Pooled,
// for photographs of any sizes, in their order. The network runs as for Predict, but no
// further than the stage.
func (c *Classifier) Features(ctx context.Context, endPoint string, images ...*vision.Image) ([][]float32, error) {
	if _, err := c.EndPointShape(endPoint); err != nil {
		return nil, err
	}
	return c.valuesOf(ctx, images, c.upTo(endPoint))
}

// EachFeatures is Each for the values of a stage of the network in place of classes.
func (c *Classifier) EachFeatures(ctx context.Context, endPoint string, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), use func(Features) error) error {
	if _, err := c.EndPointShape(endPoint); err != nil {
		return err
	}
	return c.each(ctx, names, open, c.upTo(endPoint), func(o opened, values []float32) error {
		return use(Features{Name: o.photo.Name, Width: o.photo.Width, Height: o.photo.Height, Crop: o.crop, Values: values, Err: o.photo.Err})
	})
}

// EachPreparedFeatures is EachFeatures of what prepare makes of photographs, in place of the
// preprocessing: it writes what the network takes to dst, [size, size, 3]. It is called from
// several goroutines.
func (c *Classifier) EachPreparedFeatures(ctx context.Context, endPoint string, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error),
	prepare func(dst []float32, m *vision.Image) error, use func(Features) error) error {
	if _, err := c.EndPointShape(endPoint); err != nil {
		return err
	}
	return c.eachPrepared(ctx, c.batch, names, open, prepare, c.upTo(endPoint), func(o opened, values []float32) error {
		return use(Features{Name: o.photo.Name, Width: o.photo.Width, Height: o.photo.Height, Values: values, Err: o.photo.Err})
	})
}

func (c *Classifier) upTo(endPoint string) computation {
	return func(ctx context.Context, pixels []float32) ([]float32, error) {
		return c.EndPoint(ctx, endPoint, pixels)
	}
}

// toLogitsAndPooled is [batch, classes + features].
type toLogitsAndPooled struct{}

func (toLogitsAndPooled) node(o *arch.Outputs, _ *graph.Node) (*graph.Node, error) {
	pooled, err := o.EndPoint(Pooled)
	if err != nil {
		return nil, err
	}
	return graph.Concatenate([]*graph.Node{o.Logits, pooled}, 1), nil
}

// Normalize divides values by their Euclidean length, so that it becomes 1: inner products of
// such are cosines. Values that are all zero, which have no direction, are left so.
func Normalize(values []float32) {
	var squares float64
	for _, v := range values {
		squares += float64(v) * float64(v)
	}
	if squares == 0 {
		return
	}
	length := math.Sqrt(squares)
	for i, v := range values {
		values[i] = float32(float64(v) / length)
	}
}
