package golden

import (
	"encoding/json"
	"fmt"
)

// BFloat16Error is the relative L2 difference of PyTorch's logits, computed in bfloat16, from
// the golden ones (testdata/bfloat16.py).
func BFloat16Error(network string) (float64, error) {
	data, err := embedded.ReadFile("testdata/bfloat16.json")
	if err != nil {
		return 0, err
	}
	var file struct {
		Relative map[string]float64 `json:"relative_l2"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return 0, err
	}
	found, ok := file.Relative[network]
	if !ok {
		return 0, fmt.Errorf("PyTorch's bfloat16 of %s is not known", network)
	}
	return found, nil
}
