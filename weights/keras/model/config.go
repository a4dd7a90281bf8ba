package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// depthLimit bounds models in models.
const depthLimit = 8

// A layer is an entry of a model's list.
type layer struct {
	Class   string          `json:"class_name"`
	Name    string          `json:"name"`
	Config  json.RawMessage `json:"config"`
	Inbound json.RawMessage `json:"inbound_nodes"`
}

// A config is that of a model or of any layer: the fields that matter.
type config struct {
	Name         string          `json:"name"`
	Layers       []layer         `json:"layers"`
	InputLayers  json.RawMessage `json:"input_layers"`
	OutputLayers json.RawMessage `json:"output_layers"`

	BatchShape      []*int          `json:"batch_shape"`
	BatchInputShape []*int          `json:"batch_input_shape"`
	Filters         int             `json:"filters"`
	KernelSize      pair            `json:"kernel_size"`
	PoolSize        pair            `json:"pool_size"`
	Strides         pair            `json:"strides"`
	Dilation        pair            `json:"dilation_rate"`
	Groups          *int            `json:"groups"`
	Padding         string          `json:"padding"`
	DataFormat      string          `json:"data_format"`
	UseBias         *bool           `json:"use_bias"`
	Activation      json.RawMessage `json:"activation"`
	Axis            json.RawMessage `json:"axis"`
	Epsilon         float64         `json:"epsilon"`
	Rate            float64         `json:"rate"`
	Units           int             `json:"units"`
	MaxValue        *float64        `json:"max_value"`
	NegativeSlope   json.RawMessage `json:"negative_slope"`
	Threshold       json.RawMessage `json:"threshold"`
	Scale           json.RawMessage `json:"scale"`
	Offset          json.RawMessage `json:"offset"`
	Arguments       json.RawMessage `json:"arguments"`
	Function        json.RawMessage `json:"function"`
}

// A pair is two numbers, or one for both.
type pair [2]int

// UnmarshalJSON reads a number or a list of two; null stays nought.
func (p *pair) UnmarshalJSON(data []byte) error {
	var both []int
	if err := json.Unmarshal(data, &both); err == nil {
		if len(both) == 1 {
			both = append(both, both[0])
		}
		if len(both) > 2 {
			return errors.New("expected one or two numbers")
		}
		copy(p[:], both)
		return nil
	}
	var n int
	if err := json.Unmarshal(data, &n); err != nil {
		return err
	}
	p[0], p[1] = n, n
	return nil
}

// parse reads the outermost model.
func parse(data []byte) (layer, error) {
	var root layer
	if err := json.Unmarshal(data, &root); err != nil {
		return root, err
	}
	if root.Class == "" {
		return root, errors.New("no class_name of a model")
	}
	return root, nil
}

func isModel(class string) bool {
	switch class {
	case "Model", "Functional", "Sequential":
		return true
	}
	return false
}

func (l layer) config() (config, error) {
	var c config
	if len(l.Config) == 0 {
		return c, nil
	}
	if l.Class == "Sequential" && l.Config[0] == '[' { // before Keras 2.2
		return c, json.Unmarshal(l.Config, &c.Layers)
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return c, fmt.Errorf("layer %.100q (%.100s): %w", l.Name, l.Class, err)
	}
	return c, nil
}

// called is a layer's name, which some versions keep in its config alone.
func (l layer) called(c config) string {
	if l.Name != "" {
		return l.Name
	}
	return c.Name
}

var (
	words   = regexp.MustCompile(`(.)([A-Z][a-z]+)`)
	joined  = regexp.MustCompile(`([a-z])([A-Z])`)
	symbols = regexp.MustCompile(`\W+`)
)

// inFile is what Keras 3 calls the layers of a class in files.
func inFile(class string) string {
	class = symbols.ReplaceAllString(class[strings.LastIndexByte(class, '>')+1:], "")
	class = words.ReplaceAllString(class, "${1}_${2}")
	return strings.ToLower(joined.ReplaceAllString(class, "${1}_${2}"))
}

// Counted returns the names of the layers that Keras 3 calls by kind and count in its
// files, by the paths that they have there: "layers/conv2d_17".
func Counted(description []byte) (map[string]string, error) {
	root, err := parse(description)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	return names, count(names, "", root, 0)
}

func count(names map[string]string, path string, model layer, depth int) error {
	if depth > depthLimit {
		return fmt.Errorf("models in models, more than %d deep", depthLimit)
	}
	c, err := model.config()
	if err != nil {
		return err
	}
	used := map[string]int{}
	for _, l := range c.Layers {
		kind := inFile(l.Class)
		own, err := l.config()
		if err != nil {
			return err
		}
		name := kind
		if n := used[kind]; n > 0 {
			name = fmt.Sprintf("%s_%d", kind, n)
		}
		used[kind]++
		place := strings.TrimPrefix(path+"/layers/"+name, "/")
		names[place] = l.called(own)
		if isModel(l.Class) {
			if err := count(names, place, l, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
