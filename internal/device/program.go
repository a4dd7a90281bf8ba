package device

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// A Program is a compiled graph with the values of its variables. Several goroutines may
// run it.
type Program struct {
	executable compute.Executable
	variables  []compute.Buffer // the last inputs; they belong to the store
	owned      *model.Store     // that is finalized with the program
}

// Place decides what the values of a store's variables are in programs to come: constants
// on a backend in this process, arguments on others.
func Place(backend compute.Backend, store *model.Store) {
	store.WithVariableAsConst(InProcess(backend))
}

// Compile makes the program of what build adds to a graph: its inputs are graph.Parameter,
// made before the first variable is used. The values of variables that are arguments are
// brought to the device, once for all programs of the store, and are there alone until the
// store is finalized.
func Compile(backend compute.Backend, store *model.Store, name string, build func(scope *model.Scope, g *graph.Graph) []*graph.Node) (*Program, error) {
	return compile(backend, store, name, build, false)
}

// CompileOnly is Compile for the only program of a store, which is finalized: before the
// backend compiles the graph where that has the values of the variables, which need not be
// there twice then, else with the program.
func CompileOnly(backend compute.Backend, store *model.Store, name string, build func(scope *model.Scope, g *graph.Graph) []*graph.Node) (*Program, error) {
	p, err := compile(backend, store, name, build, InProcess(backend))
	if err != nil {
		store.Finalize()
		return nil, err
	}
	p.owned = store
	return p, nil
}

// compile finalizes the store when the graph has been built, if it is to.
func compile(backend compute.Backend, store *model.Store, name string, build func(scope *model.Scope, g *graph.Graph) []*graph.Node, finalize bool) (*Program, error) {
	p := &Program{}
	err := exceptions.TryCatch[error](func() {
		g := graph.NewGraph(backend, name)
		outputs := build(store.RootScope(), g)
		if finalize {
			store.Finalize()
		}
		if err := g.Compile(outputs...); err != nil {
			panic(err)
		}
		p.executable = g.Executable()
		if finalize {
			return // the program has the values
		}
		for _, v := range Variables(store, g) {
			buffer, err := onDevice(backend, v)
			if err != nil {
				panic(err)
			}
			p.variables = append(p.variables, buffer)
		}
	})
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("compile %s: %w", name, err)
	}
	return p, nil
}

// onDevice moves a variable's value to the device, unless it is there.
func onDevice(backend compute.Backend, v *model.Variable) (compute.Buffer, error) {
	value, err := v.Value()
	if err != nil {
		return nil, err
	}
	if err := value.ToDevice(backend, 0); err != nil {
		return nil, fmt.Errorf("bring %s to the device: %w", v.Path(), err)
	}
	return value.Buffer(backend, 0)
}

// Variables returns those that are parameters of a compiled graph, in their order, which
// is that of the executable's inputs. Executables need not keep their names.
func Variables(store *model.Store, g *graph.Graph) []*model.Variable {
	var all []*model.Variable
	for i := range g.NumParameters() {
		name := g.GetParameterByHandle(graph.ParameterHandle(i)).GetParameterName()
		if v := store.GetVariable(name); v != nil {
			all = append(all, v)
		}
	}
	return all
}

// Run computes the outputs of inputs, all of which keep their values.
func (p *Program) Run(inputs ...compute.Buffer) (outputs []compute.Buffer, err error) {
	all := append(inputs[:len(inputs):len(inputs)], p.variables...)
	return p.executable.Execute(all, make([]bool, len(all)), 0)
}

// Executable is what the backend made.
func (p *Program) Executable() compute.Executable { return p.executable }

// Close releases the program; the values of its variables only where it was to be their
// store's only one.
func (p *Program) Close() {
	if p.executable != nil {
		p.executable.Finalize()
	}
	if p.owned != nil {
		p.owned.Finalize()
	}
}
