package train

import "github.com/gomlx/gomlx/core/graph"

// A spreader repeats a scalar in tensors' shapes, by way of one value for each channel,
// which backends fuse into operations element by element.
type spreader struct {
	scalar  *graph.Node
	byWidth map[int]*graph.Node
}

func newSpreader(scalar *graph.Node) *spreader {
	return &spreader{scalar, map[int]*graph.Node{}}
}

// like returns the scalar in the shape of x, which has an axis at least.
func (s *spreader) like(x *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	last := len(dims) - 1
	channels, ok := s.byWidth[dims[last]]
	if !ok {
		channels = graph.BroadcastToDims(s.scalar, dims[last])
		s.byWidth[dims[last]] = channels
	}
	if last == 0 {
		return channels
	}
	return graph.BroadcastPrefix(channels, dims[:last]...)
}
