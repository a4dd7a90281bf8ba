package arch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/support/exceptions"
)

// The kinds of layers.
const (
	Convolution       = "convolution"
	MaxPool           = "max_pool"
	AveragePool       = "average_pool"
	GlobalAveragePool = "global_average_pool"
	GlobalMaxPool     = "global_max_pool"
	Concat            = "concat"
	Sum               = "sum"
	Dropout           = "dropout"
	Dense             = "dense"
	BatchNorm         = "batch_norm" // that follows no other layer
	Elementwise       = "activation" // that follows no other layer
	Normalize         = "normalize"  // to Euclidean length 1
)

// imageInput stands for the images among a layer's inputs.
const imageInput = -1

// A Layer is one operation of a network as it was built. Batch norm and the
// activation belong to the layer that they follow.
type Layer struct {
	// Name is the TF-slim name with the network's scope.
	Name string `json:"name"`
	// Kind is one of the constants above.
	Kind string `json:"kind"`
	// Inputs are the indices of the layers that this one reads; -1 is the images.
	Inputs []int `json:"inputs"`
	// Kernel is the window's height and width; zero where there is none.
	Kernel [2]int `json:"kernel"`
	// Stride is the same for both directions; zero where there is none.
	Stride int `json:"stride"`
	// Padding is "SAME" or "VALID", TensorFlow's terms; empty where there is none.
	Padding string `json:"padding"`
	// Activation is "relu", another of HeadActivations in a head, or empty.
	Activation string `json:"activation,omitempty"`
	// Scale is what a sum multiplies its second input with; zero elsewhere.
	Scale float64 `json:"scale,omitempty"`
	// Output is the shape for one image: height, width, channels; or features.
	Output []int `json:"output"`
	// Parameters counts the trainable ones: weights, biases, gamma and beta.
	Parameters int64 `json:"parameters"`
	// MultiplyAdds is per image.
	MultiplyAdds int64 `json:"multiply_adds"`
}

// A Description is a network as data.
type Description struct {
	Network string  `json:"network"`
	Height  int     `json:"height"`
	Width   int     `json:"width"`
	Layers  []Layer `json:"layers"`
	// Parameters and MultiplyAdds are the sums over the layers.
	Parameters   int64 `json:"parameters"`
	MultiplyAdds int64 `json:"multiply_adds"`
	// Tensors are the parameters in the order in which the network uses them,
	// batch norm's moving statistics among them.
	Tensors []Parameter `json:"-"`
}

// Describe goes through the network for one image of the given height and width and
// returns its layers. It builds no graph and needs no backend.
func (n *Network) Describe(height, width int) (*Description, error) {
	d, _, err := n.describe(height, width)
	return d, err
}

func (n *Network) describe(height, width int) (*Description, *builder, error) {
	if err := n.CheckSize(height, width); err != nil {
		return nil, nil, err
	}
	images := &value{shape: []int{1, height, width, 3}, layer: imageInput}
	b := newBuilder(n, nil, images)
	if err := exceptions.TryCatch[error](func() { b.build(images) }); err != nil {
		return nil, nil, fmt.Errorf("describe %s: %w", n.Name(), err)
	}
	d := &Description{Network: n.Name(), Height: height, Width: width, Layers: b.layers, Tensors: b.construction.parameters}
	for _, layer := range d.Layers {
		d.Parameters += layer.Parameters
		d.MultiplyAdds += layer.MultiplyAdds
	}
	return d, b, nil
}

// Parameters returns the names and shapes of the network's parameters in the
// order in which it uses them. They do not depend on the size of the images,
// except those of an auxiliary head, which are for 299 x 299.
func (n *Network) Parameters() ([]Parameter, error) {
	d, err := n.Describe(299, 299)
	if err != nil {
		return nil, err
	}
	return d.Tensors, nil
}

// ErrNoConvolution is wrapped by errors about names that no convolution has.
var ErrNoConvolution = errors.New("no convolution")

// Convolution returns the convolution of a name, with or without the network's scope; the first
// one of no name. An unknown name is an error that wraps ErrNoConvolution and lists the nearest
// ones.
func (d *Description) Convolution(name string) (Layer, error) {
	var names []string
	for _, l := range d.Layers {
		if l.Kind != Convolution {
			continue
		}
		_, short, _ := strings.Cut(l.Name, "/")
		if name == "" || name == short || name == l.Name {
			return l, nil
		}
		names = append(names, short)
	}
	const most = 10
	names = nearest(name, names)
	return Layer{}, fmt.Errorf("%s has %w %q; of its %d the nearest are %s", d.Network, ErrNoConvolution, name, len(names), strings.Join(names[:min(len(names), most)], ", "))
}

// Label is the layer's operation in a few words, such as "3x3 convolution / 2 V",
// where V marks VALID padding as in the paper's figures.
func (l Layer) Label() string {
	var s strings.Builder
	if l.Kernel[0] > 0 {
		fmt.Fprintf(&s, "%dx%d ", l.Kernel[0], l.Kernel[1])
	}
	s.WriteString(strings.ReplaceAll(l.Kind, "_", " "))
	if l.Stride > 1 {
		fmt.Fprintf(&s, " / %d", l.Stride)
	}
	if l.Padding == "VALID" {
		s.WriteString(" V")
	}
	return s.String()
}

// record appends a layer to the description and returns its output. The parameters are
// those that were added since their count was the given one.
func (b *builder) record(name string, layer Layer, w window, parametersBefore int, output *value, inputs ...*value) *value {
	layer.Name = b.full(name)
	layer.Output = output.shape[1:]
	for _, input := range inputs {
		layer.Inputs = append(layer.Inputs, input.layer)
	}
	if w.height > 0 {
		layer.Kernel, layer.Stride, layer.Padding = [2]int{w.height, w.width}, w.stride, "SAME"
		if w.valid {
			layer.Padding = "VALID"
		}
	}
	for _, p := range b.parameters[parametersBefore:] {
		if p.Trainable {
			layer.Parameters += int64(p.Size())
		}
	}
	recorded := *output // which may be what came before, too
	recorded.layer = len(b.layers)
	b.layers, b.outputs = append(b.layers, layer), append(b.outputs, &recorded)
	return &recorded
}

func (b *builder) parameterCount() int { return len(b.parameters) }

// multiplyAdds counts those of a convolution for one image.
func multiplyAdds(x, y *value, w window) int64 {
	return int64(w.height) * int64(w.width) * int64(x.channels()) * int64(y.shape[1]) * int64(y.shape[2]) * int64(y.channels())
}
