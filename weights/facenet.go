package weights

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// facenetNames writes TF-slim's names in lower case, without kernels, as facenet-pytorch
// does; its convolutions with a bias are called conv2d.
func facenetNames(parameters []arch.Parameter) ([]string, error) {
	if len(parameters) == 0 || !strings.HasPrefix(parameters[0].Name, "InceptionResnetV1/") {
		return nil, fmt.Errorf("facenet-pytorch has inception_resnet_v1 alone")
	}
	places := placesOf(parameters)
	names := make([]string, len(parameters))
	for i, p := range parameters {
		layer, tensor := splitTensor(p.Name)
		at := places[layer]
		switch {
		case at.isHidden():
			return nil, fmt.Errorf("facenet-pytorch has no hidden layers in its head, such as %s", layer)
		case at.module == "" && at.layer == "Bottleneck":
			names[i] = map[string]string{
				"weights": "last_linear.weight", "BatchNorm/gamma": "last_bn.weight", "BatchNorm/beta": "last_bn.bias",
				"BatchNorm/moving_mean": "last_bn.running_mean", "BatchNorm/moving_variance": "last_bn.running_var",
			}[tensor]
			continue
		case at.module == "" && at.layer == "Logits", at.module == "Logits":
			names[i] = "logits" + timmTensors[tensor]
			continue
		}
		unit := at.module
		if unit == "" {
			unit = at.layer[:strings.LastIndexByte(at.layer, '_')]
		}
		name := strings.ToLower(unit)
		if repeat, block, ok := strings.Cut(name, "/"); ok {
			nth, err := strconv.Atoi(block[strings.LastIndexByte(block, '_')+1:])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.Name, err)
			}
			if repeat == "repeat" {
				repeat = "repeat_1"
			} else {
				n, err := strconv.Atoi(repeat[len("repeat_"):])
				if err != nil {
					return nil, fmt.Errorf("%s: %w", p.Name, err)
				}
				repeat = "repeat_" + strconv.Itoa(n+1)
			}
			name = repeat + "." + strconv.Itoa(nth-1)
		}
		switch {
		case at.module != "" && at.branch < 0:
			name += ".conv2d" // the expansion
		case at.module != "":
			name += timmBranch(at)
		}
		if at.batchNorm && tensor == "weights" {
			names[i] = name + ".conv.weight"
		} else {
			names[i] = name + timmTensors[tensor]
		}
	}
	return names, nil
}
