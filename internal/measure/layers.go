package measure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine"
)

// Layers are the operations of a network's program, in their order, with what each takes.
type Layers struct {
	// Peaks are the most that the machine does.
	Peaks      engine.Peaks
	Operations []Operation
	// Algorithms are the operations with multiply-adds, summed up by algorithm and in the order
	// of their names.
	Algorithms []Algorithm
	Total      time.Duration
}

// An Operation is one of a program, with what bounds its time.
type Operation struct {
	engine.Operation
	// Compute, Load and Memory are the shares of its time that it would take at the
	// machine's peaks to multiply, to load the tiles of products from the first cache, and to
	// bring its tensors and weights from memory. Where the last would take longer than the
	// operation, they were in a cache: Memory is 0, and Load is what they take from the second
	// cache, if that is more.
	Compute, Load, Memory float64
}

// Bound names the largest of the shares; empty where none is known.
func (o Operation) Bound() string {
	switch most := max(o.Compute, o.Load, o.Memory); {
	case most == 0:
		return ""
	case most == o.Compute:
		return "compute"
	case most == o.Load:
		return "load"
	}
	return "memory"
}

// bounded compares an operation with the machine's peaks.
func bounded(o engine.Operation, p engine.Peaks) Operation {
	b := Operation{Operation: o}
	if o.Time == 0 {
		return b
	}
	share := func(work, rate float64) float64 { return work / rate / o.Time.Seconds() }
	if o.Done > 0 {
		b.Compute = share(2*float64(o.Done), p.Of(o.Products))
		b.Load = share(float64(o.Loaded), p.L1*float64(p.Threads))
	}
	b.Memory = share(float64(o.Bytes), p.MemoryOfAll)
	if b.Memory > 1 {
		b.Memory, b.Load = 0, max(b.Load, share(float64(o.Bytes), p.L2*float64(p.Threads)))
	}
	return b
}

// An Algorithm is all operations that compute alike.
type Algorithm struct {
	Name string
	Time time.Duration
	// MultiplyAdds are those of the definition, whatever the algorithm needs.
	MultiplyAdds int64
	// Products is the type of what is multiplied.
	Products dtypes.DType
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
	p, err := n.compile(ctx, o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	peaks := backend.Peaks()
	if p.inputs == nil {
		if err := n.fillInputs(p); err != nil {
			return nil, err
		}
	}
	operations, err := engine.Profile(p.executable, p.inputs, o.Runs)
	if err != nil {
		return nil, err
	}
	l := &Layers{Peaks: peaks}
	found := map[string]*Algorithm{}
	for _, s := range operations {
		l.Total += s.Time
		l.Operations = append(l.Operations, bounded(s, peaks))
		if s.MultiplyAdds == 0 {
			continue
		}
		if found[s.Algorithm] == nil {
			found[s.Algorithm] = &Algorithm{Name: s.Algorithm, Products: s.Products}
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
