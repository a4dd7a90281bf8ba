package explain

import (
	"context"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// ClassActivation is class activation mapping (Zhou et al., arXiv 1512.04150). It is exact for
// networks that end in average pooling and one dense layer (arch.Network.CheckClassMaps), and
// others are an error.
type ClassActivation struct{}

func (ClassActivation) open(_ context.Context, c *predict.Classifier) (*opened, error) {
	n, size := c.Network(), c.Preprocessing().Size
	if err := n.CheckClassMaps(); err != nil {
		return nil, fmt.Errorf("%w; Grad-CAM explains others", err)
	}
	grid, err := n.Grid("", size, size)
	if err != nil {
		return nil, err
	}
	classes, cells := n.Options().Classes, grid.Height*grid.Width
	return &opened{
		about: Meaning{
			Title: "Class activation mapping", Source: "Zhou et al., arXiv 1512.04150",
			Values: "A cell's value is what the last block's features there add to the logit: the mean of all cells and the class's bias are the logit.",
			Signed: true,
		},
		height: grid.Height, width: grid.Width, batch: c.Batch(),
		compute: func(ctx context.Context, pixels []float32, class choice) ([]float32, error) {
			all, err := c.ClassMaps(ctx, pixels)
			if err != nil {
				return nil, err
			}
			var values []float32
			for len(all) > 0 {
				logits, maps := all[:classes], all[classes:][:cells*classes]
				values = append(values, logits...)
				for i := class(logits); i < len(maps); i += classes {
					values = append(values, maps[i])
				}
				all = all[classes*(1+cells):]
			}
			return values, nil
		},
		parts: func(logit float64, _ int, m Map) Parts {
			mean := m.Sum() / float64(len(m.Values))
			return Parts{{"mean of the map", mean}, {"bias", logit - mean}}
		},
	}, nil
}
