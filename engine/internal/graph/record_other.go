package graph

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

func (f *Function) ArgMinMax(x compute.Value, axis int, outputDType dtypes.DType, isMin bool) (compute.Value, error) {
	return f.one(compute.OpTypeArgMinMax, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ArgMinMax(in[0], axis, outputDType, isMin)
	})
}

func (f *Function) Bitcast(operand compute.Value, targetDType dtypes.DType) (compute.Value, error) {
	return f.one(compute.OpTypeBitcast, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Bitcast(in[0], targetDType)
	})
}

func (f *Function) Clamp(min, x, max compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeClamp, nil, []compute.Value{min, x, max}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Clamp(in[0], in[1], in[2])
	})
}

func (f *Function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	return f.one(compute.OpTypeConvertDType, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvertDType(in[0], dtype)
	})
}

func (f *Function) DynamicDimensionSize(operand compute.Value, axis int) (compute.Value, error) {
	return f.one(compute.OpTypeDynamicDimensionSize, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DynamicDimensionSize(in[0], axis)
	})
}

func (f *Function) FFT(operand compute.Value, fftType compute.FFTType, fftLength []int) (compute.Value, error) {
	return f.one(compute.OpTypeFFT, nil, []compute.Value{operand}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FFT(in[0], fftType, fftLength)
	})
}

func (f *Function) Iota(shape shapes.Shape, iotaAxis int) (compute.Value, error) {
	return f.one(compute.OpTypeIota, nil, []compute.Value{}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Iota(shape, iotaAxis)
	})
}

func (f *Function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeWhere, nil, []compute.Value{condition, onTrue, onFalse}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.Where(in[0], in[1], in[2])
	})
}

func (f *Function) AllReduce(operands []compute.Value, reductionType compute.ReduceOpType, replicaGroups [][]int) ([]compute.Value, error) {
	return f.many(compute.OpTypeAllReduce, operands, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.AllReduce(in, reductionType, replicaGroups)
	})
}

func (f *Function) RNGBitGenerator(state compute.Value, shape shapes.Shape) (newState, values compute.Value, err error) {
	out, err := f.many(compute.OpTypeRNGBitGenerator, []compute.Value{state}, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		a, b, err := g.RNGBitGenerator(in[0], shape)
		return []compute.Value{a, b}, err
	})
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}
