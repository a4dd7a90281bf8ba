package arch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// CheckGradients returns an error unless the network's logits have gradients that are as
// exact as float32.
func (n *Network) CheckGradients() error {
	if !n.options.HasClasses() {
		return fmt.Errorf("%s has no logits to take gradients of", n.Name())
	}
	if p := n.options.Precision; p != "" && p != Float32 {
		return fmt.Errorf("%s computes in %s, and gradients of its logits need %s", n.Name(), p, Float32)
	}
	return nil
}

// Gradient returns the gradient of a sum of logits with respect to the images that Graph was
// given, shaped as they are. of is shaped [batch, classes], and says how often each logit is in
// the sum: 1 for the class that is meant of an image, and 0 elsewhere.
func (o *Outputs) Gradient(of *graph.Node) (*graph.Node, error) {
	return o.gradient(of, o.images)
}

// GradCAM returns what Selvaraju et al. (arXiv 1610.02391) call Grad-CAM: the channels of a stage,
// each times the mean over the grid of its gradient, summed; and 0 for sums below that. The
// stage is one of those that Network.Grids lists. of is as for Gradient. It is shaped [batch,
// height, width].
func (o *Outputs) GradCAM(endPoint string, of *graph.Node) (*graph.Node, error) {
	stage, err := o.EndPoint(endPoint)
	if err != nil {
		return nil, err
	}
	if stage.Rank() != 4 {
		return nil, fmt.Errorf("the end point %s has no grid", endPoint)
	}
	gradient, err := o.gradient(of, stage)
	if err != nil {
		return nil, err
	}
	weights := graph.ReduceAndKeep(gradient, graph.ReduceMean, 1, 2)
	return graph.MaxScalar(graph.ReduceSum(graph.Mul(stage, weights), 3), 0), nil
}

func (o *Outputs) gradient(of, with *graph.Node) (gradient *graph.Node, err error) {
	if err := o.network.CheckGradients(); err != nil {
		return nil, err
	}
	err = exceptions.TryCatch[error](func() {
		gradient = graph.Gradient(graph.ReduceAllSum(graph.Mul(o.Logits, of)), with)[0]
	})
	return gradient, err
}

// A Grid is an end point that is an image of features.
type Grid struct {
	Name                    string
	Height, Width, Channels int
}

// Grids returns the end points that are grids for images of the given size, in the order of the
// network. The last is what the head pools.
func (n *Network) Grids(height, width int) ([]Grid, error) {
	_, b, err := n.describe(height, width)
	if err != nil {
		return nil, err
	}
	var all []Grid
	for name, x := range b.endPoints {
		if len(x.shape) == 4 {
			all = append(all, Grid{name, x.shape[1], x.shape[2], x.shape[3]})
		}
	}
	slices.SortFunc(all, func(x, y Grid) int {
		return cmp.Or(cmp.Compare(b.endPoints[x.Name].layer, b.endPoints[y.Name].layer), cmp.Compare(y.Name, x.Name))
	})
	return all, nil
}

// Grid returns the one of a name among Grids, or the last where the name is empty. An unknown
// name is an error that lists the known ones.
func (n *Network) Grid(name string, height, width int) (Grid, error) {
	all, err := n.Grids(height, width)
	if err != nil {
		return Grid{}, err
	}
	if name == "" {
		return all[len(all)-1], nil
	}
	var names []string
	for _, g := range all {
		if g.Name == name {
			return g, nil
		}
		names = append(names, g.Name)
	}
	return Grid{}, fmt.Errorf("the network has no end point %q with a grid; those are %s", name, strings.Join(names, ", "))
}
