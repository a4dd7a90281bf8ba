package train

import (
	"fmt"
	"path/filepath"

	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
)

// WriteRaw writes the parameters of a run's last checkpoint to a file that package
// predict takes: as the steps left them, where model.safetensors has their averages.
func WriteRaw(folder, path string) error {
	all, err := checkpoints(folder)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no checkpoint; train first", folder)
	}
	checkpoint, err := safetensors.Open(all[len(all)-1])
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	averaged, err := safetensors.Open(filepath.Join(folder, modelFile))
	if err != nil {
		return err
	}
	defer averaged.Close()
	var outputs []safetensors.Output
	for _, t := range averaged.Tensors() {
		raw, ok := checkpoint.Tensor("parameters/" + t.Name)
		if !ok {
			return fmt.Errorf("%s lacks %s, which %s has; are they of one run?", all[len(all)-1], t.Name, modelFile)
		}
		outputs = append(outputs, safetensors.Output{Name: t.Name, Shape: t.Shape, Values: raw.Float32s})
	}
	return safetensors.Write(path, averaged.Metadata(), outputs)
}
