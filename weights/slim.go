package weights

import (
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// irregular are the layers of TF-slim's Inception-v3 whose names do not follow the order
// of their branches, by the names that they have here.
var irregular = map[string]string{
	"InceptionV3/Mixed_5c/Branch_1/Conv2d_0a_1x1": "InceptionV3/Mixed_5c/Branch_1/Conv2d_0b_1x1",
	"InceptionV3/Mixed_5c/Branch_1/Conv2d_0b_5x5": "InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5",
	"InceptionV3/Mixed_7b/Branch_1/Conv2d_0c_3x1": "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1",
	"InceptionV3/Logits/Logits":                   "InceptionV3/Logits/Conv2d_1c_1x1",
}

func slimNames(parameters []arch.Parameter) ([]string, error) {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		layer, tensor := splitTensor(p.Name)
		if other, ok := irregular[layer]; ok {
			layer = other
		}
		names[i] = layer + "/" + tensor
	}
	return names, nil
}

// slimShape is that of a 1x1 convolution for the logits of Inception-v3.
func slimShape(name string, shape []int) []int {
	switch name {
	case "InceptionV3/Logits/Logits/weights", "InceptionV3/AuxLogits/Conv2d_2b_1x1/weights":
		return append([]int{1, 1}, shape...)
	}
	return shape
}

// slimAuxiliary tells the tensors of heads beside the network's own: the auxiliary one,
// and what facenet trains its embedding with, which is outside the network's scope.
func slimAuxiliary(name string) bool {
	return strings.Contains(name, "/AuxLogits/") || name == "centers" || strings.HasPrefix(name, "Logits/")
}
