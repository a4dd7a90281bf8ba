package lower

import (
	"fmt"

	"github.com/gomlx/compute"

	"github.com/seed-fb2c0fa6/inception/engine/internal/graph"
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
)

// delegate appends a node to the delegated part that the operations end in, or begins one.
func (l *lowering) delegate(n *graph.Node) {
	for _, in := range n.Inputs {
		if in != nil && l.deferred(in) {
			l.tensor(in)
		}
	}
	var part *plan.Delegated
	if len(l.operations) > 0 {
		part, _ = l.operations[len(l.operations)-1].(*plan.Delegated)
	}
	if part == nil {
		part = &plan.Delegated{}
		l.add(part)
	}
	part.Names = append(part.Names, n.Op.String())
	l.delegated[part] = append(l.delegated[part], n)
	for _, v := range n.Values {
		l.buffered[v] = &plan.Buffered{Name: n.Op.String(), Shape: v.Shape(), Input: -1}
	}
}

// compileDelegated makes the programs of the delegated parts, once all operations are
// known.
func (l *lowering) compileDelegated(backend compute.Backend) error {
	native := map[*plan.Tensor]bool{} // read by an operation that is not delegated
	for _, o := range l.operations {
		if _, ok := o.(*plan.Delegated); !ok {
			for _, t := range o.Reads() {
				native[t] = true
			}
		}
	}
	for _, o := range l.operations {
		part, ok := o.(*plan.Delegated)
		if !ok {
			continue
		}
		d := delegation{lowering: l, part: part, g: nil, values: map[*graph.Value]compute.Value{}}
		if err := d.compile(backend, native); err != nil {
			return fmt.Errorf("cpu: compiling a part of a program for the go backend: %w", err)
		}
	}
	return nil
}

// A delegation is the making of a delegated part's program.
type delegation struct {
	*lowering
	part   *plan.Delegated
	g      compute.Function
	values map[*graph.Value]compute.Value // in the program
}

func (d *delegation) compile(backend compute.Backend, native map[*plan.Tensor]bool) error {
	b := backend.Builder("delegated")
	d.g = b.Main()
	nodes := d.delegated[d.part]
	inside := map[*graph.Node]bool{}
	for _, n := range nodes {
		inside[n] = true
		if err := d.replay(n); err != nil {
			return err
		}
	}
	var outputs []compute.Value
	for _, n := range nodes {
		for _, v := range n.Values {
			if !d.usedOutside(v, inside) {
				continue
			}
			outputs = append(outputs, d.values[v])
			sink := plan.Sink{Buffered: d.buffered[v]}
			if t := d.tensors[v]; native[t] {
				sink.Tensor = t
			}
			d.part.Outputs = append(d.part.Outputs, sink)
		}
	}
	if err := d.g.Return(outputs, nil); err != nil {
		return err
	}
	var err error
	d.part.Executable, err = b.Compile()
	return err
}

func (d *delegation) replay(n *graph.Node) error {
	in := make([]compute.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		var err error
		if in[i], err = d.operand(v); err != nil {
			return err
		}
	}
	out, err := n.Replay(d.g, in)
	if err != nil {
		return err
	}
	for i, v := range n.Values {
		d.values[v] = out[i]
	}
	return nil
}

// operand returns a value in the program: one that it computes, a constant, or a
// parameter.
func (d *delegation) operand(v *graph.Value) (compute.Value, error) {
	if got, ok := d.values[v]; ok {
		return got, nil
	}
	var got compute.Value
	var err error
	if flat, ok := d.constantOf(v); ok {
		got, err = d.g.Constant(flat, v.Shape().Dimensions...)
	} else {
		got, err = d.g.Parameter(fmt.Sprintf("#%d", len(d.part.Inputs)), v.Shape(), nil)
		source := plan.Source{Buffered: d.buffered[v], Shape: v.Shape()}
		if source.Buffered == nil || source.Buffered.Input >= 0 {
			source.Tensor = d.tensors[v]
		}
		d.part.Inputs = append(d.part.Inputs, source)
	}
	d.values[v] = got
	return got, err
}

func (d *delegation) usedOutside(v *graph.Value, inside map[*graph.Node]bool) bool {
	for _, user := range d.users[v] {
		if user == nil || !inside[user] {
			return true
		}
	}
	return false
}
