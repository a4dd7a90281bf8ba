package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/pkg/errors"
)

// A tail is a part of a program that has no kernels here and runs on the go
// backend.
type tail struct {
	nodes   []*node
	inputs  []*value // values from outside; their order is that of the program's parameters
	outputs []*value // values that are used outside
	program compute.Executable

	from []*tensor // by input: the tensor, or nil where a tail or the caller has it
	to   []*tensor // by output: the tensor where an operation reads it, or nil
}

func (o *tail) reads() []*tensor  { return present(o.from) }
func (o *tail) writes() []*tensor { return present(o.to) }

func present(tensors []*tensor) []*tensor {
	var some []*tensor
	for _, t := range tensors {
		if t != nil {
			some = append(some, t)
		}
	}
	return some
}

// addTail appends a node to the tail that the operations end in, or begins one.
func (l *lowering) addTail(n *node) {
	if len(l.operations) > 0 {
		if last, ok := l.operations[len(l.operations)-1].(*tail); ok {
			last.nodes = append(last.nodes, n)
			return
		}
	}
	l.operations = append(l.operations, &tail{nodes: []*node{n}})
}

// compileTails makes the programs of the tails, once all operations are known.
func (l *lowering) compileTails(backend compute.Backend) error {
	native := map[*tensor]bool{} // read by an operation that is not a tail
	for _, o := range l.operations {
		if _, ok := o.(*tail); !ok {
			for _, t := range o.reads() {
				native[t] = true
			}
		}
	}
	for _, o := range l.operations {
		if t, ok := o.(*tail); ok {
			if err := l.compileTail(t, backend, native); err != nil {
				return errors.WithMessage(err, "cpu: compiling a part of a program for the go backend")
			}
		}
	}
	return nil
}

func (l *lowering) compileTail(o *tail, backend compute.Backend, native map[*tensor]bool) error {
	inside := map[*node]bool{}
	for _, n := range o.nodes {
		inside[n] = true
	}
	b := backend.Builder("tail")
	g := b.Main()
	values := map[*value]compute.Value{}
	operand := func(v *value) (compute.Value, error) {
		if got, ok := values[v]; ok {
			return got, nil
		}
		var got compute.Value
		var err error
		if flat, ok := l.constantOf(v); ok {
			got, err = g.Constant(flat, v.shape().Dimensions...)
		} else {
			got, err = g.Parameter(fmt.Sprintf("#%d", len(o.inputs)), v.shape(), nil)
			o.inputs = append(o.inputs, v)
			t := l.tensors[v]
			if v.node.op == compute.OpTypeParameter || l.inBuffer(v) {
				t = nil
			}
			o.from = append(o.from, t)
		}
		values[v] = got
		return got, err
	}
	for _, n := range o.nodes {
		in := make([]compute.Value, len(n.inputs))
		for i, v := range n.inputs {
			if v == nil {
				continue
			}
			var err error
			if in[i], err = operand(v); err != nil {
				return err
			}
		}
		out, err := n.replay(g, in)
		if err != nil {
			return err
		}
		for i, v := range n.values {
			values[v] = out[i]
		}
	}
	var outputs []compute.Value
	for _, n := range o.nodes {
		for _, v := range n.values {
			used := false
			for _, user := range l.users[v] {
				used = used || user == nil || !inside[user]
			}
			if !used {
				continue
			}
			outputs = append(outputs, values[v])
			o.outputs = append(o.outputs, v)
			t := l.tensors[v]
			if !native[t] {
				t = nil
			}
			o.to = append(o.to, t)
		}
	}
	if err := g.Return(outputs, nil); err != nil {
		return err
	}
	var err error
	o.program, err = b.Compile()
	return err
}

// inBuffer reports whether the value is in a buffer of the go backend.
func (l *lowering) inBuffer(v *value) bool {
	for _, o := range l.operations {
		switch o := o.(type) {
		case *tail:
			if slices.Contains(o.nodes, v.node) {
				return true
			}
		case *random:
			if o.next == v {
				return true
			}
		}
	}
	return false
}

// foldConstants computes constants with the go backend, once.
func foldConstants(f *function, backend compute.Backend, wanted []*value) ([]any, error) {
	results := make([]any, len(wanted))
	var computed []int
	for i, v := range wanted {
		if a, ok := v.node.attrs.(constantAttrs); ok {
			results[i] = a.flat
		} else {
			computed = append(computed, i)
		}
	}
	if len(computed) == 0 {
		return results, nil
	}
	b := backend.Builder("constants")
	g := b.Main()
	values := map[*value]compute.Value{}
	var evaluate func(n *node) error
	evaluate = func(n *node) error {
		if _, ok := values[n.values[0]]; ok {
			return nil
		}
		in := make([]compute.Value, len(n.inputs))
		for i, v := range n.inputs {
			if v == nil {
				continue
			}
			if err := evaluate(v.node); err != nil {
				return err
			}
			in[i] = values[v]
		}
		out, err := n.replay(g, in)
		if err != nil {
			return err
		}
		for i, v := range n.values {
			values[v] = out[i]
		}
		return nil
	}
	var outputs []compute.Value
	for _, i := range computed {
		if err := evaluate(wanted[i].node); err != nil {
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
