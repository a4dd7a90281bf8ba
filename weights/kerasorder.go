package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Before Keras 3 wrote the names of layers into .weights.h5, it called them by kind and count
// in the order of model.layers: by how far they are from the output, the farthest first, and
// layers that are equally far in the order in which they are met from the output back.
// keptOrder is that order in a module, as places in the order in which it was built.
var keptOrder = map[string]map[string][]int{
	"InceptionV3": {
		"Mixed_5b": {3, 1, 4, 0, 2, 5, 6}, "Mixed_5c": {3, 1, 4, 0, 2, 5, 6}, "Mixed_5d": {3, 1, 4, 0, 2, 5, 6},
		"Mixed_6a": {1, 2, 0, 3},
		"Mixed_6b": {4, 5, 1, 6, 2, 7, 0, 3, 8, 9}, "Mixed_6c": {4, 5, 1, 6, 2, 7, 0, 3, 8, 9}, "Mixed_6d": {4, 5, 1, 6, 2, 7, 0, 3, 8, 9}, "Mixed_6e": {4, 5, 1, 6, 2, 7, 0, 3, 8, 9},
		"Mixed_7a": {2, 3, 0, 4, 1, 5},
		"Mixed_7b": {4, 1, 5, 2, 3, 6, 7, 0, 8}, "Mixed_7c": {4, 1, 5, 2, 3, 6, 7, 0, 8},
	},
	"InceptionResnetV2": {
		"Mixed_5b": {3, 1, 4, 0, 2, 5, 6}, "Mixed_6a": {1, 2, 0, 3}, "Mixed_7a": {4, 0, 2, 5, 1, 3, 6},
		"block35": {3, 1, 4, 0, 2, 5, 6}, "block17": {1, 2, 0, 3, 4}, "block8": {1, 2, 0, 3, 4}, "Block8": {1, 2, 0, 3, 4},
	},
}

// kerasLayers are the convolutions of the trunk of a network of Keras, and their batch
// norms, in the order of model.layers.
func kerasLayers(parameters []arch.Parameter) (convolutions, norms []string, err error) {
	names, err := kerasNames(parameters)
	if err != nil {
		return nil, nil, err
	}
	type built struct{ convolution, norm string }
	var order []string // of modules
	modules := map[string][]built{}
	places := placesOf(parameters)
	for i, p := range parameters {
		layer, tensor := splitTensor(p.Name)
		module := places[layer].module
		if module == "Logits" {
			continue
		}
		if module == "" {
			module = places[layer].layer
		}
		name, _, _ := strings.Cut(names[i], "/")
		switch tensor {
		case "weights":
			if !slices.Contains(order, module) {
				order = append(order, module)
			}
			modules[module] = append(modules[module], built{convolution: name})
		case "BatchNorm/beta":
			modules[module][len(modules[module])-1].norm = name
		}
	}
	scope, _, _ := strings.Cut(parameters[0].Name, "/")
	for _, module := range order {
		all := modules[module]
		kind := module[strings.LastIndexByte(module, '/')+1:]
		if block, _, ok := strings.Cut(kind, "_"); ok && strings.HasPrefix(block, "block") {
			kind = block
		}
		kept := keptOrder[scope][kind]
		if kept == nil {
			kept = []int{0}
		}
		if len(kept) != len(all) {
			return nil, nil, fmt.Errorf("%s has %d convolutions, expected %d", module, len(all), len(kept))
		}
		for _, at := range kept {
			convolutions = append(convolutions, all[at].convolution)
			if all[at].norm != "" {
				norms = append(norms, all[at].norm)
			}
		}
	}
	return convolutions, norms, nil
}

// inKeptOrder gives the names of Keras' networks to tensors whose layers are called by kind
// and count; false where there are not as many convolutions as in any.
func inKeptOrder(tensors []tensorfile.Tensor) ([]tensorfile.Tensor, bool) {
	most := 0
	for _, t := range tensors {
		if layer, tensor, ok := kerasPath(t.Name); ok && tensor == "kernel" {
			if n, ok := countOf(layer, "conv2d"); ok {
				most = max(most, n+1)
			}
		}
	}
	for _, c := range candidates() {
		convolutions, norms, err := kerasLayers(c.parameters)
		if err != nil || len(convolutions) != most {
			continue
		}
		renamed := slices.Clone(tensors)
		for i, t := range renamed {
			layer, tensor, ok := kerasPath(t.Name)
			if !ok {
				continue
			}
			for kind, names := range map[string][]string{"conv2d": convolutions, "batch_normalization": norms} {
				if n, ok := countOf(layer, kind); ok && n < len(names) {
					renamed[i].Name = names[n] + "/" + tensor
				}
			}
		}
		return renamed, true
	}
	return tensors, false
}

// countOf is a layer's number among those of its kind, from 0.
func countOf(layer, kind string) (int, bool) {
	if layer == kind {
		return 0, true
	}
	rest, ok := strings.CutPrefix(layer, kind+"_")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil && n > 0
}
