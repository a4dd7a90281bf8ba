package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// layer adds one call of a layer.
func (b *builder) layer(l layer, in []int, path []string, depth int) ([]int, error) {
	c, err := l.config()
	if err != nil {
		return nil, err
	}
	name := l.called(c)
	if isModel(l.Class) {
		return b.model(l, in, append(slices.Clone(path), name), depth+1)
	}
	if l.Class == "InputLayer" {
		b.side(c)
		return in, nil
	}
	b.side(c) // the first layer of a Sequential
	if len(b.graph.Nodes) > nodeLimit {
		return nil, fmt.Errorf("a model of more than %d layers", nodeLimit)
	}
	out, err := b.operation(l, c, name, in, path)
	if err != nil {
		return nil, fmt.Errorf("layer %.100q (%.100s): %w", name, l.Class, err)
	}
	return []int{out}, nil
}

func (b *builder) operation(l layer, c config, name string, in []int, path []string) (int, error) {
	node := tensorfile.Node{Name: name, Inputs: in, Same: c.Padding == "same", Stride: c.Strides}
	if c.DataFormat == "channels_first" {
		return 0, fmt.Errorf("channels come first, expected channels_last")
	}
	class := l.Class[strings.LastIndexByte(l.Class, '>')+1:]
	several := class == "Concatenate" || class == "Add" || class == "Lambda" || class == "CustomScaleLayer"
	if several && len(in) == 0 {
		return 0, fmt.Errorf("no inputs")
	}
	if !several && len(in) != 1 {
		return 0, fmt.Errorf("%d inputs, expected one", len(in))
	}
	switch class {
	case "Conv2D", "Convolution2D":
		if c.Dilation != (pair{1, 1}) && c.Dilation != (pair{}) || c.Groups != nil && *c.Groups != 1 {
			return 0, fmt.Errorf("dilation or groups, which no Inception network has")
		}
		node.Op, node.Window = tensorfile.OpConvolution, c.KernelSize
		return b.weighted(node, c, path)
	case "Dense":
		node.Op = tensorfile.OpDense
		return b.weighted(node, c, path)
	case "BatchNormalization", "BatchNormalizationV1", "SyncBatchNormalization":
		node.Op, node.Epsilon = tensorfile.OpBatchNorm, c.Epsilon
		if node.Epsilon == 0 {
			node.Epsilon = 1e-3
		}
		var err error
		node.Tensors, err = b.tensors(path, name, []string{tensorfile.RoleMean, tensorfile.RoleVariance}, []string{tensorfile.RoleGamma, tensorfile.RoleBeta})
		return b.add(node), err
	case "Activation":
		return b.activation(in[0], name, c.Activation)
	case "ReLU":
		if c.MaxValue != nil || number(c.NegativeSlope) != 0 || number(c.Threshold) != 0 {
			return 0, fmt.Errorf("a ReLU with a largest value, a slope or a threshold")
		}
		node.Op, node.Function = tensorfile.OpActivation, tensorfile.FunctionRelu
	case "Softmax":
		node.Op, node.Function = tensorfile.OpActivation, tensorfile.FunctionSoftmax
	case "MaxPooling2D", "MaxPool2D":
		node.Op, node.Window = tensorfile.OpMaxPool, c.PoolSize
	case "AveragePooling2D", "AvgPool2D":
		node.Op, node.Window = tensorfile.OpAveragePool, c.PoolSize
	case "GlobalAveragePooling2D", "GlobalAvgPool2D":
		node.Op = tensorfile.OpGlobalAverage
	case "GlobalMaxPooling2D", "GlobalMaxPool2D":
		node.Op = tensorfile.OpGlobalMax
	case "Concatenate":
		node.Op = tensorfile.OpConcat
	case "Add":
		node.Op = tensorfile.OpAdd
	case "Flatten", "Reshape":
		node.Op = tensorfile.OpFlatten
	case "Dropout", "SpatialDropout2D", "AlphaDropout":
		node.Op, node.Factors = tensorfile.OpDropout, [][]float32{{float32(1 - c.Rate)}}
	case "GaussianNoise", "GaussianDropout", "ActivityRegularization", "Identity", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness":
		node.Op = tensorfile.OpSame // while it predicts
	case "Rescaling":
		return b.scaled(in[0], name, number(c.Scale), number(c.Offset))
	case "Lambda", "CustomScaleLayer":
		return b.residual(c, name, in)
	case "TFOpLambda", "TrueDivide", "Subtract", "Multiply", "Divide", "True_divide":
		return b.arithmetic(l, c, class, name, in)
	default:
		return 0, fmt.Errorf("a kind of layer that no Inception network and no head for one has")
	}
	if node.Stride == [2]int{} {
		node.Stride = node.Window
	}
	return b.add(node), nil
}

// weighted is a convolution or a dense layer, and its activation.
func (b *builder) weighted(node tensorfile.Node, c config, path []string) (int, error) {
	must := []string{tensorfile.RoleKernel}
	if c.UseBias == nil || *c.UseBias {
		must = append(must, tensorfile.RoleBias)
	}
	var err error
	if node.Tensors, err = b.tensors(path, node.Name, must, nil); err != nil {
		return 0, err
	}
	if node.Op == tensorfile.OpConvolution && node.Stride == [2]int{} {
		node.Stride = [2]int{1, 1}
	}
	return b.activation(b.add(node), node.Name, c.Activation)
}

// tensors finds those of a layer: below the names of its models, or of the last, or alone.
func (b *builder) tensors(path []string, name string, must, may []string) (map[string]tensorfile.Tensor, error) {
	find := func(role string) (tensorfile.Tensor, bool) {
		own := name + "/" + role
		for from := range len(path) + 1 {
			if t, ok := b.byName[strings.Join(append(slices.Clone(path[from:]), own), "/")]; ok {
				return t, true
			}
		}
		if all := b.bySuffix[own]; len(all) == 1 {
			return b.byName[all[0]], true
		}
		return tensorfile.Tensor{}, false
	}
	found := map[string]tensorfile.Tensor{}
	for _, role := range slices.Concat(must, may) {
		if t, ok := find(role); ok {
			found[role] = t
		} else if slices.Contains(must, role) {
			return nil, fmt.Errorf("the file has no tensor %.200q", strings.Join(append(slices.Clone(path), name, role), "/"))
		}
	}
	return found, nil
}

func (b *builder) activation(in int, name string, config json.RawMessage) (int, error) {
	function := ""
	if len(config) > 0 && string(config) != "null" {
		if err := json.Unmarshal(config, &function); err != nil {
			var named struct {
				Class  string `json:"class_name"`
				Config any    `json:"config"`
			}
			if err := json.Unmarshal(config, &named); err != nil {
				return 0, fmt.Errorf("an activation's name, found %.100q", config)
			}
			if text, ok := named.Config.(string); ok {
				function = text
			} else {
				function = named.Class
			}
		}
	}
	node := tensorfile.Node{Op: tensorfile.OpActivation, Name: name, Inputs: []int{in}}
	switch strings.ToLower(function) {
	case "", "linear":
		return in, nil
	case "relu":
		node.Function = tensorfile.FunctionRelu
	case "sigmoid":
		node.Function = tensorfile.FunctionSigmoid
	case "softmax":
		node.Function = tensorfile.FunctionSoftmax
	case "tanh":
		node.Function = tensorfile.FunctionTanh
	case "swish", "silu":
		node.Function = tensorfile.FunctionSwish
	default:
		return 0, fmt.Errorf("the activation %.100q; relu, sigmoid, softmax, tanh and swish are known", function)
	}
	return b.add(node), nil
}

// residual is a Lambda or a layer of Keras' Inception-ResNet-v2, which adds its second
// input times a scale to its first.
func (b *builder) residual(c config, name string, in []int) (int, error) {
	scale := number(c.Scale)
	var arguments struct {
		Scale *float64 `json:"scale"`
	}
	if len(c.Arguments) > 0 && json.Unmarshal(c.Arguments, &arguments) == nil && arguments.Scale != nil {
		scale = *arguments.Scale
	}
	if len(in) != 2 || math.IsNaN(scale) || scale == 0 {
		return 0, fmt.Errorf("a function of the program's own, which is not executed; only the sums of Inception-ResNet-v2, with a scale, are known")
	}
	return b.add(tensorfile.Node{Op: tensorfile.OpAdd, Name: name, Inputs: in, Factors: [][]float32{{1}, {float32(scale)}}}), nil
}

func (b *builder) scaled(in int, name string, scale, offset float64) (int, error) {
	if math.IsNaN(scale) || math.IsNaN(offset) {
		return 0, fmt.Errorf("a scale and an offset for each channel")
	}
	return b.add(tensorfile.Node{Op: tensorfile.OpScale, Name: name, Inputs: []int{in}, Factors: [][]float32{{float32(scale)}, {float32(offset)}}}), nil
}

// arithmetic is a division, a product or a difference with a number, as preprocessing
// inside a model has it.
func (b *builder) arithmetic(l layer, c config, class, name string, in []int) (int, error) {
	function := ""
	if len(c.Function) > 0 {
		_ = json.Unmarshal(c.Function, &function) // anything else is no name of a function
	}
	var calls []any
	if err := json.Unmarshal(l.Inbound, &calls); err != nil {
		return 0, err
	}
	y := operand(calls, 0)
	switch what := class + function; {
	case math.IsNaN(y):
	case strings.HasSuffix(what, "ivide"), strings.HasSuffix(what, "truediv"):
		return b.scaled(in[0], name, 1/y, 0)
	case strings.HasSuffix(what, "Subtract"), strings.HasSuffix(what, "math.subtract"), strings.HasSuffix(what, "operators__.sub"):
		return b.scaled(in[0], name, 1, -y)
	case strings.HasSuffix(what, "Multiply"), strings.HasSuffix(what, "math.multiply"):
		return b.scaled(in[0], name, y, 0)
	}
	return 0, fmt.Errorf("the function %.100q of more than a number; only divisions, products and differences with one are known", class+" "+function)
}

// operand is the number among a call's arguments, NaN where there is none.
func operand(v any, depth int) float64 {
	if depth > depthLimit {
		return math.NaN()
	}
	switch v := v.(type) {
	case []any:
		if _, isTensor := referenceOf(v); isTensor {
			if len(v) > 3 {
				return operand(v[3], depth+1)
			}
			return math.NaN()
		}
		for _, item := range v {
			if n, ok := item.(float64); ok {
				return n
			}
			if n := operand(item, depth+1); !math.IsNaN(n) {
				return n
			}
		}
	case map[string]any:
		if v["class_name"] == "__keras_tensor__" {
			return math.NaN()
		}
		for _, key := range []string{"y", "x2", "args", "kwargs"} {
			if n, ok := v[key].(float64); ok {
				return n
			}
			if inner, ok := v[key]; ok {
				if n := operand(inner, depth+1); !math.IsNaN(n) {
					return n
				}
			}
		}
	}
	return math.NaN()
}

// number is that of a field, NaN for anything else, nought where there is none.
func number(data json.RawMessage) float64 {
	if len(data) == 0 || string(data) == "null" {
		return 0
	}
	var n float64
	if json.Unmarshal(data, &n) != nil {
		return math.NaN()
	}
	return n
}
