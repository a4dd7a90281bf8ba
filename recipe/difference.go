package recipe

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Difference is an entry in which a recipe differs from another.
type Difference struct {
	// Key is the entry's in YAML, such as "learning_rate.initial".
	Key string
	// Was is the other's value and Is the recipe's own, as they are written in YAML;
	// "nothing" where the entry is left out.
	Was, Is string
}

// Differences lists the entries in which a recipe differs from another, by their keys.
func (t Training) Differences(from Training) ([]Difference, error) {
	was, err := from.entries()
	if err != nil {
		return nil, err
	}
	is, err := t.entries()
	if err != nil {
		return nil, err
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(keys)
	var all []Difference
	for _, key := range slices.Compact(keys) {
		if was[key] != is[key] {
			all = append(all, Difference{key, cmp.Or(was[key], "nothing"), cmp.Or(is[key], "nothing")})
		}
	}
	return all, nil
}

// entries are the values of a recipe by their keys.
func (t Training) entries() (map[string]string, error) {
	text, err := t.Encode()
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	all := map[string]string{}
	var walk func(prefix string, n *yaml.Node)
	walk = func(prefix string, n *yaml.Node) {
		for i := 0; i < len(n.Content); i += 2 {
			key, value := prefix+n.Content[i].Value, n.Content[i+1]
			switch value.Kind {
			case yaml.MappingNode:
				walk(key+".", value)
			case yaml.SequenceNode:
				var values []string
				for _, v := range value.Content {
					values = append(values, v.Value)
				}
				all[key] = "[" + strings.Join(values, ", ") + "]"
			default:
				all[key] = value.Value
			}
		}
	}
	walk("", document.Content[0])
	return all, nil
}
