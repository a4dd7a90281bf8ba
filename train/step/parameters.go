package step

import (
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// Parameters divides those of a network by what training does to them.
type Parameters struct {
	// All are in the order of their use.
	All []arch.Parameter
	// Trained are those that gradients change; Statistics are the moving ones of batch norm
	// that training moves. The others are frozen.
	Trained, Statistics []arch.Parameter
}

// Divide divides the parameters of a network, of which some are frozen.
func Divide(all []arch.Parameter, frozen func(name string) bool) Parameters {
	p := Parameters{All: all}
	for _, a := range all {
		switch {
		case frozen(a.Name):
		case a.Trainable:
			p.Trained = append(p.Trained, a)
		default:
			p.Statistics = append(p.Statistics, a)
		}
	}
	return p
}

// averaged are the parameters that averages are kept of.
func (p *Parameters) averaged() []arch.Parameter { return slices.Concat(p.Trained, p.Statistics) }

// decays reports whether weight decay applies to a parameter: to the weights of
// convolutions and logits, not to biases and batch norm.
func decays(p arch.Parameter) bool { return strings.HasSuffix(p.Name, "/weights") }
