package weights

import (
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// wrappers are what the names of all tensors of a file begin with where the network was
// part of something else when it was saved, which says nothing of the network. One may
// stand behind another.
func wrappers() []string {
	return []string{
		"module.",     // torch.nn.DataParallel and DistributedDataParallel, averaged models
		"_orig_mod.",  // torch.compile
		"model.",      // Lightning and other programs that train
		"timm_model.", // transformers.TimmWrapperModel
		"state_dict.", // checkpoints whose dictionaries were flattened
		"state_dict_ema.",
	}
}

// ofWrapper are tensors that a wrapper adds beside the network's.
func ofWrapper(name string) bool { return name == "n_averaged" }

// unwrapped returns the tensors under the names that they have in the network.
func unwrapped(tensors []tensorfile.Tensor) []tensorfile.Tensor {
	all := slices.Clone(tensors)
	for len(all) > 0 {
		inner := slices.DeleteFunc(slices.Clone(all), func(t tensorfile.Tensor) bool { return ofWrapper(t.Name) })
		at := slices.IndexFunc(wrappers(), func(wrapper string) bool {
			return len(inner) > 0 && !slices.ContainsFunc(inner, func(t tensorfile.Tensor) bool { return !strings.HasPrefix(t.Name, wrapper) })
		})
		if at < 0 {
			return all
		}
		for i := range inner {
			inner[i].Name = inner[i].Name[len(wrappers()[at]):]
		}
		all = inner
	}
	return all
}
