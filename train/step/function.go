package step

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/internal/device"
)

// A function computes tensors from arguments and from the variables of a store, and
// changes those. GoMLX's model.Exec does the same and keeps the graph, which for a
// training step takes more memory than its images.
type function struct {
	backend compute.Backend
	store   *model.Store
	name    string
	// build adds what is computed to the graph of the arguments. It reads and changes
	// variables through their nodes.
	build func(scope *model.Scope, arguments []*graph.Node) (results []*graph.Node)

	executable compute.Executable // nil before the first run
	arguments  []shapes.Shape     // that it was compiled for
	variables  []*model.Variable  // its inputs after the arguments
	donated    []bool             // of all inputs: those of variables that are changed, where the backend takes them over
	changed    []*model.Variable  // its outputs before the results

	// early is told of the values of variables that a run changes as soon as they are there,
	// if the backend tells; nil where nothing asks for that.
	early func(v *model.Variable, values []float32)
	// gather, where it is not nil, lets batch norm be that of all replicas; agree is asked before
	// the first run whether all gather the same.
	gather func(own []float32) ([]float32, error)
	agree  func(gathers []int) error
}

// A teller is an executable that tells of outputs before it ends, and computes batch norm with
// others.
type teller interface {
	Early() []int
	Gathers() ([]int, error)
	ExecuteTogether(inputs []compute.Buffer, donate []bool, device compute.DeviceNum, ready func(output int, values []float32), gather func(own []float32) (all []float32, err error)) ([]compute.Buffer, error)
}

// earlyOrder lists the variables that early is told of, in that order, once there is a
// program.
func (f *function) earlyOrder() []*model.Variable {
	t, ok := f.executable.(teller)
	if !ok {
		return nil
	}
	var all []*model.Variable
	for _, output := range t.Early() {
		if output < len(f.changed) {
			all = append(all, f.changed[output])
		}
	}
	return all
}

// compile makes the program for arguments of some shapes.
func (f *function) compile(arguments []shapes.Shape) error {
	f.close()
	*f = function{backend: f.backend, store: f.store, name: f.name, build: f.build, early: f.early, gather: f.gather, agree: f.agree, arguments: arguments}
	err := exceptions.TryCatch[error](func() {
		g := graph.NewGraph(f.backend, f.name)
		var nodes, outputs []*graph.Node
		for i, shape := range arguments {
			nodes = append(nodes, graph.Parameter(g, fmt.Sprintf("argument %d", i), shape))
		}
		results := f.build(f.store.RootScope(), nodes)
		for v := range f.store.IterVariables() {
			if v.ChangedInGraph(g) {
				f.changed, outputs = append(f.changed, v), append(outputs, v.NodeValue(g))
			}
		}
		if err := g.Compile(append(outputs, results...)...); err != nil {
			panic(err)
		}
		f.executable = g.Executable()
		f.donated = make([]bool, len(arguments))
		f.variables = device.Variables(f.store, g)
		for _, v := range f.variables {
			f.donated = append(f.donated, v.ChangedInGraph(g) && device.InProcess(f.backend))
		}
	})
	if err != nil || f.gather == nil {
		return err
	}
	t, ok := f.executable.(teller)
	if !ok {
		return fmt.Errorf("%s was not compiled by the backend itself, so that its batch norm cannot be synchronised", f.name)
	}
	gathers, err := t.Gathers()
	if err != nil {
		return err
	}
	return f.agree(gathers)
}

// run computes the results. After an error the variables may have lost their values.
func (f *function) run(arguments ...*tensors.Tensor) (results []*tensors.Tensor, err error) {
	given := make([]shapes.Shape, len(arguments))
	for i, t := range arguments {
		given[i] = t.Shape()
	}
	if f.executable == nil || !slices.EqualFunc(given, f.arguments, shapes.Shape.Equal) {
		if err := f.compile(given); err != nil {
			return nil, err
		}
	}
	inputs := make([]compute.Buffer, 0, len(f.donated))
	for _, t := range arguments {
		buffer, err := t.Buffer(f.backend, 0)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, buffer)
	}
	for _, v := range f.variables {
		value, err := v.Value()
		if err != nil {
			return nil, err
		}
		take := value.Buffer
		if f.donated[len(inputs)] {
			take = value.DonateBuffer
		}
		buffer, err := take(f.backend, 0)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, buffer)
	}
	outputs, err := f.execute(inputs)
	if err != nil {
		return nil, err
	}
	var all []error
	for i, buffer := range outputs {
		t, err := tensors.FromBuffer(buffer)
		if err == nil && i < len(f.changed) {
			err = f.changed[i].SetValue(t)
		} else {
			results = append(results, t)
		}
		all = append(all, err)
	}
	return results, errors.Join(all...)
}

func (f *function) execute(inputs []compute.Buffer) ([]compute.Buffer, error) {
	t, ok := f.executable.(teller)
	if !ok || f.early == nil && f.gather == nil {
		return f.executable.Execute(inputs, f.donated, 0)
	}
	var ready func(output int, values []float32)
	if f.early != nil {
		ready = func(output int, values []float32) {
			if output < len(f.changed) {
				f.early(f.changed[output], values)
			}
		}
	}
	return t.ExecuteTogether(inputs, f.donated, 0, ready, f.gather)
}

func (f *function) close() {
	if f.executable != nil {
		f.executable.Finalize()
	}
}
