package train

import (
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// parameters divides those of a network by what training does to them. The state of the
// optimiser and the averages are vectors of all values one after the other: few large
// operations instead of many small ones, and one buffer to average over replicas.
type parameters struct {
	all []arch.Parameter // in the order of their use
	// trained are those with weight decay, then the others.
	trained []arch.Parameter
	decayed int // of trained
	// statistics are the moving ones that training moves.
	statistics []arch.Parameter
}

func divide(all []arch.Parameter, frozen func(name string) bool) parameters {
	p := parameters{all: all}
	var others []arch.Parameter
	for _, a := range all {
		switch {
		case frozen(a.Name):
		case !a.Trainable:
			p.statistics = append(p.statistics, a)
		case strings.HasSuffix(a.Name, "/weights"):
			p.trained = append(p.trained, a)
		default:
			others = append(others, a)
		}
	}
	p.decayed = len(p.trained)
	p.trained = append(p.trained, others...)
	return p
}

// averaged are the parameters that averages are kept of.
func (p *parameters) averaged() []arch.Parameter { return slices.Concat(p.trained, p.statistics) }

// size is the number of values of some parameters.
func size(some []arch.Parameter) int {
	n := 0
	for _, p := range some {
		n += p.Size()
	}
	return n
}

// join makes one vector of all values.
func join(values []*graph.Node) *graph.Node {
	flat := make([]*graph.Node, len(values))
	for i, v := range values {
		flat[i] = graph.Reshape(v, v.Shape().Size())
	}
	return graph.Concatenate(flat, 0)
}

// split is the inverse of join, for values of the parameters' shapes.
func split(vector *graph.Node, some []arch.Parameter) []*graph.Node {
	values := make([]*graph.Node, len(some))
	at := 0
	for i, p := range some {
		part := graph.Slice(vector, graph.AxisRange(at, at+p.Size()))
		values[i] = graph.Reshape(part, p.Shape...)
		at += p.Size()
	}
	return values
}

// frozenBy returns whether a parameter lies in one of the scopes.
func frozenBy(scopes []string) func(name string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(scopes, func(scope string) bool { return strings.HasPrefix(name, scope+"/") })
	}
}
