package pytorch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Of the entries of a training program's checkpoint that hold tensors, averages of the
// weights come first, then the names that state dicts usually have. Optimisers' entries
// hold tensors that are no weights.
var (
	preferred = []string{
		"state_dict_ema", "ema_state_dict", "model_ema", "ema", "ema_model", "model_ema_state_dict",
		"state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params",
	}
	leftOut = []string{"optim", "scheduler", "scaler", "amp", "loss", "criterion", "rng"}
)

// Bounds of what is looked at: a few instructions can make dicts in dicts whose paths are
// more than could ever be counted.
const (
	depthLimit = 64
	visitLimit = 1 << 18
)

// A collector gathers the tensors of a pickle's value by their paths.
type collector struct {
	tensors []named
	visits  *int // by all collectors of a file
	deep    bool
}

type named struct {
	name   string
	tensor *tensor
}

// stateOf finds the state dict in what a pickle left: its tensors by name, and the entry
// that it is, empty where it is the value itself.
func stateOf(root any, c complainer) (tensors []named, entry string, err error) {
	visits := 0
	for range depthLimit {
		d, ok := root.(*dict)
		if !ok {
			break
		}
		if hasTensors(d) {
			break
		}
		key, inner := innerState(d, &visits)
		if inner == nil {
			break
		}
		entry = strings.TrimPrefix(entry+"."+key, ".")
		root = inner
	}
	collected := collector{visits: &visits}
	collected.add("", root, 0)
	switch {
	case collected.deep:
		return nil, "", c.mismatch("", fmt.Sprintf("dicts in dicts at most %d deep, of at most %d entries in all", depthLimit, visitLimit), "more", saveAgain)
	case len(collected.tensors) == 0:
		return nil, "", c.mismatch("", "a dict of tensors, or a dict with one among its entries", describe(root), saveAgain)
	}
	seen := map[string]bool{}
	for _, t := range collected.tensors {
		if seen[t.name] {
			return nil, "", c.mismatch(t.name, "each name once", "the name twice", saveAgain)
		}
		seen[t.name] = true
	}
	return collected.tensors, entry, nil
}

// innerState is the entry of a dict without tensors of its own that holds the weights.
func innerState(d *dict, visits *int) (string, any) {
	for _, key := range preferred {
		if v, ok := d.get(key); ok && holdsTensors(v, visits) {
			return key, v
		}
	}
	for _, e := range d.entries {
		key, ok := e.key.(string)
		no := slices.ContainsFunc(leftOut, func(part string) bool { return strings.Contains(strings.ToLower(key), part) })
		if ok && !no && holdsTensors(e.value, visits) {
			return key, e.value
		}
	}
	return "", nil
}

func hasTensors(d *dict) bool {
	return slices.ContainsFunc(d.entries, func(e dictEntry) bool { _, ok := e.value.(*tensor); return ok })
}

func holdsTensors(v any, visits *int) bool {
	c := collector{visits: visits}
	c.add("", v, 0)
	return len(c.tensors) > 0 || c.deep
}

// add gathers the tensors below a value: of dicts, and of modules, which keep their
// tensors in the dicts that torch.nn.Module has.
func (c *collector) add(path string, v any, depth int) {
	if *c.visits++; *c.visits > visitLimit || depth > depthLimit {
		c.deep = true
		return
	}
	join := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v := v.(type) {
	case *tensor:
		c.tensors = append(c.tensors, named{path, v})
	case *dict:
		place := map[string]int{}
		var keys []string
		var values []any
		for _, e := range v.entries { // of equal keys the last value, at the place of the first
			key, ok := keyText(e.key)
			if !ok {
				continue
			}
			if at, ok := place[key]; ok {
				values[at] = e.value
				continue
			}
			place[key] = len(keys)
			keys, values = append(keys, key), append(values, e.value)
		}
		for i, key := range keys {
			if c.add(join(key), values[i], depth+1); c.deep {
				return
			}
		}
	case *object:
		fields, ok := v.state.(*dict)
		if pair, isPair := v.state.(tuple); isPair && len(pair) > 0 {
			fields, ok = pair[0].(*dict)
		}
		if !ok {
			return
		}
		for _, field := range []string{"_parameters", "_buffers", "_modules"} {
			if inner, ok := fields.get(field); ok {
				if c.add(path, inner, depth+1); c.deep {
					return
				}
			}
		}
	}
}

func keyText(key any) (string, bool) {
	switch key := key.(type) {
	case string:
		return key, true
	case int64:
		return strconv.FormatInt(key, 10), true
	}
	return "", false
}

// describe says what a value is, for an error.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *dict:
		var keys []string
		for _, e := range v.entries {
			if key, ok := keyText(e.key); ok && len(keys) < 5 {
				keys = append(keys, fmt.Sprintf("%.40q", key))
			}
		}
		return fmt.Sprintf("a dict of %d entries without tensors (%s)", len(v.entries), strings.Join(keys, ", "))
	case *object:
		return fmt.Sprintf("an object of the class %.80q", v.class)
	case *list, tuple:
		return "a list"
	case *tensor:
		return "a single tensor"
	}
	return fmt.Sprintf("a value (%T)", v)
}

// facts are the strings and numbers beside the weights, such as a training program's
// "arch" and "epoch".
func facts(root any) map[string]string {
	d, ok := root.(*dict)
	if !ok {
		return nil
	}
	const most, longest = 64, 1 << 10
	var found map[string]string
	for _, e := range d.entries {
		key, ok := e.key.(string)
		if !ok || len(found) == most || len(key) > longest {
			continue
		}
		text := ""
		switch v := e.value.(type) {
		case string:
			text = v
		case int64, float64, bool:
			text = fmt.Sprint(v)
		default:
			continue
		}
		if len(text) > longest {
			continue
		}
		if found == nil {
			found = map[string]string{}
		}
		found[key] = text
	}
	return found
}
