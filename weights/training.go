package weights

import (
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// average is what TensorFlow puts behind the name of a variable for its moving average.
const average = "/ExponentialMovingAverage"

// weightsAmong returns what of a training program's tensors are weights: in place of a
// variable its moving average where there is one, and none of what the optimiser keeps
// of each variable, whose names have one part more.
func weightsAmong(tensors []tensorfile.Tensor) []tensorfile.Tensor {
	at := map[string]int{}
	for i, t := range tensors {
		at[t.Name] = i
	}
	var kept []tensorfile.Tensor
	for _, t := range tensors {
		if name, ok := strings.CutSuffix(t.Name, average); ok {
			if _, ok := at[name]; !ok { // saved without what it is the average of
				t.Name = name
				kept = append(kept, t)
			}
			continue
		}
		if cut := strings.LastIndexByte(t.Name, '/'); cut > 0 {
			if _, ok := at[t.Name[:cut]]; ok {
				continue
			}
		}
		if i, ok := at[t.Name+average]; ok {
			averaged := tensors[i]
			averaged.Name = t.Name
			t = averaged
		}
		if isCounter(t) {
			continue
		}
		kept = append(kept, t)
	}
	return kept
}

// isCounter tells a training program's steps, rates and powers: single numbers of no layer.
func isCounter(t tensorfile.Tensor) bool {
	if strings.ContainsAny(t.Name, "/.") || len(t.Shape) > 0 {
		return false
	}
	return t.Name == "global_step" || t.Name == "learning_rate" || strings.HasPrefix(t.Name, "beta1_power") || strings.HasPrefix(t.Name, "beta2_power") || t.Name == "save_counter" || t.Name == "epoch"
}
