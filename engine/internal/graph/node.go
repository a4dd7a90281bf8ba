package graph

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// A Node is one recorded operation.
type Node struct {
	Index  int // in the function's nodes
	Op     compute.OpType
	Inputs []*Value // nil where an optional operand is absent
	Attrs  any      // what lowering needs to know of the operation, by its type
	Values []*Value
	Shapes []shapes.Shape
	// Replay adds the operation to a function of the go backend.
	Replay func(g compute.Function, in []compute.Value) ([]compute.Value, error)

	shadow []compute.Value // the same outputs in the go backend's program
}

// A Value is one output of a node; it is the compute.Value that callers hold.
type Value struct {
	Node     *Node
	Output   int
	function *Function
}

// Shape is the value's, as the go backend inferred it.
func (v *Value) Shape() shapes.Shape { return v.Node.Shapes[v.Output] }

// The attributes of the operations that are lowered, with the fields of GoMLX's arguments.
type (
	ParameterAttrs struct{ Name string }
	ConstantAttrs  struct{ Flat any }
	ConvAttrs      struct {
		Axes                            compute.ConvolveAxesConfig
		Strides                         []int
		Paddings                        [][2]int
		InputDilations, KernelDilations []int
		ChannelGroups, BatchGroups      int
	}
	WindowAttrs struct {
		Reduction                                  compute.ReduceOpType
		Window, Strides, InputDilations, Dilations []int
		Paddings                                   [][2]int
	}
	NormAttrs struct {
		Epsilon float32
		Axis    int
	}
	SliceAttrs  struct{ Starts, Limits, Strides []int }
	PadAttrs    struct{ Axes []compute.PadAxis }
	SelectAttrs struct {
		Window, Strides []int
		Paddings        [][2]int
	}
	AxisAttrs struct{ Axis int }
	AxesAttrs struct{ Axes []int }
	DotAttrs  struct {
		LHSContracting, LHSBatch, RHSContracting, RHSBatch []int
	}
)
