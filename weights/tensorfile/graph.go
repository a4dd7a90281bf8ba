package tensorfile

// A Grapher is a File that says what its tensors are for.
type Grapher interface {
	// Graph returns the computation that the file carries; nil where it has none. What
	// the format cannot say in a Graph's terms is an error that names it.
	Graph() (*Graph, error)
}

// Kinds of nodes.
const (
	OpConvolution   = "convolution"    // kernel, and bias if there is one; Window, Stride, Padding
	OpDense         = "dense"          // kernel, and bias if there is one
	OpBatchNorm     = "batch norm"     // gamma, beta, mean, variance; Epsilon
	OpActivation    = "activation"     // Function
	OpMaxPool       = "max pool"       // Window, Stride, Padding
	OpAveragePool   = "average pool"   // Window, Stride, Padding, CountsPadding
	OpGlobalAverage = "global average" // over height and width
	OpGlobalMax     = "global max"
	OpConcat        = "concat" // of channels
	OpAdd           = "add"    // of inputs, each times its factor in Factors where there are any
	OpScale         = "scale"  // times Factors[0], then plus Factors[1]: one for all, or one a channel
	OpFlatten       = "flatten"
	OpNormalize     = "normalize" // features, to Euclidean length 1
	OpDropout       = "dropout"   // Factors[0] is the share that is kept
	OpSame          = "same"      // its input
)

// Functions of activations.
const (
	FunctionRelu    = "relu"
	FunctionSigmoid = "sigmoid"
	FunctionSoftmax = "softmax"
	FunctionTanh    = "tanh"
	FunctionSwish   = "swish"
)

// Roles of the tensors of a node.
const (
	RoleKernel   = "kernel"
	RoleBias     = "bias"
	RoleGamma    = "gamma"
	RoleBeta     = "beta"
	RoleMean     = "moving_mean"
	RoleVariance = "moving_variance"
)

// GraphInput stands for the images among a node's inputs.
const GraphInput = -1

// A Graph is a network as a file describes it.
type Graph struct {
	Nodes []Node
	// Output is the node whose values are the network's.
	Output int
	// Side is the height and width of the images that the file is for, 0 where it does not
	// say.
	Side int
	// OfImageNet is set where the model takes images less ImageNet's mean, divided by its
	// deviation, and makes values in [-1,1] of them itself, which GraphInput stands for.
	OfImageNet bool
}

// A Node is one operation.
type Node struct {
	Op string
	// Name is the file's.
	Name string
	// Inputs are the indices of nodes, or GraphInput.
	Inputs []int
	// Tensors are the operation's, by role. Kernels of convolutions are height, width,
	// inputs, outputs and those of dense layers inputs, outputs, unless ChannelsFirst: then
	// they are outputs, inputs, height, width and outputs, inputs.
	Tensors       map[string]Tensor
	ChannelsFirst bool
	// Window and Stride are height and width; Padding is what is put around: top, left,
	// bottom, right; where Same is set, what TensorFlow calls SAME.
	Window, Stride [2]int
	Padding        [4]int
	Same           bool
	CountsPadding  bool
	Function       string
	Epsilon        float64
	Factors        [][]float32
}
