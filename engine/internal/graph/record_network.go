package graph

import "github.com/gomlx/compute"

func (f *Function) BatchNormForInference(operand, scale, offset, mean, variance compute.Value, epsilon float32, featureAxis int) (compute.Value, error) {
	return f.one(compute.OpTypeBatchNormForInference, nil, []compute.Value{operand, scale, offset, mean, variance}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.BatchNormForInference(in[0], in[1], in[2], in[3], in[4], epsilon, featureAxis)
	})
}

func (f *Function) SelectAndScatterMax(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.one(compute.OpTypeSelectAndScatterMax, SelectAttrs{windowDimensions, windowStrides, paddings}, []compute.Value{operand, source}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return selectAndScatterMax(g, in[0], in[1], windowDimensions, windowStrides, paddings)
	})
}

func (f *Function) SelectAndScatterMin(operand, source compute.Value, windowDimensions, windowStrides []int, paddings [][2]int) (compute.Value, error) {
	return f.one(compute.OpTypeSelectAndScatterMin, nil, []compute.Value{operand, source}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.SelectAndScatterMin(in[0], in[1], windowDimensions, windowStrides, paddings)
	})
}

func (f *Function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	return f.many(compute.OpTypeOptimizationBarrier, operands, func(g compute.Function, in []compute.Value) ([]compute.Value, error) {
		return g.OptimizationBarrier(in...)
	})
}

// SchedulingBarrier has no need of the dependencies: what is computed of its result is
// computed as late as it can be (computeLate). It is recorded once for an operand, as
// gradients ask for it once for each use.
func (f *Function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
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

func (f *Function) ConvGeneral(input, kernel compute.Value, axes compute.ConvolveAxesConfig, strides []int, paddings [][2]int,
	inputDilations, kernelDilations []int, channelGroupCount, batchGroupCount int) (compute.Value, error) {
	attrs := ConvAttrs{axes, strides, paddings, inputDilations, kernelDilations, channelGroupCount, batchGroupCount}
	return f.one(compute.OpTypeConvGeneral, attrs, []compute.Value{input, kernel}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ConvGeneral(in[0], in[1], axes, strides, paddings, inputDilations, kernelDilations, channelGroupCount, batchGroupCount)
	})
}

func (f *Function) DotGeneral(lhs compute.Value, lhsContractingAxes, lhsBatchAxes []int, rhs compute.Value, rhsContractingAxes, rhsBatchAxes []int,
	config compute.DotGeneralConfig) (compute.Value, error) {
	attrs := DotAttrs{lhsContractingAxes, lhsBatchAxes, rhsContractingAxes, rhsBatchAxes}
	return f.one(compute.OpTypeDotGeneral, attrs, []compute.Value{lhs, rhs}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.DotGeneral(in[0], lhsContractingAxes, lhsBatchAxes, in[1], rhsContractingAxes, rhsBatchAxes, config)
	})
}

func (f *Function) ReduceWindow(input compute.Value, reductionType compute.ReduceOpType, windowDimensions, strides, inputDilations, windowDilations []int,
	paddings [][2]int) (compute.Value, error) {
	attrs := WindowAttrs{reductionType, windowDimensions, strides, inputDilations, windowDilations, paddings}
	return f.one(compute.OpTypeReduceWindow, attrs, []compute.Value{input}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.ReduceWindow(in[0], reductionType, windowDimensions, strides, inputDilations, windowDilations, paddings)
	})
}

// BatchNormForTraining is recorded once for the same operands: activations that are
// computed again for gradients ask for it once for each result that they need.
func (f *Function) BatchNormForTraining(operand, scale, offset compute.Value, epsilon float32, featureAxis int) (normalized, batchMean, batchVariance compute.Value, err error) {
	key := normKey{operand, scale, offset, NormAttrs{epsilon, featureAxis}}
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
	return f.three(compute.OpTypeBatchNormForTraining, NormAttrs{epsilon, featureAxis}, []compute.Value{operand, scale, offset}, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		return batchNormForTraining(g, in[0], in[1], in[2], epsilon, featureAxis)
	})
}

func (f *Function) BatchNormGradient(operand, scale, mean, variance, gradOutput compute.Value, epsilon float32, featureAxis int) (gradOperand, gradScale, gradOffset compute.Value, err error) {
	return f.three(compute.OpTypeBatchNormGradient, NormAttrs{epsilon, featureAxis}, []compute.Value{operand, scale, mean, variance, gradOutput}, func(g compute.Function, in []compute.Value) (a, b, c compute.Value, err error) {
		return batchNormGradient(g, in[0], in[1], in[2], in[3], in[4], epsilon, featureAxis)
	})
}
