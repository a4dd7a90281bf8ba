package arch

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// CheckClassMaps returns an error unless the network's logits are sums over the cells of the
// last block's grid, as ClassMaps takes them apart: a mean over the grid, and one dense layer.
func (n *Network) CheckClassMaps() error {
	refuse := func(why string) error {
		return fmt.Errorf("%s %s, and class activation maps are exact for a head of average pooling and one dense layer alone", n.Name(), why)
	}
	if !n.options.HasClasses() {
		return refuse("has no logits")
	}
	h := n.options.Head
	if h == nil {
		return nil
	}
	if h.Pooling == PoolMax {
		return refuse("takes the largest value of each channel")
	}
	for i, l := range h.Hidden {
		if l.Units > 0 || l.BatchNorm || l.Activation != "" {
			return refuse("has the layer " + l.name(i) + " before its logits")
		}
	}
	return nil
}

// ClassMaps returns what each cell of the last block's grid says for each class, shaped [batch,
// height, width, classes]: the cell's channels times the weights of the logits. Dropout apart,
// a map's mean over the cells and the class's bias are the logit (Zhou et al., arXiv
// 1512.04150).
func (o *Outputs) ClassMaps() (*graph.Node, error) {
	if err := o.network.CheckClassMaps(); err != nil {
		return nil, err
	}
	d := o.grid.Shape().Dimensions
	classes := o.network.options.Classes
	cells := graph.Reshape(o.grid, d[0]*d[1]*d[2], d[3])
	return graph.Reshape(graph.MatMul(cells, o.classWeights), d[0], d[1], d[2], classes), nil
}
