package engine

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func (f *function) Abs(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeAbs, compute.Function.Abs, x)
}

func (f *function) BitCount(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeBitCount, compute.Function.BitCount, x)
}

func (f *function) BitwiseNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeBitwiseNot, compute.Function.BitwiseNot, x)
}

func (f *function) Ceil(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeCeil, compute.Function.Ceil, x)
}

func (f *function) Clz(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeClz, compute.Function.Clz, x)
}

func (f *function) Conj(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeConj, compute.Function.Conj, x)
}

func (f *function) Cos(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeCos, compute.Function.Cos, x)
}

func (f *function) DynamicShape(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeDynamicShape, compute.Function.DynamicShape, x)
}

func (f *function) Erf(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeErf, compute.Function.Erf, x)
}

func (f *function) Exp(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeExp, compute.Function.Exp, x)
}

func (f *function) Expm1(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeExpm1, compute.Function.Expm1, x)
}

func (f *function) Floor(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeFloor, compute.Function.Floor, x)
}

func (f *function) Identity(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIdentity, compute.Function.Identity, x)
}

func (f *function) Imag(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeImag, compute.Function.Imag, x)
}

func (f *function) IsFinite(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsFinite, compute.Function.IsFinite, x)
}

func (f *function) IsNaN(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsNaN, compute.Function.IsNaN, x)
}

func (f *function) Log(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLog, compute.Function.Log, x)
}

func (f *function) Log1p(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLog1p, compute.Function.Log1p, x)
}

func (f *function) LogicalNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogicalNot, compute.Function.LogicalNot, x)
}

func (f *function) Logistic(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogistic, compute.Function.Logistic, x)
}

func (f *function) Neg(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeNeg, compute.Function.Neg, x)
}

func (f *function) Real(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeReal, compute.Function.Real, x)
}

func (f *function) Round(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRound, compute.Function.Round, x)
}

func (f *function) Rsqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRsqrt, compute.Function.Rsqrt, x)
}

func (f *function) Sign(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSign, compute.Function.Sign, x)
}

func (f *function) Sin(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSin, compute.Function.Sin, x)
}

func (f *function) Sqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSqrt, compute.Function.Sqrt, x)
}

func (f *function) Tanh(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeTanh, compute.Function.Tanh, x)
}

func (f *function) Add(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeAdd, compute.Function.Add, lhs, rhs)
}

func (f *function) Atan2(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeAtan2, compute.Function.Atan2, lhs, rhs)
}

func (f *function) BitwiseAnd(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseAnd, compute.Function.BitwiseAnd, lhs, rhs)
}

func (f *function) BitwiseOr(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseOr, compute.Function.BitwiseOr, lhs, rhs)
}

func (f *function) BitwiseXor(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeBitwiseXor, compute.Function.BitwiseXor, lhs, rhs)
}

func (f *function) Complex(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeComplex, compute.Function.Complex, lhs, rhs)
}

func (f *function) Div(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeDiv, compute.Function.Div, lhs, rhs)
}

func (f *function) Equal(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeEqual, compute.Function.Equal, lhs, rhs)
}

func (f *function) EqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeEqualTotalOrder, compute.Function.EqualTotalOrder, lhs, rhs)
}

func (f *function) GreaterOrEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterOrEqual, compute.Function.GreaterOrEqual, lhs, rhs)
}

func (f *function) GreaterOrEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterOrEqualTotalOrder, compute.Function.GreaterOrEqualTotalOrder, lhs, rhs)
}

func (f *function) GreaterThan(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterThan, compute.Function.GreaterThan, lhs, rhs)
}

func (f *function) GreaterThanTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeGreaterThanTotalOrder, compute.Function.GreaterThanTotalOrder, lhs, rhs)
}

func (f *function) LessOrEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessOrEqual, compute.Function.LessOrEqual, lhs, rhs)
}

func (f *function) LessOrEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessOrEqualTotalOrder, compute.Function.LessOrEqualTotalOrder, lhs, rhs)
}

func (f *function) LessThan(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessThan, compute.Function.LessThan, lhs, rhs)
}

func (f *function) LessThanTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLessThanTotalOrder, compute.Function.LessThanTotalOrder, lhs, rhs)
}

func (f *function) LogicalAnd(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalAnd, compute.Function.LogicalAnd, lhs, rhs)
}

func (f *function) LogicalOr(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalOr, compute.Function.LogicalOr, lhs, rhs)
}

func (f *function) LogicalXor(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeLogicalXor, compute.Function.LogicalXor, lhs, rhs)
}

func (f *function) Max(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMax, compute.Function.Max, lhs, rhs)
}

func (f *function) Min(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMin, compute.Function.Min, lhs, rhs)
}

func (f *function) Mul(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeMul, compute.Function.Mul, lhs, rhs)
}

func (f *function) NotEqual(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeNotEqual, compute.Function.NotEqual, lhs, rhs)
}

func (f *function) NotEqualTotalOrder(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeNotEqualTotalOrder, compute.Function.NotEqualTotalOrder, lhs, rhs)
}

func (f *function) Pow(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypePow, compute.Function.Pow, lhs, rhs)
}

func (f *function) Rem(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeRem, compute.Function.Rem, lhs, rhs)
}

func (f *function) ShiftLeft(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftLeft, compute.Function.ShiftLeft, lhs, rhs)
}

func (f *function) ShiftRightArithmetic(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftRightArithmetic, compute.Function.ShiftRightArithmetic, lhs, rhs)
}

func (f *function) ShiftRightLogical(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeShiftRightLogical, compute.Function.ShiftRightLogical, lhs, rhs)
}

func (f *function) Sub(lhs, rhs compute.Value) (compute.Value, error) {
	return f.binary(compute.OpTypeSub, compute.Function.Sub, lhs, rhs)
}

func (f *function) ReduceBitwiseAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseAnd, compute.Function.ReduceBitwiseAnd, x, axes)
}

func (f *function) ReduceBitwiseOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseOr, compute.Function.ReduceBitwiseOr, x, axes)
}

func (f *function) ReduceBitwiseXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseXor, compute.Function.ReduceBitwiseXor, x, axes)
}

func (f *function) ReduceLogicalAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalAnd, compute.Function.ReduceLogicalAnd, x, axes)
}

func (f *function) ReduceLogicalOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalOr, compute.Function.ReduceLogicalOr, x, axes)
}

func (f *function) ReduceLogicalXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalXor, compute.Function.ReduceLogicalXor, x, axes)
}

func (f *function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMax, compute.Function.ReduceMax, x, axes)
}

func (f *function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMin, compute.Function.ReduceMin, x, axes)
}

func (f *function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceProduct, compute.Function.ReduceProduct, x, axes)
}

func (f *function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceSum, compute.Function.ReduceSum, x, axes)
}

func (f *function) ArgMinMax(x compute.Value, axis int, outputDType dtypes.DType, isMin bool) (compute.Value, error) {
	return f.one(compute.OpTypeArgMinMax, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ArgMinMax(in[0], axis, outputDType, isMin)
	})
}

func (f *function) BatchNormForInference(operand, scale, offset, mean, variance compute.Value, epsilon float32, featureAxis int) (compute.Value, error) {
	return f.one(compute.OpTypeBatchNormForInference, nil, []compute.Value{operand, scale, offset, mean, variance}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BatchNormForInference(in[0], in[1], in[2], in[3], in[4], epsilon, featureAxis)
	})
}

func (f *function) Bitcast(operand compute.Value, targetDType dtypes.DType) (compute.Value, error) {
	return f.one(compute.OpTypeBitcast, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Bitcast(in[0], targetDType)
	})
}

func (f *function) Clamp(min, x, max compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeClamp, nil, []compute.Value{min, x, max}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Clamp(in[0], in[1], in[2])
	})
}

func (f *function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	return f.one(compute.OpTypeConvertDType, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvertDType(in[0], dtype)
	})
}

func (f *function) DynamicDimensionSize(operand compute.Value, axis int) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicDimensionSize, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicDimensionSize(in[0], axis)
	})
}

func (f *function) DynamicReshape(operand compute.Value, dimensions ...compute.DynamicDimensionSpec) (compute.Value, error) {
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

func (f *function) DynamicSlice(operand compute.Value, startIndices []compute.Value, sliceDims []int) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicSlice, nil, append([]compute.Value{operand}, startIndices...), func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicSlice(in[0], in[1:], sliceDims)
	})
}

func (f *function) DynamicUpdateSlice(operand, update compute.Value, startIndices []compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicUpdateSlice, nil, append([]compute.Value{operand, update}, startIndices...), func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicUpdateSlice(in[0], in[1], in[2:])
	})
}

func (f *function) FFT(operand compute.Value, fftType compute.FFTType, fftLength []int) (compute.Value, error) {
	return f.one(compute.OpTypeFFT, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FFT(in[0], fftType, fftLength)
	})
}

func (f *function) Gather(operand, startIndices compute.Value, indexVectorAxis int, offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes []int, indicesAreSorted bool) (compute.Value, error) {
	return f.one(compute.OpTypeGather, nil, []compute.Value{operand, startIndices}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Gather(in[0], in[1], indexVectorAxis, offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes, indicesAreSorted)
	})
}

func (f *function) Iota(shape shapes.Shape, iotaAxis int) (compute.Value, error) {
	return f.one(compute.OpTypeIota, nil, []compute.Value{}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Iota(shape, iotaAxis)
	})
}

func (f *function) Pad(x, fillValue compute.Value, axesConfig ...compute.PadAxis) (compute.Value, error) {
	return f.one(compute.OpTypePad, padAttrs{axesConfig}, []compute.Value{x, fillValue}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return pad(g, in[0], in[1], axesConfig)
	})
}

func (f *function) Reshape(x compute.Value, dimensions ...int) (compute.Value, error) {
	return f.one(compute.OpTypeReshape, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reshape(in[0], dimensions...)
	})
}

func (f *function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	return f.one(compute.OpTypeReverse, axesAttrs{axes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Reverse(in[0], axes...)
	})
}

func (f *function) ScatterMax(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterMax, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterMax(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *function) ScatterMin(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterMin, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterMin(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *function) ScatterSum(operand, scatterIndices, updates compute.Value, indexVectorAxis int, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, indicesAreSorted, uniqueIndices bool) (compute.Value, error) {
	return f.one(compute.OpTypeScatterSum, nil, []compute.Value{operand, scatterIndices, updates}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ScatterSum(in[0], in[1], in[2], indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes, indicesAreSorted, uniqueIndices)
	})
}

func (f *function) SelectAndScatterMax(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.one(compute.OpTypeSelectAndScatterMax, selectAttrs{windowDimensions, windowStrides, paddings}, []compute.Value{operand, source}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return selectAndScatterMax(g, in[0], in[1], windowDimensions, windowStrides, paddings)
	})
}

func (f *function) SelectAndScatterMin(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.one(compute.OpTypeSelectAndScatterMin, nil, []compute.Value{operand, source}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.SelectAndScatterMin(in[0], in[1], windowDimensions, windowStrides, paddings)
	})
}

func (f *function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	return f.one(compute.OpTypeSlice, sliceAttrs{starts, limits, strides}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Slice(in[0], starts, limits, strides)
	})
}

func (f *function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	return f.one(compute.OpTypeTranspose, axesAttrs{permutation}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Transpose(in[0], permutation...)
	})
}

func (f *function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeWhere, nil, []compute.Value{condition, onTrue, onFalse}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Where(in[0], in[1], in[2])
	})
}

func (f *function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	return f.many(compute.OpTypeOptimizationBarrier, operands, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.OptimizationBarrier(in...)
	})
}

// SchedulingBarrier has no need of the dependencies: what is computed of its result is
// computed as late as it can be (computeLate). It is recorded once for an operand, as
// gradients ask for it once for each use.
func (f *function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	if v, ok := f.again[operand]; ok {
		return v, nil
	}
	v, err := f.one(compute.OpTypeSchedulingBarrier, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.SchedulingBarrier(in[0])
	})
	if err == nil {
		if f.again == nil {
			f.again = map[compute.Value]compute.Value{}
		}
		f.again[operand] = v
	}
	return v, err
}

func (f *function) FusedSoftmax(x compute.Value, axis int) (compute.Value, error) {
	return f.one(compute.OpTypeFusedSoftmax, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedSoftmax(in[0], axis)
	})
}

func (f *function) FusedGelu(x compute.Value, exact bool) (compute.Value, error) {
	return f.one(compute.OpTypeFusedGelu, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedGelu(in[0], exact)
	})
}

func (f *function) FusedLayerNorm(x compute.Value, axes []int, epsilon float64, gamma, beta compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeFusedLayerNorm, nil, []compute.Value{x, gamma, beta}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedLayerNorm(in[0], axes, epsilon, in[1], in[2])
	})
}

func (f *function) FusedDense(x, weight, bias compute.Value, options compute.DenseConfig) (compute.Value, error) {
	return f.one(compute.OpTypeFusedDense, nil, []compute.Value{x, weight, bias}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedDense(in[0], in[1], in[2], options)
	})
}

func (f *function) AllReduce(operands []compute.Value, reductionType compute.ReduceOpType, replicaGroups [][]int) ([]compute.Value, error) {
	return f.many(compute.OpTypeAllReduce, operands, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.AllReduce(in, reductionType, replicaGroups)
	})
}

func (f *function) BroadcastInDim(x compute.Value, outputShape shapes.Shape, broadcastAxes []int) (compute.Value, error) {
	return f.one(compute.OpTypeBroadcastInDim, axesAttrs{broadcastAxes}, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BroadcastInDim(in[0], outputShape, broadcastAxes)
	})
}

func (f *function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeConcatenate, axisAttrs{axis}, operands, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Concatenate(axis, in...)
	})
}

func (f *function) ConvGeneral(input, kernel compute.Value, axes compute.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inputDilations, kernelDilations []int, channelGroupCount, batchGroupCount int) (compute.Value, error) {
	attrs := convAttrs{axes, strides, paddings, inputDilations, kernelDilations, channelGroupCount, batchGroupCount}
	return f.one(compute.OpTypeConvGeneral, attrs, []compute.Value{input, kernel}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvGeneral(in[0], in[1], axes, strides, paddings, inputDilations, kernelDilations, channelGroupCount, batchGroupCount)
	})
}

func (f *function) DotGeneral(lhs compute.Value, lhsContractingAxes, lhsBatchAxes []int, rhs compute.Value, rhsContractingAxes, rhsBatchAxes []int,
	config compute.DotGeneralConfig) (compute.Value, error) {
	attrs := dotAttrs{lhsContractingAxes, lhsBatchAxes, rhsContractingAxes, rhsBatchAxes}
	return f.one(compute.OpTypeDotGeneral, attrs, []compute.Value{lhs, rhs}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DotGeneral(in[0], lhsContractingAxes, lhsBatchAxes, in[1], rhsContractingAxes, rhsBatchAxes, config)
	})
}

func (f *function) ReduceWindow(input compute.Value, reductionType compute.ReduceOpType, windowDimensions, strides, inputDilations, windowDilations []int,
	paddings [][2]int) (compute.Value, error) {
	attrs := windowAttrs{reductionType, windowDimensions, strides, inputDilations, windowDilations, paddings}
	return f.one(compute.OpTypeReduceWindow, attrs, []compute.Value{input}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ReduceWindow(in[0], reductionType, windowDimensions, strides, inputDilations, windowDilations, paddings)
	})
}

// BatchNormForTraining is recorded once for the same operands: activations that are
// computed again for gradients ask for it once for each result that they need.
func (f *function) BatchNormForTraining(operand, scale, offset compute.Value, epsilon float32, featureAxis int) (normalized, batchMean, batchVariance compute.Value, err error) {
	key := normKey{operand, scale, offset, normAttrs{epsilon, featureAxis}}
	if n, ok := f.norms[key]; ok {
		return n[0], n[1], n[2], nil
	}
	defer func() {
		if err == nil {
			if f.norms == nil {
				f.norms = map[normKey][3]compute.Value{}
			}
			f.norms[key] = [3]compute.Value{normalized, batchMean, batchVariance}
		}
	}()
	return f.three(compute.OpTypeBatchNormForTraining, normAttrs{epsilon, featureAxis}, []compute.Value{operand, scale, offset}, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		return batchNormForTraining(g, in[0], in[1], in[2], epsilon, featureAxis)
	})
}

func (f *function) BatchNormGradient(operand, scale, mean, variance, gradOutput compute.Value, epsilon float32, featureAxis int) (gradOperand, gradScale, gradOffset compute.Value, err error) {
	return f.three(compute.OpTypeBatchNormGradient, normAttrs{epsilon, featureAxis}, []compute.Value{operand, scale, mean, variance, gradOutput}, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		return batchNormGradient(g, in[0], in[1], in[2], in[3], in[4], epsilon, featureAxis)
	})
}

func (f *function) RNGBitGenerator(state compute.Value, shape shapes.Shape) (newState, values compute.Value, err error) {
	out, err := f.many(compute.OpTypeRNGBitGenerator, []compute.Value{state}, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		a, b, err := g.RNGBitGenerator(in[0], shape)
		return []compute.Value{a, b}, err
	})
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

func (f *function) FusedAttentionQKVProjection(x, wQKV, biasQ, biasK, biasV compute.Value, queryDim, keyValueDim int) (query, key, value compute.Value, err error) {
	return f.three(compute.OpTypeFusedAttentionQKVProjection, nil, []compute.Value{x, wQKV, biasQ, biasK, biasV}, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		return g.FusedAttentionQKVProjection(in[0], in[1], in[2], in[3], in[4], queryDim, keyValueDim)
	})
}

// attentionInputs appends the operands that the options hold.
func attentionInputs(options *compute.ScaledDotProductAttentionConfig, inputs ...compute.Value) []compute.Value {
	if options == nil {
		options = &compute.ScaledDotProductAttentionConfig{}
	}
	return append([]compute.Value{options.QuerySeqLen, options.KeyValueSeqLen, options.Bias, options.Mask}, inputs...)
}

// attentionOptions is the inverse: it returns the options with other operands.
func attentionOptions(options *compute.ScaledDotProductAttentionConfig, in []compute.Value) (*compute.ScaledDotProductAttentionConfig, []compute.Value) {
	if options == nil {
		return nil, in[4:]
	}
	replaced := *options
	replaced.QuerySeqLen, replaced.KeyValueSeqLen, replaced.Bias, replaced.Mask = in[0], in[1], in[2], in[3]
	return &replaced, in[4:]
}

func (f *function) FusedScaledDotProductAttention(query, key, value compute.Value, axesLayout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig) (output compute.Value, statesForVJP []compute.Value, err error) {
	out, err := f.many(compute.OpTypeFusedScaledDotProductAttention, attentionInputs(options, query, key, value), func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		o, in := attentionOptions(options, in)
		output, states, err := g.FusedScaledDotProductAttention(in[0], in[1], in[2], axesLayout, o)
		return append([]compute.Value{output}, states...), err
	})
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1:], nil
}

func (f *function) FusedScaledDotProductAttentionVJP(query, key, value compute.Value, axesLayout compute.AttentionAxesLayout,
	options *compute.ScaledDotProductAttentionConfig, output compute.Value, statesForVJP []compute.Value, dOutput compute.Value) (dQuery, dKey, dValue compute.Value, err error) {
	inputs := append(attentionInputs(options, query, key, value, output, dOutput), statesForVJP...)
	return f.three(compute.OpTypeFusedScaledDotProductAttentionVJP, nil, inputs, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		o, in := attentionOptions(options, in)
		return g.FusedScaledDotProductAttentionVJP(in[0], in[1], in[2], axesLayout, o, in[3], in[5:], in[4])
	})
}

// quantized appends the operands that a quantisation holds to those of an
// operation, and returns how to put others in their place.
func quantized(q *compute.Quantization, inputs ...compute.Value) ([]compute.Value, func(in []compute.Value) *compute.Quantization) {
	if q == nil {
		return inputs, func([]compute.Value) *compute.Quantization { return nil }
	}
	return append(inputs, q.Scale, q.ZeroPoint), func(in []compute.Value) *compute.Quantization {
		replaced := *q
		replaced.Scale, replaced.ZeroPoint = in[len(inputs)], in[len(inputs)+1]
		return &replaced
	}
}

func (f *function) QuantizedEmbeddingLookup(data, indices compute.Value, dataQuantization *compute.Quantization) (compute.Value, error) {
	inputs, replaced := quantized(dataQuantization, data, indices)
	return f.one(compute.OpTypeQuantizedEmbeddingLookup, nil, inputs, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.QuantizedEmbeddingLookup(in[0], in[1], replaced(in))
	})
}

func (f *function) FusedQuantizedDense(x, weights, bias compute.Value, weightsQuantization *compute.Quantization, activation compute.ActivationType) (compute.Value, error) {
	inputs, replaced := quantized(weightsQuantization, x, weights, bias)
	return f.one(compute.OpTypeFusedQuantizedDense, nil, inputs, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedQuantizedDense(in[0], in[1], in[2], replaced(in), activation)
	})
}
