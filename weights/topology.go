package weights

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/tensorfile"
)

// A topology is a network that a file's graph was recognised as, and where its parameters
// are: by their places in the graph, whatever their names.
type topology struct {
	network *arch.Network
	found   map[string]Tensor // by the names of parameters
	// scale and offset are what the graph does to its images before the network: times and
	// plus.
	scale, offset []float32
	side          int // of the images, 0 where the file does not say
}

// preprocess takes what the graph itself does to images: to bytes, unless that would make
// large numbers of them, and to values in [0,1] then.
func (t *topology) preprocess(p *vision.Preprocessing) {
	if t.side > 0 {
		p.Size = t.side
	}
	at := func(v []float32, channel int) float64 { return float64(v[min(channel, len(v)-1)]) }
	if len(t.scale) == 0 || at(t.scale, 0) == 1 && at(t.offset, 0) == 0 && len(t.scale) == 1 && len(t.offset) == 1 {
		return
	}
	for channel := range 3 {
		const large = 16
		scale, offset := at(t.scale, channel), at(t.offset, channel)
		if math.Abs(255*scale+offset) < large {
			scale *= 255
		}
		p.Std[channel] = float32(1 / scale)
		p.Mean[channel] = float32(-offset / scale)
	}
}

// match returns the tensors of the parameters.
func (t *topology) match(path string, parameters []arch.Parameter) ([]Tensor, error) {
	tensors := make([]Tensor, len(parameters))
	var missing []string
	for i, p := range parameters {
		found, ok := t.found[p.Name]
		if !ok {
			missing = append(missing, p.Name)
			continue
		}
		found.Parameter, found.path = p, path
		tensors[i] = found
	}
	if len(missing) > 0 {
		scope, _, _ := strings.Cut(parameters[0].Name, "/")
		return nil, &MismatchError{Path: path, Network: scope, Missing: missing}
	}
	return tensors, nil
}

// recognise finds the network that a graph is, of the named one or of all.
func recognise(g *tensorfile.Graph, name string, bare bool) (*topology, error) {
	head, err := headOf(g)
	if err != nil && !bare {
		return nil, err
	}
	if bare {
		head.head, head.classes, head.steps = headless, 0, nil
	}
	var nearest *attempt
	for _, candidate := range candidates() {
		if name != "" && candidate.network.Name() != name || candidate.network.Options().AuxiliaryHead {
			continue
		}
		o := candidate.network.Options()
		o = arch.Options{FaceBlock: o.FaceBlock, MaxPoolLastBlock: o.MaxPoolLastBlock, Head: head.head, Classes: head.classes, DropoutKeep: head.keep}
		network, err := arch.New(candidate.network.Name(), o)
		if err != nil {
			return nil, err
		}
		a, err := newAttempt(g, network, head)
		if err != nil {
			return nil, err
		}
		if a.run(); a.failure == nil {
			return a.topology()
		}
		if nearest == nil || len(a.places) > len(nearest.places) {
			nearest = a
		}
	}
	return nil, fmt.Errorf("the graph is of no network of this family; %s comes nearest, of which %d of %d layers are in it: %w",
		nearest.network.Name(), len(nearest.places), len(nearest.layers), nearest.failure)
}

// recogniseAs holds a graph against a network that it is said to be.
func recogniseAs(g *tensorfile.Graph, network *arch.Network, bare bool) (*topology, error) {
	head, err := headOf(g)
	if err != nil && !bare {
		return nil, err
	}
	if bare {
		head.steps = nil
	}
	a, err := newAttempt(g, network, head)
	if err != nil {
		return nil, err
	}
	if a.run(); a.failure != nil {
		return nil, fmt.Errorf("the graph is not of %s, as the file says: %w", network.Name(), a.failure)
	}
	return a.topology()
}
