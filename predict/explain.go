package predict

import (
	"context"
	"iter"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// An Explanation says which parts of a photograph speak for which classes.
type Explanation struct {
	Photo
	// Crop is what the network sees of the photograph, Size x Size pixels.
	Crop *vision.Image
	// Maps are the classes' activation maps, over the crop.
	Maps ClassMaps
}

// ClassMaps says how much each cell of a grid over an image adds to each class's logit. A
// map's mean and the class's bias are the logit (Zhou et al., arXiv 1512.04150). Values above
// 0 speak for the class, and those below against it.
type ClassMaps struct {
	// Height and Width are the grid's.
	Height, Width int

	classes int
	values  []float32 // [height, width, classes]
}

// Of returns the map of a class, which is an index into Result.Logits: [Height, Width], rows
// first.
func (m ClassMaps) Of(class int) []float32 {
	values := make([]float32, m.Height*m.Width)
	for i := range values {
		values[i] = m.values[i*m.classes+class]
	}
	return values
}

// EachExplanation is Each with explanations. Networks whose logits are no sums over a grid's
// cells (arch.Network.CheckClassMaps) are an error.
func (c *Classifier) EachExplanation(ctx context.Context, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), use func(Explanation) error) error {
	grid, err := c.classMapsGrid()
	if err != nil {
		return err
	}
	classes := c.network.Options().Classes
	return c.each(ctx, names, open, c.explain, func(o opened, values []float32) error {
		e := Explanation{Photo: o.photo, Crop: o.crop}
		if e.Err == nil {
			e.Result = c.result(values[:classes:classes])
			e.Maps = ClassMaps{Height: grid[0], Width: grid[1], classes: classes, values: values[classes:]}
		}
		return use(e)
	})
}

// classMapsGrid returns the height and width of the maps.
func (c *Classifier) classMapsGrid() ([2]int, error) {
	if err := c.network.CheckClassMaps(); err != nil {
		return [2]int{}, err
	}
	height, width, err := c.network.Grid(c.preprocessing.Size, c.preprocessing.Size)
	return [2]int{height, width}, err
}

// explain computes logits, and the maps after them.
func (c *Classifier) explain(ctx context.Context, pixels []float32) ([]float32, error) {
	return c.programs.run(ctx, classMaps, pixels)
}

// classMaps stands for logits with maps where programs have the name of an end point, which
// has no such character.
const classMaps = "\x00class maps"

// withClassMaps is [batch, classes + height * width * classes].
func withClassMaps(outputs *arch.Outputs) (*graph.Node, error) {
	maps, err := outputs.ClassMaps()
	if err != nil {
		return nil, err
	}
	batch := maps.Shape().Dimensions[0]
	return graph.Concatenate([]*graph.Node{outputs.Logits, graph.Reshape(maps, batch, maps.Shape().Size()/batch)}, 1), nil
}
