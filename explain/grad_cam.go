package explain

import (
	"context"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// GradCAM is gradient-weighted class activation mapping (Selvaraju et al., arXiv 1610.02391): the
// channels of a layer, each weighted by its mean gradient, summed where that speaks for the
// class. It explains any head, and any stage of the network that has a grid.
type GradCAM struct {
	// Layer is an end point with a grid (arch.Network.Grids), the last one when empty.
	Layer string
}

func (m GradCAM) open(_ context.Context, c *predict.Classifier) (*opened, error) {
	n, size := c.Network(), c.Preprocessing().Size
	if err := checkGradients(c); err != nil {
		return nil, err
	}
	grid, err := n.Grid(m.Layer, size, size)
	if err != nil {
		return nil, err
	}
	classes, cells := n.Options().Classes, grid.Height*grid.Width
	return &opened{
		about: Meaning{
			Title: "Grad-CAM of " + grid.Name, Source: "Selvaraju et al., arXiv 1610.02391",
			Values: "A cell's value is the sum of the layer's channels there, each times the mean gradient of the logit with respect to it; 0 where that sum speaks against the class.",
		},
		height: grid.Height, width: grid.Width, batch: c.Batch(),
		compute: func(ctx context.Context, pixels []float32, class choice) ([]float32, error) {
			logits, err := c.Logits(ctx, pixels)
			if err != nil {
				return nil, err
			}
			chosen := make([]int, len(logits)/classes)
			for i := range chosen {
				chosen[i] = class(logits[i*classes:][:classes])
			}
			maps, err := c.GradCAM(ctx, grid.Name, pixels, chosen)
			if err != nil {
				return nil, err
			}
			var values []float32
			for i := range chosen {
				values = append(append(values, logits[i*classes:][:classes]...), maps[i*cells:][:cells]...)
			}
			return values, nil
		},
	}, nil
}
