package model

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// Parse returns what a description computes with the tensors of its file, which are called
// by their layers and roles: "conv2d_1/kernel".
func Parse(description []byte, tensors []tensorfile.Tensor) (*tensorfile.Graph, error) {
	root, err := parse(description)
	if err != nil {
		return nil, err
	}
	b := builder{graph: &tensorfile.Graph{}, byName: map[string]tensorfile.Tensor{}, bySuffix: map[string][]string{}}
	for _, t := range tensors {
		b.byName[t.Name] = t
		if parts := strings.Split(t.Name, "/"); len(parts) > 2 {
			suffix := strings.Join(parts[len(parts)-2:], "/")
			b.bySuffix[suffix] = append(b.bySuffix[suffix], t.Name)
		}
	}
	out, err := b.model(root, []int{tensorfile.GraphInput}, nil, 0)
	if err != nil {
		return nil, err
	}
	if len(out) != 1 {
		return nil, fmt.Errorf("a model of %d outputs, expected one", len(out))
	}
	b.graph.Output = out[0]
	return b.graph, nil
}

type builder struct {
	graph    *tensorfile.Graph
	byName   map[string]tensorfile.Tensor
	bySuffix map[string][]string
}

// nodeLimit bounds the operations of a graph.
const nodeLimit = 1 << 16

func (b *builder) add(n tensorfile.Node) int {
	b.graph.Nodes = append(b.graph.Nodes, n)
	return len(b.graph.Nodes) - 1
}

// model adds a model's layers; path has the names of the models that it is in.
func (b *builder) model(m layer, inputs []int, path []string, depth int) ([]int, error) {
	if depth > depthLimit {
		return nil, fmt.Errorf("models in models, more than %d deep", depthLimit)
	}
	c, err := m.config()
	if err != nil {
		return nil, err
	}
	if m.Class == "Sequential" {
		for _, l := range c.Layers {
			if inputs, err = b.layer(l, inputs, path, depth); err != nil {
				return nil, err
			}
		}
		return inputs, nil
	}
	if !isModel(m.Class) {
		return nil, fmt.Errorf("a model of the class %.100q, whose layers are in its program; expected Functional or Sequential", m.Class)
	}
	given, err := references(c.InputLayers)
	if err != nil {
		return nil, err
	}
	if len(given) != len(inputs) {
		return nil, fmt.Errorf("a model of %d inputs, expected %d", len(given), len(inputs))
	}
	values := map[string][]int{} // of layers, by name and call
	done := map[string]bool{}
	for i, g := range given {
		values[g.key()] = []int{inputs[i]}
	}
	type call struct {
		layer layer
		key   string
		from  []reference
	}
	var calls []call
	times := map[string]int{}
	// A model inside has been called once before, when it was made, which some versions
	// count and others do not.
	value := func(r reference) ([]int, bool) {
		if times[r.name] == 1 {
			r.nth = 0
		}
		v, ok := values[r.key()]
		return v, ok
	}
	for _, l := range c.Layers {
		own, err := l.config()
		if err != nil {
			return nil, err
		}
		name := l.called(own)
		if l.Class == "InputLayer" {
			b.side(own)
			continue
		}
		inbound, err := l.inbound()
		if err != nil {
			return nil, fmt.Errorf("layer %.100q: its inputs: %w", name, err)
		}
		times[name] = len(inbound)
		for nth, from := range inbound {
			calls = append(calls, call{l, reference{name, nth}.key(), from})
		}
	}
	// The list is in the order of computation as a rule, but need not be.
	for progress := true; progress; {
		progress = false
		for _, k := range calls {
			if done[k.key] {
				continue
			}
			var in []int
			ready := true
			for _, r := range k.from {
				from, ok := value(r)
				if ready = ready && ok; ok {
					in = append(in, from...)
				}
			}
			if !ready {
				continue
			}
			out, err := b.layer(k.layer, in, path, depth)
			if err != nil {
				return nil, err
			}
			values[k.key], done[k.key], progress = out, true, true
		}
	}
	wanted, err := references(c.OutputLayers)
	if err != nil {
		return nil, err
	}
	var out []int
	for _, r := range wanted {
		from, ok := value(r)
		if !ok {
			return nil, fmt.Errorf("the output %.100q is of no layer that can be computed", r.name)
		}
		out = append(out, from...)
	}
	return out, nil
}

// side notes the size of square images.
func (b *builder) side(c config) {
	shape := c.BatchShape
	if shape == nil {
		shape = c.BatchInputShape
	}
	if len(shape) == 4 && shape[1] != nil && shape[2] != nil && *shape[1] == *shape[2] && b.graph.Side == 0 {
		b.graph.Side = *shape[1]
	}
}

// A reference is to what a layer computed when it was called for the nth time.
type reference struct {
	name string
	nth  int
}

func (r reference) key() string { return fmt.Sprintf("%d/%s", r.nth, r.name) }

// references reads [["name", 0, 0], ...], or one such without the outer list.
func references(data json.RawMessage) ([]reference, error) {
	var all []any
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("a list of layers: %w", err)
	}
	if len(all) > 0 {
		if _, ok := all[0].(string); ok {
			all = []any{all}
		}
	}
	var found []reference
	for _, item := range all {
		r, ok := referenceOf(item)
		if !ok {
			return nil, fmt.Errorf("a layer's name and numbers, found %.100q", fmt.Sprint(item))
		}
		found = append(found, r)
	}
	return found, nil
}

func referenceOf(v any) (reference, bool) {
	parts, ok := v.([]any)
	if !ok || len(parts) < 3 {
		return reference{}, false
	}
	name, ok := parts[0].(string)
	nth, also := parts[1].(float64)
	return reference{name, int(nth)}, ok && also
}

// inbound returns the inputs of each call of a layer: Keras 2 has lists of lists, Keras 3
// the arguments of calls.
func (l layer) inbound() ([][]reference, error) {
	var calls []any
	if len(l.Inbound) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(l.Inbound, &calls); err != nil {
		return nil, err
	}
	var all [][]reference
	for _, call := range calls {
		var from []reference
		var err error
		if object, ok := call.(map[string]any); ok {
			from = history(object, 0)
		} else {
			from, err = oldInbound(call)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, from)
	}
	return all, nil
}

func oldInbound(call any) ([]reference, error) {
	if r, ok := referenceOf(call); ok { // one input without a list
		return []reference{r}, nil
	}
	items, ok := call.([]any)
	if !ok {
		return nil, fmt.Errorf("expected a list, found %.100q", fmt.Sprint(call))
	}
	var from []reference
	for _, item := range items {
		r, ok := referenceOf(item)
		if !ok {
			return nil, fmt.Errorf("a layer's name and numbers, found %.100q", fmt.Sprint(item))
		}
		from = append(from, r)
		// A second tensor may be among the named arguments.
		if parts := item.([]any); len(parts) > 3 {
			if named, ok := parts[3].(map[string]any); ok {
				if r, ok := referenceOf(named["y"]); ok {
					from = append(from, r)
				}
			}
		}
	}
	return from, nil
}

// history finds the tensors among a call's arguments.
func history(v any, depth int) []reference {
	if depth > depthLimit {
		return nil
	}
	var found []reference
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			found = append(found, history(item, depth+1)...)
		}
	case map[string]any:
		if v["class_name"] == "__keras_tensor__" {
			if c, ok := v["config"].(map[string]any); ok {
				if r, ok := referenceOf(c["keras_history"]); ok {
					return []reference{r}
				}
			}
			return nil
		}
		for _, key := range []string{"args", "kwargs"} {
			found = append(found, history(v[key], depth+1)...)
		}
		if _, isCall := v["args"]; !isCall {
			for _, inner := range v {
				found = append(found, history(inner, depth+1)...)
			}
		}
	}
	return found
}
