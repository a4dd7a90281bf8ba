package measure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// Layers are the operations of a network's program, in their order, with what each takes.
type Layers struct {
	// Peak is the most float32 operations a second that all threads can do, measured.
	Peak       float64
	Operations []engine.Operation
	// Algorithms are the operations with multiply-adds, summed up by algorithm and in the order
	// of their names.
	Algorithms []Algorithm
	Total      time.Duration
}

// An Algorithm is all operations that compute alike.
type Algorithm struct {
	Name string
	Time time.Duration
	// MultiplyAdds are those of the definition, whatever the algorithm needs.
	MultiplyAdds int64
}

// Rate is how many float32 operations a second some multiply-adds in some time are.
func Rate(multiplyAdds int64, taken time.Duration) float64 {
	return 2 * float64(multiplyAdds) / taken.Seconds()
}

// Layers measures each operation of the network's program, of which the backend must be the
// engine: the median of the runs.
func (n *Network) Layers(ctx context.Context, o Options) (*Layers, error) {
	backend, ok := n.backend.(*engine.Backend)
	if !ok {
		return nil, fmt.Errorf("only the backend %s tells its operations, found %s", engine.Name, n.backend.Name())
	}
	p, err := n.compile(o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	peak := backend.PeakFLOPS() * float64(backend.Threads())
	if p.inputs == nil {
		if err := n.fillInputs(p); err != nil {
			return nil, err
		}
	}
	operations, err := engine.Profile(p.executable, p.inputs, o.Runs)
	if err != nil {
		return nil, err
	}
	l := &Layers{Peak: peak, Operations: operations}
	found := map[string]*Algorithm{}
	for _, s := range operations {
		l.Total += s.Time
		if s.MultiplyAdds == 0 {
			continue
		}
		if found[s.Algorithm] == nil {
			found[s.Algorithm] = &Algorithm{Name: s.Algorithm}
		}
		found[s.Algorithm].Time += s.Time
		found[s.Algorithm].MultiplyAdds += s.MultiplyAdds
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		l.Algorithms = append(l.Algorithms, *found[name])
	}
	return l, nil
}

// fillInputs makes inputs for a training step: its time does not depend on their values,
// but must not be that of numbers too small to be normal.
func (n *Network) fillInputs(p *program) error {
	_, all := p.executable.Inputs()
	for _, shape := range all {
		buffer, flat, err := n.backend.NewSharedBuffer(0, shape)
		if err != nil {
			return err
		}
		if values, ok := flat.([]float32); ok {
			for i := range values {
				values[i] = float32(i%17+1) / 64
			}
		}
		p.inputs = append(p.inputs, buffer)
	}
	return nil
}
