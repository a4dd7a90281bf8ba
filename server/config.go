package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/server/inference"
	"github.com/seed-fb2c0fa6/inception/server/oip"
)

// config describes the model as Triton's clients look at it. Dimensions are those of one image.
func (m *Model) config() *inference.ModelConfig {
	c := &inference.ModelConfig{
		Name: m.Name(), Platform: m.protocol.Platform, Backend: m.protocol.Platform, MaxBatchSize: int32(m.protocol.MaxBatch),
		Input:      []*inference.ModelInput{{Name: m.protocol.Input.Name, DataType: inference.DataType_TYPE_FP32, Format: inference.ModelInput_FORMAT_NHWC, Dims: m.protocol.Input.Shape[1:]}},
		Parameters: map[string]*inference.ModelParameter{},
	}
	if version, err := strconv.ParseInt(m.Version(), 10, 64); err == nil {
		c.VersionPolicy = &inference.ModelVersionPolicy{PolicyChoice: &inference.ModelVersionPolicy_Specific_{Specific: &inference.ModelVersionPolicy_Specific{Versions: []int64{version}}}}
	}
	for _, o := range m.protocol.DescribedOutputs() {
		c.Output = append(c.Output, &inference.ModelOutput{Name: o.Name, DataType: inference.DataType_TYPE_FP32, Dims: o.Shape[1:]})
	}
	c.SchedulingChoice = &inference.ModelConfig_DynamicBatching{DynamicBatching: &inference.ModelDynamicBatching{
		PriorityLevels: oip.Priorities, DefaultPriorityLevel: oip.DefaultPriority,
	}}
	for name, text := range m.classParameters() {
		c.Parameters[name] = &inference.ModelParameter{StringValue: text}
	}
	network := m.batcher.Classifier().Network()
	c.Parameters["network"] = &inference.ModelParameter{StringValue: network.Name()}
	return c
}

// classParameters are what the configuration tells of classes: their names, what makes scores of
// logits, and a fingerprint of both that answers repeat, so that who has read them knows whether
// an answer is of a model that was loaded since.
func (m *Model) classParameters() map[string]string {
	if !m.classes {
		return nil
	}
	all := map[string]string{"scores": "softmax"}
	if m.batcher.Classifier().Network().Options().Multilabel() {
		all["scores"] = "logistic"
	}
	if labels := m.batcher.Classifier().Labels(); labels != nil {
		if text, err := json.Marshal(labels); err == nil {
			all["labels"] = string(text)
		}
	}
	sum := sha256.Sum256([]byte(all["scores"] + all["labels"]))
	all["fingerprint"] = hex.EncodeToString(sum[:8])
	return all
}

// configJSON is a ModelConfig as Triton writes it: enumerations by name, all numbers as such.
type configJSON struct {
	Name          string           `json:"name"`
	Platform      string           `json:"platform"`
	Backend       string           `json:"backend"`
	VersionPolicy map[string]any   `json:"version_policy,omitempty"`
	MaxBatchSize  int32            `json:"max_batch_size"`
	Input         []configTensor   `json:"input"`
	Output        []configTensor   `json:"output"`
	Batching      dynamicBatching  `json:"dynamic_batching"`
	Parameters    map[string]value `json:"parameters"`
}

// A configTensor has no dimension of the batch.
type configTensor struct {
	Name     string  `json:"name"`
	DataType string  `json:"data_type"`
	Format   string  `json:"format,omitempty"`
	Dims     []int64 `json:"dims"`
}

type dynamicBatching struct {
	Delay           uint64 `json:"max_queue_delay_microseconds"`
	Priorities      uint64 `json:"priority_levels"`
	DefaultPriority uint64 `json:"default_priority_level"`
}

type value struct {
	Text string `json:"string_value"`
}

func (s *Server) modelConfig(w http.ResponseWriter, r *http.Request) error {
	m, leave, err := s.modelOf(r)
	if err != nil {
		return err
	}
	defer leave()
	c := m.config()
	batching := c.GetDynamicBatching()
	out := configJSON{
		Name: c.Name, Platform: c.Platform, Backend: c.Backend, MaxBatchSize: c.MaxBatchSize, Parameters: map[string]value{},
		Batching: dynamicBatching{batching.MaxQueueDelayMicroseconds, batching.PriorityLevels, batching.DefaultPriorityLevel},
	}
	if versions := c.GetVersionPolicy().GetSpecific().GetVersions(); len(versions) > 0 {
		out.VersionPolicy = map[string]any{"specific": map[string]any{"versions": versions}}
	}
	for _, t := range c.Input {
		out.Input = append(out.Input, configTensor{t.Name, t.DataType.String(), t.Format.String(), t.Dims})
	}
	for _, t := range c.Output {
		out.Output = append(out.Output, configTensor{t.Name, t.DataType.String(), "", t.Dims})
	}
	for name, p := range c.Parameters {
		out.Parameters[name] = value{p.StringValue}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
