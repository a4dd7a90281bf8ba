package arch

import "github.com/gomlx/compute/dtypes"

// A Parameter names one tensor of a network and gives its shape.
type Parameter struct {
	// Name is the TF-slim name, such as
	// "InceptionV4/Mixed_5b/Branch_1/Conv2d_0b_3x3/weights".
	Name string `json:"name"`
	// Shape is in TensorFlow's axis order: kernel height, kernel width, input
	// channels, output channels for a convolution; inputs, classes for the
	// logits; channels for batch norm and biases.
	Shape []int `json:"shape"`
	// DType is the type of the elements: Float32, or Int8 for the weights of an int8
	// network. Zero is Float32, too.
	DType dtypes.DType `json:"-"`
	// Trainable is false for the moving statistics of batch norm and the scales of an
	// int8 network.
	Trainable bool `json:"trainable"`
}

// Size returns the number of elements.
func (p Parameter) Size() int {
	size := 1
	for _, n := range p.Shape {
		size *= n
	}
	return size
}
