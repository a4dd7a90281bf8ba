package graph

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// A Builder records a program.
type Builder struct {
	compute.Builder // the go backend's, which is given the same operations
	tail            compute.Backend
	main            *Function
	compile         func(*Builder) (compute.Executable, error)
	opaque          bool
	standIns        []StandIn
	forgotten       bool
}

// NewBuilder returns a builder beside one of the go backend's; compile makes the program.
func NewBuilder(tail compute.Backend, name string, compile func(*Builder) (compute.Executable, error)) *Builder {
	b := &Builder{Builder: tail.Builder(name), tail: tail, compile: compile}
	b.main = &Function{Function: b.Builder.Main(), builder: b}
	return b
}

// Opaque reports whether the program cannot be lowered: it has functions beside main, or
// runs on several devices.
func (b *Builder) Opaque() bool { return b.opaque }

// CheckSizes returns an error that names the first operation whose result has no elements,
// such as those of a batch of no images.
func (b *Builder) CheckSizes() error {
	for _, n := range b.main.nodes {
		for _, s := range n.Shapes {
			if s.Size() == 0 {
				return fmt.Errorf("cpu: the result of %s should have elements, found %s", n.Op, s)
			}
		}
	}
	return nil
}

// Static reports whether all shapes are known.
func (b *Builder) Static() bool {
	for _, n := range b.main.nodes {
		if slices.ContainsFunc(n.Shapes, shapes.Shape.IsDynamic) {
			return false
		}
	}
	return true
}

// Has reports whether an operation was recorded.
func (b *Builder) Has(op compute.OpType) bool {
	return slices.ContainsFunc(b.main.nodes, func(n *Node) bool { return n.Op == op })
}

// Compile makes the program, and releases what has been recorded of it.
func (b *Builder) Compile() (compute.Executable, error) {
	if b.forgotten {
		return nil, fmt.Errorf("cpu: what was recorded of %s has been released: a builder makes one program", b.Name())
	}
	executable, err := b.compile(b)
	if err == nil {
		b.Forget()
	}
	return executable, err
}

// CompileShadow makes the go backend's program of all that was recorded.
func (b *Builder) CompileShadow() (compute.Executable, error) { return b.Builder.Compile() }

// Main returns the function that is compiled.
func (b *Builder) Main() compute.Function { return b.main }

// Recorded returns the same, for lowering.
func (b *Builder) Recorded() *Function { return b.main }

func (b *Builder) NewFunction(name string) (compute.Function, error) {
	shadow, err := b.Builder.NewFunction(name)
	if err != nil {
		return nil, err
	}
	b.opaque = true
	return &Function{Function: shadow, builder: b}, nil
}

func (b *Builder) OpShape(op compute.Value) (shapes.Shape, error) {
	v, ok := op.(*Value)
	if !ok {
		return shapes.Invalid(), fmt.Errorf("cpu: expected a value of this builder, found %T", op)
	}
	return v.Shape(), nil
}

func (b *Builder) DistributedSPMD(numDevices int) error {
	b.opaque = true
	return b.Builder.DistributedSPMD(numDevices)
}

func (b *Builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	b.opaque = true
	return b.Builder.DistributedAutoSharding(meshes...)
}

// Forget releases what has been recorded of a program that is lowered: the weights, which
// need not be there a second time once they are packed, and all else but the parameters'
// places and the shapes, since callers may hold its values for as long as it runs. The go
// backend's program is another, empty one then.
func (b *Builder) Forget() {
	if b.forgotten {
		return
	}
	b.forgotten = true
	b.Builder = b.tail.Builder(b.Name())
	f := b.main
	f.Function = b.Builder.Main()
	for _, n := range f.nodes {
		n.Inputs, n.Values, n.shadow, n.Replay = nil, nil, nil, nil
		if n.Op != compute.OpTypeParameter {
			n.Attrs = nil
		}
	}
	f.nodes, f.norms, f.again, b.standIns = nil, nil, nil, nil
}
