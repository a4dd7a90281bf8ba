package train

import (
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// parameters divides those of a network by what training does to them.
type parameters struct {
	all []arch.Parameter // in the order of their use
	// trained are those that gradients change; statistics are the moving ones of batch
	// norm that training moves. The others are frozen.
	trained, statistics []arch.Parameter
}

func divide(all []arch.Parameter, frozen func(name string) bool) parameters {
	p := parameters{all: all}
	for _, a := range all {
		switch {
		case frozen(a.Name):
		case a.Trainable:
			p.trained = append(p.trained, a)
		default:
			p.statistics = append(p.statistics, a)
		}
	}
	return p
}

// averaged are the parameters that averages are kept of.
func (p *parameters) averaged() []arch.Parameter { return slices.Concat(p.trained, p.statistics) }

// decays reports whether weight decay applies to a parameter: to the weights of
// convolutions and logits, not to biases and batch norm.
func decays(p arch.Parameter) bool { return strings.HasSuffix(p.Name, "/weights") }

// frozenBy returns whether a parameter lies in one of the scopes.
func frozenBy(scopes []string) func(name string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(scopes, func(scope string) bool { return strings.HasPrefix(name, scope+"/") })
	}
}
