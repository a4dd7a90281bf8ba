package train

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/train/step"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// WriteRaw writes the parameters of a run's last checkpoint to raw.safetensors in its
// folder, which package predict takes: as the steps left them, where model.safetensors
// has their averages.
func WriteRaw(folder string) error {
	dir := rundir.Dir(folder)
	last, err := dir.LastCheckpoint()
	if err != nil {
		return err
	}
	if last == "" {
		return fmt.Errorf("%s has no checkpoint; train first", folder)
	}
	checkpoint, err := safetensors.Open(last)
	if err != nil {
		return err
	}
	defer checkpoint.Close()
	averaged, err := safetensors.Open(dir.Model())
	if err != nil {
		return err
	}
	defer averaged.Close()
	var outputs []tensorfile.Tensor
	for _, t := range averaged.Tensors() {
		raw, ok := checkpoint.Tensor(step.ParametersSection + "/" + t.Name)
		if !ok {
			return fmt.Errorf("%s lacks %s, which %s has; are they of one run?", last, t.Name, dir.Model())
		}
		outputs = append(outputs, tensorfile.Tensor{Name: t.Name, Shape: t.Shape, Values: raw.Float32s})
	}
	return safetensors.Write(dir.Raw(), averaged.Metadata(), outputs)
}
