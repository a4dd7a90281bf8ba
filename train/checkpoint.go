package train

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
	"github.com/seed-fb2c0fa6/inception/train/step"
	"github.com/seed-fb2c0fa6/inception/weights"
	"github.com/seed-fb2c0fa6/inception/weights/safetensors"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A state is what a run is, beside the vectors and the parameters. It lies in the
// checkpoint's metadata. There is no state of random numbers: all follow from the
// recipe's seed, the step, and the position.
type state struct {
	// Step is how many were made.
	Step int `json:"step"`
	// Position is where the images go on.
	Position dataset.Position `json:"position"`
	// Due is whether the validation after this step is still to be made.
	Due bool `json:"due,omitempty"`
	// Interval holds what the next row of metrics is made of.
	Interval interval `json:"interval"`
	// Last and Best are the accuracies of the last and of the best validation, each with
	// its step.
	Last *Validation `json:"last,omitempty"`
	Best *Validation `json:"best,omitempty"`
	// Data and Validation identify the images that are trained and validated on; checkpoints
	// of older versions lack the latter.
	Data       fingerprint  `json:"data"`
	Validation *fingerprint `json:"validation,omitempty"`
	// Partitions says how batches were divided, from which steps on; as the recipe says where
	// it is empty.
	Partitions []partition `json:"partitions,omitempty"`
	// Recipe is that of all steps, resolved, in YAML; checkpoints of older versions lack it.
	Recipe string `json:"recipe,omitempty"`
}

// A Validation is the accuracy after a step.
type Validation struct {
	Step int `json:"step"`
	score.Accuracy
}

const (
	stateKey         = "state"
	formatKey        = "format"
	checkpointFormat = "inception checkpoint 1"
)

// saveCheckpoint writes the whole state into one file, which appears whole or not at
// all.
func saveCheckpoint(dir rundir.Dir, s *step.Step, st state) error {
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	var outputs []tensorfile.Tensor
	for _, section := range s.Sections() {
		for _, p := range section.Parameters {
			outputs = append(outputs, tensorfile.Tensor{Name: section.Tensor(p), Shape: p.Shape, Values: func(dst []float32) error {
				values, err := s.Values(section, p)
				copy(dst, values)
				return err
			}})
		}
	}
	return safetensors.Write(dir.Checkpoint(st.Step), map[string]string{formatKey: checkpointFormat, stateKey: string(text)}, outputs)
}

// loadCheckpoint sets what a step changes to a checkpoint's values, and returns the rest
// of the state. The checkpoint must have what the network has, and no more.
func loadCheckpoint(path string, s *step.Step) (state, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return state{}, err
	}
	defer file.Close()
	metadata := file.Metadata()
	if metadata[formatKey] != checkpointFormat {
		return state{}, fmt.Errorf("%s: expected a checkpoint of a training (format %q), found format %q; weights are started from, not resumed", path, checkpointFormat, metadata[formatKey])
	}
	var st state
	if err := json.Unmarshal([]byte(metadata[stateKey]), &st); err != nil {
		return state{}, fmt.Errorf("%s: its state is not JSON: %w", path, err)
	}
	if err := match(s, file); err != nil {
		return state{}, fmt.Errorf("%s is not of this network: %w; does recipe.yaml name another network, other options or other classes than the run was begun with?", path, err)
	}
	for _, section := range s.Sections() {
		for _, p := range section.Parameters {
			t, _ := file.Tensor(section.Tensor(p))
			values := make([]float32, p.Size())
			if err := t.Float32s(values); err != nil {
				return state{}, err
			}
			if err := weights.CheckFinite(path, t.Name, values); err != nil {
				return state{}, err
			}
			if err := s.SetValues(section, p, values); err != nil {
				return state{}, err
			}
		}
	}
	return st, nil
}

// match compares the names and shapes of a checkpoint with the step's.
func match(s *step.Step, file *safetensors.File) error {
	var wrong []string
	wanted := map[string]bool{}
	for _, section := range s.Sections() {
		for _, p := range section.Parameters {
			name := section.Tensor(p)
			wanted[name] = true
			switch t, ok := file.Tensor(name); {
			case !ok:
				wrong = append(wrong, "it lacks "+name)
			case !slices.Equal(t.Shape, p.Shape):
				wrong = append(wrong, fmt.Sprintf("%s is %v, expected %v", name, t.Shape, p.Shape))
			}
		}
	}
	for _, t := range file.Tensors() {
		if !wanted[t.Name] {
			wrong = append(wrong, "it also has "+t.Name)
		}
	}
	if n := len(wrong); n > 0 {
		return fmt.Errorf("%d differences, the first: %s", n, strings.Join(wrong[:min(n, 3)], ", "))
	}
	return nil
}
