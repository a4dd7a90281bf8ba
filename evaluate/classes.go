package evaluate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A ClassesError says that a member's classes are not those of the data.
type ClassesError struct {
	// Member is the member's name.
	Member string
	// Labels are its classes in the order of its logits; nil where they have no names.
	Labels []recipe.Label
	// Classes is the number of its logits.
	Classes int
	// Data are the classes of the data in the order of their labels.
	Data []string
}

func (e *ClassesError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s does not have the classes of the data", e.Member)
	named := !numbered(e.Data)
	switch {
	case e.Labels == nil && named:
		fmt.Fprintf(&s, ": its %d classes have no names, so that their order cannot be told; give its labels", e.Classes)
	case e.Labels != nil && !named:
		s.WriteString(": those of the data have no names, so that their order cannot be told; name the data's classes")
	case e.Labels != nil:
		keys := names(e.Labels)
		if nearer(synsets(e.Labels), keys, e.Data) {
			keys = synsets(e.Labels)
		}
		fmt.Fprintf(&s, ": only the network has %s; only the data has %s", some(without(keys, e.Data)), some(without(e.Data, keys)))
		fmt.Fprintf(&s, "; the network's %d are %s; the data's %d are %s", e.Classes, some(keys), len(e.Data), some(e.Data))
		return s.String() + "; choose other weights or data"
	}
	fmt.Fprintf(&s, " (the network's %d are %s; the data's %d are %s)", e.Classes, some(names(e.Labels)), len(e.Data), some(e.Data))
	return s.String()
}

// classOrder returns the data's label of each of the member's logits. Classes are the
// same by their synsets or by their names; where neither side has any, by their numbers.
func (m *Member) classOrder(classes []string) ([]int, error) {
	mismatch := &ClassesError{m.Name, m.Labels, m.Classes, classes}
	if m.Classes != len(classes) {
		return nil, mismatch
	}
	if m.Labels == nil && numbered(classes) {
		order := make([]int, m.Classes)
		for i := range order {
			order[i] = i
		}
		return order, nil
	}
	for _, keys := range [][]string{synsets(m.Labels), names(m.Labels)} {
		if order := permutation(keys, classes); order != nil {
			return order, nil
		}
	}
	return nil, mismatch
}

// permutation returns where in classes each key is; nil unless both have the same ones,
// each once.
func permutation(keys, classes []string) []int {
	if len(keys) != len(classes) {
		return nil
	}
	at := make(map[string]int, len(classes))
	for i, class := range classes {
		at[class] = i
	}
	order := make([]int, len(keys))
	for i, key := range keys {
		label, ok := at[key]
		if !ok {
			return nil
		}
		delete(at, key)
		order[i] = label
	}
	return order
}

// numbered tells classes without names, which package dataset calls 0, 1, ...
func numbered(classes []string) bool {
	for i, class := range classes {
		if class != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

func names(labels []recipe.Label) []string {
	all := make([]string, len(labels))
	for i, l := range labels {
		all[i] = l.Name
	}
	return all
}

func synsets(labels []recipe.Label) []string {
	all := make([]string, len(labels))
	for i, l := range labels {
		all[i] = l.Synset
	}
	return all
}

// nearer tells whether a has more in common with the classes than b.
func nearer(a, b, classes []string) bool {
	return len(without(classes, a)) < len(without(classes, b))
}

func without(all, others []string) []string {
	known := make(map[string]bool, len(others))
	for _, s := range others {
		known[s] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return known[s] })
}

// some lists names, a few of many.
func some(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
