package graph

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

func (f *Function) DynamicReshape(operand compute.Value, dimensions ...compute.DynamicDimensionSpec) (compute.Value, error) {
	inputs := []compute.Value{operand}
	for _, d := range dimensions {
		inputs = append(inputs, d.Value)
	}
	return f.one(compute.OpTypeDynamicReshape, nil, inputs, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		replaced := slices.Clone(dimensions)
		for i := range replaced {
			replaced[i].Value = in[1+i]
		}
		return g.DynamicReshape(in[0], replaced...)
	})
}

func (f *Function) DynamicSlice(operand compute.Value, startIndices []compute.Value, sliceDims []int) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicSlice, nil, append([]compute.Value{operand}, startIndices...), func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicSlice(in[0], in[1:], sliceDims)
	})
}

func (f *Function) DynamicUpdateSlice(operand, update compute.Value, startIndices []compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicUpdateSlice, nil, append([]compute.Value{operand, update}, startIndices...), func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicUpdateSlice(in[0], in[1], in[2:])
	})
}

func (f *Function) Gather(operand, startIndices compute.Value, indexVectorAxis int, offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes []int, indicesAreSorted bool) (compute.Value, error) {
	return f.one(compute.OpTypeGather, nil, []compute.Value{operand, startIndices}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Gather(in[0], in[1], indexVectorAxis, offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes, indicesAreSorted)
	})
}

func (f *Function) Pad(x, fillValue compute.Value, axesConfig ...compute.PadAxis) (compute.Value, error) {
	return f.one(compute.OpTypePad, PadAttrs{axesConfig}, []compute.Value{x, fillValue}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return pad(g, in[0], in[1], axesConfig)
	})
}

func (f *Function) Reshape(x compute.Value, dimensions ...int) (compute.Value, error) {
	return f.one(compute.OpTypeReshape, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reshape(in[0], dimensions...)
	})
}

func (f *Function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	return f.one(compute.OpTypeReverse, AxesAttrs{axes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reverse(in[0], axes...)
	})
}

func (f *Function) ScatterMax(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterMax, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterMax(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *Function) ScatterMin(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterMin, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterMin(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *Function) ScatterSum(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterSum, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterSum(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *Function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	return f.one(compute.OpTypeSlice, SliceAttrs{starts, limits, strides}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Slice(in[0], starts, limits, strides)
	})
}

func (f *Function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	return f.one(compute.OpTypeTranspose, AxesAttrs{permutation}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Transpose(in[0], permutation...)
	})
}

func (f *Function) BroadcastInDim(x compute.Value, outputShape shapes.Shape, broadcastAxes []int) (compute.Value, error) {
	return f.one(compute.OpTypeBroadcastInDim, AxesAttrs{broadcastAxes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BroadcastInDim(in[0], outputShape, broadcastAxes)
	})
}

func (f *Function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeConcatenate, AxisAttrs{axis}, operands, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Concatenate(axis, in...)
	})
}
