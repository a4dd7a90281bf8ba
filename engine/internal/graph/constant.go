package graph

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Constant records values. Many of them are kept as they are given until the program is
// compiled, not copied: a network's weights would be in memory twice.
func (f *Function) Constant(flat any, dims ...int) (compute.Value, error) {
	if f == f.builder.main {
		switch weights := flat.(type) {
		case []float32:
			if len(weights) >= largeConstant && fits(len(weights), dims) {
				return f.standIn(weights, dtypes.Float32, dims)
			}
		case []int8:
			if len(weights) >= largeConstant && fits(len(weights), dims) {
				return f.standIn(weights, dtypes.Int8, dims)
			}
		}
	}
	return f.one(compute.OpTypeConstant, ConstantAttrs{flat}, nil, func(g compute.Function, _ []compute.Value) (compute.Value, error) {
		return g.Constant(flat, dims...)
	})
}

// largeConstant is a number of values that are worth the trouble not to copy.
const largeConstant = 1 << 14

// A StandIn is a constant that is a parameter of the go backend's program.
type StandIn struct {
	Parameter int // among the program's, which increase
	Flat      any
	Shape     shapes.Shape
}

// StandIns lists the constants that the go backend's program takes as inputs.
func (b *Builder) StandIns() []StandIn { return b.standIns }

func (f *Function) standIn(flat any, dtype dtypes.DType, dims []int) (compute.Value, error) {
	n := &Node{Index: len(f.nodes), Op: compute.OpTypeConstant, Attrs: ConstantAttrs{flat}}
	n.Replay = func(g compute.Function, _ []compute.Value) ([]compute.Value, error) {
		v, err := g.Constant(n.Attrs.(ConstantAttrs).Flat, dims...)
		return []compute.Value{v}, err
	}
	at := len(f.parameters) + len(f.builder.standIns)
	shape := shapes.Make(dtype, dims...)
	stand, err := f.Function.Parameter(fmt.Sprintf("constant #%d", len(f.builder.standIns)), shape, nil)
	if err != nil {
		return nil, err
	}
	out, err := f.add(n, []compute.Value{stand})
	if err != nil {
		return nil, err
	}
	f.builder.standIns = append(f.builder.standIns, StandIn{at, flat, shape})
	return out[0], nil
}

// fits reports whether so many values fill the dimensions.
func fits(size int, dims []int) bool {
	product := 1
	for _, d := range dims {
		if d < 1 || d > size {
			return false
		}
		product *= d
	}
	return product == size
}

// Fold computes constants with the go backend, flat.
func Fold(backend compute.Backend, wanted []*Value) ([]any, error) {
	results := make([]any, len(wanted))
	var computed []int
	for i, v := range wanted {
		if a, ok := v.Node.Attrs.(ConstantAttrs); ok {
			results[i] = a.Flat
		} else {
			computed = append(computed, i)
		}
	}
	if len(computed) == 0 {
		return results, nil
	}
	b := backend.Builder("constants")
	g := b.Main()
	values := map[*Value]compute.Value{}
	var outputs []compute.Value
	for _, i := range computed {
		if err := replayAll(g, wanted[i].Node, values); err != nil {
			return nil, err
		}
		outputs = append(outputs, values[wanted[i]])
	}
	if err := g.Return(outputs, nil); err != nil {
		return nil, err
	}
	program, err := b.Compile()
	if err != nil {
		return nil, err
	}
	defer program.Finalize()
	buffers, err := program.Execute(nil, nil, 0)
	if err != nil {
		return nil, err
	}
	for at, i := range computed {
		if results[i], err = buffers[at].Data(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// replayAll replays a node and all that it depends on, once each.
func replayAll(g compute.Function, n *Node, values map[*Value]compute.Value) error {
	if _, ok := values[n.Values[0]]; ok {
		return nil
	}
	in := make([]compute.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if err := replayAll(g, v.Node, values); err != nil {
			return err
		}
		in[i] = values[v]
	}
	out, err := n.Replay(g, in)
	if err != nil {
		return err
	}
	for i, v := range n.Values {
		values[v] = out[i]
	}
	return nil
}
