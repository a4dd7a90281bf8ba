package weights

import (
	"math"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A view is a file's tensors under the names of a layout.
type view struct {
	layout
	tensors []tensorfile.Tensor
	byName  map[string]int
	gammas  bool // any batch norm has a gamma
}

func newView(l layout, tensors []tensorfile.Tensor) *view {
	if l.rename != nil {
		tensors = l.rename(tensors)
	}
	v := &view{layout: l, tensors: tensors, byName: map[string]int{}}
	for i, t := range tensors {
		v.byName[t.Name] = i
		v.gammas = v.gammas || strings.HasSuffix(t.Name, "/gamma")
	}
	return v
}

// viewOf is that of the layout that comes nearest, for the network that the metadata name
// or else for any.
func viewOf(tensors []tensorfile.Tensor, m Metadata) *view {
	var best *view
	fewest := math.MaxInt
	for _, l := range layouts() {
		if !l.recognise(tensors) {
			continue
		}
		v := newView(l, tensors)
		count, ok := v.distance(m)
		if !ok {
			count = math.MaxInt
		}
		if best == nil || count < fewest {
			best, fewest = v, count
		}
		if fewest == 0 {
			break
		}
	}
	return best
}

// distance is how many names differ from those of the nearest network.
func (v *view) distance(m Metadata) (fewest int, ok bool) {
	all := candidates()
	o := m.Options
	o.Precision = m.precision()
	if network, err := arch.New(m.Network, o); m.Network != "" && err == nil {
		parameters, err := network.Parameters()
		if err != nil {
			return 0, false
		}
		all = []candidate{{network, parameters}}
	}
	for _, c := range all {
		names, err := v.names(c.parameters)
		if err != nil {
			continue
		}
		difference := v.compare(c, names)
		if n := difference.count(); !ok || n < fewest {
			fewest, ok = n, true
		}
	}
	return fewest, ok
}

func (v *view) tensor(name string) (tensorfile.Tensor, bool) {
	i, ok := v.byName[name]
	if !ok {
		return tensorfile.Tensor{}, false
	}
	return v.tensors[i], true
}

// mayLack reports whether the file may be without a parameter, which then is one.
func (v *view) mayLack(p arch.Parameter) bool {
	return v.gammaless && !v.gammas && strings.HasSuffix(p.Name, "/gamma")
}

// compare tells how the names in the file differ from a network's.
func (v *view) compare(c candidate, names []string) *MismatchError {
	difference := &MismatchError{Network: c.network.Name()}
	for i, name := range names {
		if _, ok := v.byName[name]; !ok && !v.mayLack(c.parameters[i]) {
			difference.Missing = append(difference.Missing, name)
		}
	}
	difference.Unused = v.unused(names)
	return difference
}

// unused returns the tensors of the file that have none of the given names and
// may not be left out.
func (v *view) unused(names []string) []string {
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	wantsAuxiliary := slices.ContainsFunc(names, v.auxiliary)
	var unused []string
	for _, t := range v.tensors {
		switch {
		case wanted[t.Name], v.spare(t.Name), !wantsAuxiliary && v.auxiliary(t.Name):
		default:
			unused = append(unused, t.Name)
		}
	}
	return unused
}
