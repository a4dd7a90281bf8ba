package evaluate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A Matching says how the classes of the data go with those of the networks.
type Matching string

const (
	// Same expects the same classes on both sides, in any order.
	Same Matching = "same"
	// Subset expects the data to have some of a network's classes. Only these compete: the
	// softmax is that of their logits, so that their probabilities add up to one.
	Subset Matching = "subset"
	// All expects the data to have some of a network's classes. All of the network's
	// compete: an image that is taken for one which the data lack is an error.
	All Matching = "all"
)

// Matchings returns all of them, the usual one first.
func Matchings() []Matching { return []Matching{Same, Subset, All} }

// A ClassesError says that a member's classes do not go with those of the data.
type ClassesError struct {
	// Member is the member's name.
	Member string
	// Labels are its classes in the order of its logits; nil where they have no names.
	Labels []recipe.Label
	// Classes is the number of its logits.
	Classes int
	// Data are the classes of the data in the order of their labels.
	Data []string
	// Matching is how they should.
	Matching Matching
	// OnlyData are classes that the network lacks, OnlyNetwork those that the data lack;
	// both nil where one side has no names.
	OnlyData, OnlyNetwork []string
}

func (e *ClassesError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s does not have the classes of the data", e.Member)
	switch {
	case e.OnlyData != nil || e.OnlyNetwork != nil:
		fmt.Fprintf(&s, ": only the network has %s; only the data has %s", some(e.OnlyNetwork), some(e.OnlyData))
		fmt.Fprintf(&s, "; the network's %d are %s; the data's %d are %s", e.Classes, some(e.network()), len(e.Data), some(e.Data))
		return s.String() + "; choose other weights or data"
	case e.Labels == nil && !numbered(e.Data):
		fmt.Fprintf(&s, ": its %d classes have no names, so that their order cannot be told; give its labels", e.Classes)
	case e.Labels != nil:
		s.WriteString(": those of the data have no names, so that their order cannot be told; name the data's classes, or take them by their numbers")
	}
	fmt.Fprintf(&s, " (the network's %d are %s; the data's %d are %s)", e.Classes, some(e.network()), len(e.Data), some(e.Data))
	return s.String()
}

// network names the network's classes as the data are called, or numbers them.
func (e *ClassesError) network() []string {
	all := make([]string, e.Classes)
	for i := range all {
		all[i] = strconv.Itoa(i)
		if e.Labels != nil {
			all[i] = labelText(e.Labels[i], e.Data)
		}
	}
	return all
}

// absent is the label of a class that the data, or a network, does not have.
const absent = -1

// A key is what a class is told by: on the network's side and on the data's. It is empty
// where a class has none.
type key struct {
	ofLabel func(recipe.Label) string
	ofData  func(class string) string
}

// keys are tried in this order.
func keys() []key {
	return []key{
		{func(l recipe.Label) string { return l.Synset }, synsetOf},
		{func(l recipe.Label) string { return norm.NFC.String(l.Name) }, norm.NFC.String},
		{func(l recipe.Label) string { return spelled(l.Name) }, spelled},
	}
}

// synset begins names such as n02085620-Chihuahua.
var synset = regexp.MustCompile(`^n\d{8}(?:$|[-_ .])`)

func synsetOf(class string) string {
	if synset.MatchString(class) {
		return class[:len("n02085620")]
	}
	return class // as data have whose synsets are not WordNet's
}

// spelled returns a name as people write it otherwise: the first of several, in lower case,
// with spaces.
func spelled(name string) string {
	first, _, _ := strings.Cut(norm.NFC.String(name), ",")
	return strings.ToLower(strings.Join(strings.FieldsFunc(first, func(r rune) bool { return r == '_' || r == ' ' || r == '-' }), " "))
}

// places returns where the classes of the data are among the labels, each in a place of
// its own; false unless all are found. Labels of one key, and classes of one, are found by
// another.
func (k key) places(labels []recipe.Label, classes []string) (found []int, ok bool) {
	at := make(map[string]int, len(labels))
	for i, l := range labels {
		name := k.ofLabel(l)
		if _, twice := at[name]; twice || name == "" {
			at[name] = absent
		} else {
			at[name] = i
		}
	}
	ok = true
	found = make([]int, len(classes))
	taken := map[int]bool{}
	for i, class := range classes {
		place, known := at[k.ofData(class)]
		if !known || place == absent || taken[place] {
			place, ok = absent, false
		} else {
			taken[place] = true
		}
		found[i] = place
	}
	return found, ok
}

// found returns which of the member's logits is that of each class of the data.
func (e *evaluation) found(m *Member, classes []string) ([]int, error) {
	mismatch := &ClassesError{Member: m.Name, Labels: m.Labels, Classes: m.Classes, Data: classes, Matching: e.o.Classes}
	if e.o.ByNumber || m.Labels == nil && numbered(classes) {
		return byNumber(mismatch)
	}
	if m.Labels == nil || numbered(classes) && !named(m.Labels, classes) {
		return nil, mismatch
	}
	var nearest []int
	most := -1
	for _, k := range keys() {
		places, ok := k.places(m.Labels, classes)
		n := 0
		for _, place := range places {
			if place != absent {
				n++
			}
		}
		if n > most {
			nearest, most = places, n
		}
		if ok {
			break
		}
	}
	taken := map[int]bool{}
	for i, place := range nearest {
		if place == absent {
			mismatch.OnlyData = append(mismatch.OnlyData, classes[i])
		}
		taken[place] = true
	}
	for i, l := range m.Labels {
		if !taken[i] {
			mismatch.OnlyNetwork = append(mismatch.OnlyNetwork, labelText(l, classes))
		}
	}
	if len(mismatch.OnlyData) > 0 || e.o.Classes == Same && len(mismatch.OnlyNetwork) > 0 {
		return nil, mismatch
	}
	return nearest, nil
}

// labelText is what a label is called beside the classes of the data.
func labelText(l recipe.Label, classes []string) string {
	if l.Synset != "" && len(classes) > 0 && synset.MatchString(classes[0]) {
		return l.Synset
	}
	return l.Name
}

// named tells whether classes that are called 0, 1, ... have labels of these names.
func named(labels []recipe.Label, classes []string) bool {
	return slices.ContainsFunc(labels, func(l recipe.Label) bool { return l.Name == classes[0] })
}

// byNumber takes the class i of the data, or the one that is called i, for the network's
// class i.
func byNumber(mismatch *ClassesError) ([]int, error) {
	found := make([]int, len(mismatch.Data))
	others := mismatch.network()
	left := make([]bool, len(others))
	for i, class := range mismatch.Data {
		found[i] = i
		if n, err := strconv.Atoi(class); err == nil {
			found[i] = n
		}
		if found[i] < 0 || found[i] >= len(others) {
			mismatch.OnlyData = append(mismatch.OnlyData, class)
			continue
		}
		left[found[i]] = true
	}
	for i, known := range left {
		if !known {
			mismatch.OnlyNetwork = append(mismatch.OnlyNetwork, others[i])
		}
	}
	if len(mismatch.OnlyData) > 0 || mismatch.Matching == Same && len(mismatch.OnlyNetwork) > 0 {
		return nil, mismatch
	}
	return found, nil
}

// settleClasses finds the classes of the report, the label of each image, and the places
// of the members' logits among the classes.
func (e *evaluation) settleClasses() error {
	all := e.set.Classes()
	images := make([]int, len(all))
	for i := range e.set.Len() {
		if label := e.set.Label(i); label >= 0 {
			images[label]++
		}
	}
	// Records whose labels begin at 1 have a class 0 without images, which has no name.
	e.labels = make([]int, len(all))
	for i, class := range all {
		e.labels[i] = absent
		if images[i] > 0 || class != strconv.Itoa(i) || numbered(all) {
			e.labels[i] = len(e.classes)
			e.classes = append(e.classes, class)
		}
	}
	data := slices.Clone(e.classes)
	for i := range e.members {
		m := &e.members[i]
		found, err := e.found(m, data)
		if err != nil {
			return err
		}
		order := slices.Repeat([]int{absent}, m.Classes)
		for label, place := range found {
			order[place] = label
		}
		if e.o.Classes == All {
			if err := e.fill(m, order, data); err != nil {
				return err
			}
		}
		e.orders = append(e.orders, order)
	}
	return nil
}

// fill gives the logits of a member whose classes the data lack places behind the data's:
// in the order of the first member's, whose classes those of others must be.
func (e *evaluation) fill(m *Member, order []int, data []string) error {
	others := map[string]int{}
	for i, class := range e.classes[len(data):] {
		others[class] = len(data) + i
	}
	taken := map[string]bool{}
	for _, class := range e.classes {
		taken[class] = true
	}
	first := len(e.orders) == 0
	count := 0
	for place, label := range order {
		if label != absent {
			continue
		}
		name := strconv.Itoa(place)
		if m.Labels != nil {
			name = labelText(m.Labels[place], data)
			if first && taken[name] || !first && others[name] == 0 { // two classes of one name
				name = strings.TrimSpace(m.Labels[place].Synset + " " + m.Labels[place].Name)
			}
		}
		if first {
			if taken[name] {
				name += " " + strconv.Itoa(place)
			}
			taken[name] = true
			order[place] = len(e.classes)
			e.classes = append(e.classes, name)
			continue
		}
		label, ok := others[name]
		if !ok {
			return fmt.Errorf("%s has the class %s, which %s lacks, expected the same classes of all networks", m.Name, name, e.members[0].Name)
		}
		order[place] = label
		count++
	}
	if !first && count != len(others) {
		return fmt.Errorf("%s lacks %d of the classes of %s, expected the same classes of all networks", m.Name, len(others)-count, e.members[0].Name)
	}
	return nil
}

// label is the class of an image of the set, negative where it is not known.
func (e *evaluation) label(index int) int {
	label := e.set.Label(index)
	if label < 0 {
		return label
	}
	return e.labels[label]
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
