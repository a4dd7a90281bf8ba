package graph

import (
	"github.com/gomlx/compute"
)

// The operations below take functions; a program that has them is not planned.

func (f *Function) Call(callee compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeCall, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.Call(shadowOf(callee), in...)
	})
}

func (f *Function) Sort(comparator compute.Function, axis int, isStable bool, inputs ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeSort, inputs, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.Sort(shadowOf(comparator), axis, isStable, in...)
	})
}

func (f *Function) While(cond, body compute.Function, initialState ...compute.Value) ([]compute.Value, error) {
	return f.control(compute.OpTypeWhile, initialState, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.While(shadowOf(cond), shadowOf(body), in...)
	})
}

func (f *Function) If(pred compute.Value, trueBranch, falseBranch compute.Function) ([]compute.Value, error) {
	return f.control(compute.OpTypeIf, []compute.Value{pred}, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.If(in[0], shadowOf(trueBranch), shadowOf(falseBranch))
	})
}

func (f *Function) control(op compute.OpType, inputs []compute.Value,
	replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)) ([]compute.Value, error) {
	f.builder.opaque = true
	return f.record(op, nil, inputs, replay)
}

// shadowOf returns the go backend's function; one of another kind is passed on
// for the go backend to refuse.
func shadowOf(f compute.Function) compute.Function {
	if ours, ok := f.(*Function); ok && ours != nil {
		return ours.Function
	}
	return f
}
