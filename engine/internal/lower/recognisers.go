package lower

import "github.com/seed-fb2c0fa6/inception/engine/internal/graph"

// A recogniser takes a node, with what it can compute on its way, if it knows it.
type recogniser struct {
	name string
	why  string // it stands where it stands
	take func(*lowering, *graph.Node) bool
}

// recognisers is in the order in which they are asked: what takes several nodes comes
// before what takes one of them.
var recognisers = []recogniser{
	{"convolution", "takes batch norm, bias, residual and ReLU after it", (*lowering).convolution},
	{"reversal", "of a window, that convolutions do themselves", (*lowering).reversal},
	{"batch norm", "takes ReLU after it, and the gradient of that", (*lowering).normalization},
	{"weight gradient", "a convolution with other axes, so that the first does not know it", (*lowering).weightGradient},
	{"dense gradient", "takes a transposition after it", (*lowering).denseGradient},
	{"dense", "takes bias and ReLU after it", (*lowering).dense},
	{"pooling", "takes the division by the number of cells after it", (*lowering).pooling},
	{"max pooling gradient", "is one node", (*lowering).maxGradient},
	{"mean gradient", "begins with a division, so before the elements' operations", (*lowering).meanGradient},
	{"mean", "takes a factor after it, so before reductions", (*lowering).mean},
	{"concatenation", "is no work where its parts can be written in place", (*lowering).concatenation},
	{"channels", "a slice that is a part of what is sliced is no work", (*lowering).channels},
	{"view", "is no work, so before reshaping", (*lowering).view},
	{"reshaping", "copies what is not a view", (*lowering).reshaping},
	{"padding", "of height and width", (*lowering).padding},
	{"square", "that is only summed, by the reduction after it, so before the elements' operations", (*lowering).square},
	{"reduction", "takes the square before it", (*lowering).reduction},
	{"random", "takes the conversion of the bits after it", (*lowering).random},
	{"integers", "are widened by what computes with them", (*lowering).unsigned},
	{"quantization", "begins with a factor, so before the elements' operations", (*lowering).quantization},
	{"sum", "of bfloat16, where gradients are added", (*lowering).sum},
	{"conversion", "between precisions is no work where what is around it does it", (*lowering).conversion},
	{"elementwise", "takes all before it that only it needs, so last", (*lowering).elementwise},
}
