package server

import (
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
	network := m.batcher.Classifier().Network()
	if labels := m.batcher.Classifier().Labels(); labels != nil {
		text, err := json.Marshal(labels)
		if err == nil {
			c.Parameters["labels"] = &inference.ModelParameter{StringValue: string(text)}
		}
	}
	if m.classes {
		scores := "softmax"
		if network.Options().Multilabel() {
			scores = "logistic"
		}
		c.Parameters["scores"] = &inference.ModelParameter{StringValue: scores}
	}
	c.Parameters["network"] = &inference.ModelParameter{StringValue: network.Name()}
	return c
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
