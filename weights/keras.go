package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// kerasTensors maps the parameters of a layer; batch norm is a layer of its own.
var kerasTensors = map[string]string{
	"weights": "kernel", "biases": "bias",
	"BatchNorm/gamma": "gamma", "BatchNorm/beta": "beta", "BatchNorm/moving_mean": "moving_mean", "BatchNorm/moving_variance": "moving_variance",
}

// isKerasName tells the name of a layer's tensor, the last two parts of a path, with the
// number that TensorFlow puts behind it or without.
func isKerasName(name string) bool {
	layer, tensor, ok := kerasPath(name)
	return ok && (strings.HasPrefix(layer, "conv2d") && tensor == "kernel" || strings.HasPrefix(layer, "batch_normalization") && tensor == "moving_mean")
}

func kerasPath(name string) (layer, tensor string, ok bool) {
	name = strings.TrimSuffix(name, ":0")
	cut := strings.LastIndexByte(name, '/')
	if cut <= 0 {
		return "", "", false
	}
	layer, tensor = name[:cut], name[cut+1:]
	return layer[strings.LastIndexByte(layer, '/')+1:], tensor, true
}

var counted = regexp.MustCompile(`^(conv2d|batch_normalization)(?:_([0-9]+))?$`)

// countedLayers gives layers that Keras has counted their places: numbers go on from one
// network to the next in a program, so that the first may have any. The only dense layer of
// a file is the one that makes predictions, whatever it is called.
func countedLayers(tensors []tensorfile.Tensor) []tensorfile.Tensor {
	type path struct{ layer, tensor string }
	paths := make([]path, len(tensors))
	numbers := map[string][]int{}
	var dense []string
	number := func(layer string) (kind string, n int, ok bool) {
		parts := counted.FindStringSubmatch(layer)
		if parts == nil {
			return "", 0, false
		}
		n, _ = strconv.Atoi(parts[2]) // none is the first, before _1
		return parts[1], n, true
	}
	unique := map[path]int{}
	for i, t := range tensors {
		layer, tensor, ok := kerasPath(t.Name)
		if !ok {
			layer, tensor = "", t.Name
		}
		paths[i] = path{layer, tensor}
		unique[paths[i]]++
		if kind, n, ok := number(layer); ok && !slices.Contains(numbers[kind], n) {
			numbers[kind] = append(numbers[kind], n)
		}
		if tensor == "kernel" && len(t.Shape) == 2 {
			dense = append(dense, layer)
		}
	}
	for _, all := range numbers {
		slices.Sort(all)
	}
	renamed := slices.Clone(tensors)
	for i := range renamed {
		p := paths[i]
		if unique[p] > 1 || p.layer == "" {
			continue // in several models of one file: under its whole path
		}
		if kind, n, ok := number(p.layer); ok {
			p.layer = fmt.Sprintf("%s_%d", kind, 1+slices.Index(numbers[kind], n))
		}
		if len(dense) == 1 && p.layer == dense[0] {
			p.layer = "predictions"
		}
		renamed[i].Name = p.layer + "/" + p.tensor
	}
	return renamed
}

// kerasNames are those of keras.applications: convolutions and batch norms by their
// numbers in the order in which the network is built, but for the expansions and the last
// convolution of Inception-ResNet-v2.
func kerasNames(parameters []arch.Parameter) ([]string, error) {
	if len(parameters) == 0 {
		return nil, fmt.Errorf("no parameters to name")
	}
	scope, _, _ := strings.Cut(parameters[0].Name, "/")
	if scope != "InceptionV3" && !(scope == "InceptionResnetV2" && hasTimmLayout(scope, parameters)) {
		return nil, fmt.Errorf("%s is not a network that Keras has; inception_v3 and inception_resnet_v2 are", networkOf(scope)+ofPaper(parameters))
	}
	names := make([]string, len(parameters))
	numbers, last := map[string]int{}, 0
	for i, p := range parameters {
		layer, tensor := splitTensor(p.Name)
		if strings.Contains(layer, "/AuxLogits/") {
			return nil, fmt.Errorf("networks of Keras have no auxiliary head")
		}
		rest := strings.TrimPrefix(layer, scope+"/")
		conv, norm := "", ""
		switch {
		case strings.HasPrefix(rest, "Logits"):
			conv = "predictions"
			if hidden, ok := strings.CutPrefix(rest, "Logits/Hidden"); ok {
				conv, norm = "hidden"+strings.ToLower(hidden), "hidden"+strings.ToLower(hidden)+"_bn"
			}
		case rest == "Conv2d_7b_1x1":
			conv, norm = "conv_7b", "conv_7b_bn"
		case rest == "Block8/Conv2d_1x1":
			conv = "block8_10_conv"
		case strings.HasPrefix(rest, "Repeat") && strings.HasSuffix(rest, "/Conv2d_1x1") && !strings.Contains(rest, "/Branch_"):
			conv = strings.Split(rest, "/")[1] + "_conv" // block35_1_conv
		default:
			if numbers[layer] == 0 {
				last++
				numbers[layer] = last
			}
			conv, norm = fmt.Sprintf("conv2d_%d", numbers[layer]), fmt.Sprintf("batch_normalization_%d", numbers[layer])
		}
		if strings.HasPrefix(tensor, "BatchNorm/") {
			conv = norm
		}
		names[i] = conv + "/" + kerasTensors[tensor]
	}
	return names, nil
}
