package weights

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// timmNames returns timm's name of each parameter. The parameters are all those
// of one network in the order of their use, for timm numbers some layers.
func timmNames(parameters []arch.Parameter) ([]string, error) {
	if len(parameters) == 0 {
		return nil, fmt.Errorf("no parameters to name")
	}
	network, _, _ := strings.Cut(parameters[0].Name, "/")
	name, ok := timmLayers[network]
	if !ok || !hasTimmLayout(network, parameters) {
		return nil, fmt.Errorf("%s is not a network that timm has; inception_v3, inception_v4 and inception_resnet_v2 are", networkOf(network)+ofPaper(parameters))
	}
	places := placesOf(parameters)
	names := make([]string, len(parameters))
	for i, p := range parameters {
		layer, tensor := splitTensor(p.Name)
		at := places[layer]
		switch {
		case at.module == "AuxLogits" && network != "InceptionV3":
			return nil, fmt.Errorf("timm's %s has no auxiliary head", networkOf(network))
		case at.isHidden():
			return nil, fmt.Errorf("timm's networks have no hidden layers in their heads, such as %s", layer)
		}
		names[i] = name(at) + timmTensors[tensor]
		if at.batchNorm && tensor == "weights" {
			names[i] = name(at) + ".conv.weight"
		}
	}
	return names, nil
}

// timmAxes are PyTorch's: outputs, inputs, height, width; classes, inputs.
func timmAxes(rank int) []int {
	switch rank {
	case 4:
		return []int{3, 2, 0, 1}
	case 2:
		return []int{1, 0}
	}
	return nil
}

// hasTimmLayout tells the released Inception-ResNet-v2 from the paper's, which
// has the same scope.
func hasTimmLayout(network string, parameters []arch.Parameter) bool {
	if network != "InceptionResnetV2" {
		return true
	}
	for _, p := range parameters {
		if strings.HasPrefix(p.Name, "InceptionResnetV2/Block8/") {
			return true
		}
	}
	return false
}

func networkOf(scope string) string {
	switch scope {
	case "InceptionV4":
		return "inception_v4"
	case "InceptionResnetV1":
		return "inception_resnet_v1"
	case "InceptionResnetV2":
		return "inception_resnet_v2"
	}
	return scope
}

// ofPaper is the ending of the name of the paper's own Inception-ResNet-v2.
func ofPaper(parameters []arch.Parameter) string {
	if strings.HasPrefix(parameters[0].Name, "InceptionResnetV2/") && !hasTimmLayout("InceptionResnetV2", parameters) {
		return "_paper"
	}
	return ""
}

// timmTensors maps the parameters of a layer.
var timmTensors = map[string]string{
	"weights":                   ".weight",
	"biases":                    ".bias",
	"BatchNorm/gamma":           ".bn.weight",
	"BatchNorm/beta":            ".bn.bias",
	"BatchNorm/moving_mean":     ".bn.running_mean",
	"BatchNorm/moving_variance": ".bn.running_var",
}

// timmLayers maps a layer, by the scope of its network.
var timmLayers = map[string]func(at place) string{
	"InceptionV3":       timmInceptionV3,
	"InceptionV4":       timmInceptionV4,
	"InceptionResnetV2": timmInceptionResnetV2,
}

// A place is where in its network a layer is: in InceptionV4/Mixed_7b/Branch_2/
// Conv2d_0d_1x3 the module is Mixed_7b, the branch 2, and the layer Conv2d_0d_1x3.
type place struct {
	module    string // without the network's scope: "Mixed_6a", "Repeat/block35_1"; empty for a layer of its own
	branch    int    // -1 outside branches
	layer     string
	ordinal   int // of the module, or of the layer outside modules, in the network
	position  int // of the layer in its branch, from 0
	count     int // of layers in the branch
	batchNorm bool
}

// isHidden reports whether the layer is one of a head before the logits.
func (p place) isHidden() bool { return p.module == "Logits" && p.layer != "Logits" }

// forked reports whether the last two layers of the branch are a 1x3 and a 3x1
// that read the same input, as in the 8 x 8 modules of Inception-v3 and v4.
func (p place) forked() bool {
	return strings.HasPrefix(p.module, "Mixed_7") && p.module != "Mixed_7a" && (p.branch == 1 || p.branch == 2)
}

// number is the layer's position in its branch, counted from first. Of a fork the
// two ends have one number, with a and b behind it.
func (p place) number(first int) string {
	switch {
	case p.forked() && p.position == p.count-2:
		return strconv.Itoa(first+p.position) + "a"
	case p.forked() && p.position == p.count-1:
		return strconv.Itoa(first+p.position-1) + "b"
	}
	return strconv.Itoa(first + p.position)
}

func splitTensor(name string) (layer, tensor string) {
	if layer, tensor, ok := strings.Cut(name, "/BatchNorm/"); ok {
		return layer, "BatchNorm/" + tensor
	}
	i := strings.LastIndexByte(name, '/')
	return name[:i], name[i+1:]
}

// placesOf finds the place of every layer that the parameters belong to.
func placesOf(parameters []arch.Parameter) map[string]place {
	places := map[string]place{}
	ordinals, positions := map[string]int{}, map[string]int{}
	var order []string
	for _, p := range parameters {
		full, tensor := splitTensor(p.Name)
		if at, ok := places[full]; ok {
			at.batchNorm = at.batchNorm || strings.HasPrefix(tensor, "BatchNorm/")
			places[full] = at
			continue
		}
		_, rest, _ := strings.Cut(full, "/")
		at := place{branch: -1, layer: rest}
		if i := strings.LastIndexByte(rest, '/'); i >= 0 {
			at.module, at.layer = rest[:i], rest[i+1:]
		}
		if module, branch, ok := strings.Cut(at.module, "Branch_"); ok {
			at.module = strings.TrimSuffix(module, "/")
			at.branch, _ = strconv.Atoi(branch)
		}
		unit := at.module
		if unit == "" {
			unit = at.layer
		}
		if _, ok := ordinals[unit]; !ok {
			ordinals[unit] = len(ordinals)
		}
		at.ordinal = ordinals[unit]
		branch := branchKey(at)
		at.position = positions[branch]
		positions[branch]++
		places[full] = at
		order = append(order, full)
	}
	for _, full := range order {
		at := places[full]
		at.count = positions[branchKey(at)]
		places[full] = at
	}
	return places
}

func branchKey(at place) string { return at.module + "#" + strconv.Itoa(at.branch) }

// timmInceptionV3 names modules as TF-slim does and branches by their kernels.
func timmInceptionV3(at place) string {
	switch {
	case at.module == "Logits":
		return "fc"
	case at.module == "AuxLogits":
		return map[string]string{
			"Conv2d_1b_1x1": "AuxLogits.conv0",
			"Conv2d_2a_5x5": "AuxLogits.conv1",
			"Conv2d_2b_1x1": "AuxLogits.fc",
		}[at.layer]
	case at.branch < 0:
		return at.layer
	}
	name := at.module + "." + timmInceptionV3Branches(at.module)[at.branch]
	if at.count > 1 {
		name += "_" + at.number(1)
	}
	return name
}

func timmInceptionV3Branches(module string) []string {
	switch {
	case module == "Mixed_6a":
		return []string{"branch3x3", "branch3x3dbl"}
	case module == "Mixed_7a":
		return []string{"branch3x3", "branch7x7x3"}
	case strings.HasPrefix(module, "Mixed_5"):
		return []string{"branch1x1", "branch5x5", "branch3x3dbl", "branch_pool"}
	case strings.HasPrefix(module, "Mixed_6"):
		return []string{"branch1x1", "branch7x7", "branch7x7dbl", "branch_pool"}
	}
	return []string{"branch1x1", "branch3x3", "branch3x3dbl", "branch_pool"}
}

// timmInceptionV4 numbers the modules.
func timmInceptionV4(at place) string {
	if at.module == "Logits" {
		return "last_linear"
	}
	name := "features." + strconv.Itoa(at.ordinal)
	switch {
	case at.branch < 0:
		return name
	case at.module == "Mixed_3a" || at.module == "Mixed_5a":
		return name + ".conv" // beside a pooling, the module's only layer
	case at.forked():
		return name + ".branch" + strconv.Itoa(at.branch) + "_" + at.number(0)
	}
	return name + timmBranch(at)
}

// timmInceptionResnetV2 writes TF-slim's names in lower case, without kernels.
func timmInceptionResnetV2(at place) string {
	if at.module == "Logits" {
		return "classif"
	}
	unit := at.module
	if unit == "" {
		unit = at.layer[:strings.LastIndexByte(at.layer, '_')]
	}
	name := strings.ToLower(unit)
	if repeat, block, ok := strings.Cut(name, "/"); ok {
		nth, _ := strconv.Atoi(block[strings.LastIndexByte(block, '_')+1:])
		name = repeat + "." + strconv.Itoa(nth-1)
	}
	switch {
	case at.module == "":
		return name
	case at.branch < 0:
		return name + ".conv2d" // the expansion
	}
	return name + timmBranch(at)
}

// timmBranch names a layer in a branch: by its number, which counts the pooling
// that a branch begins with, when it is not alone.
func timmBranch(at place) string {
	name := ".branch" + strconv.Itoa(at.branch)
	switch {
	case at.count > 1:
		return name + "." + at.number(0)
	case at.layer == "Conv2d_0b_1x1":
		return name + "." + at.number(1)
	}
	return name
}
