package graph

import "github.com/gomlx/compute"

func (f *Function) FusedSoftmax(x compute.Value, axis int) (compute.Value, error) {
	return f.one(compute.OpTypeFusedSoftmax, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedSoftmax(in[0], axis)
	})
}

func (f *Function) FusedGelu(x compute.Value, exact bool) (compute.Value, error) {
	return f.one(compute.OpTypeFusedGelu, nil, []compute.Value{x}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedGelu(in[0], exact)
	})
}

func (f *Function) FusedLayerNorm(x compute.Value, axes []int, epsilon float64, gamma, beta compute.Value) (compute.Value, error) {
	return f.one(compute.OpTypeFusedLayerNorm, nil, []compute.Value{x, gamma, beta}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedLayerNorm(in[0], axes, epsilon, in[1], in[2])
	})
}

func (f *Function) FusedDense(x, weight, bias compute.Value, options compute.DenseConfig) (compute.Value, error) {
	return f.one(compute.OpTypeFusedDense, nil, []compute.Value{x, weight, bias}, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedDense(in[0], in[1], in[2], options)
	})
}

func (f *Function) FusedAttentionQKVProjection(x, wQKV, biasQ, biasK, biasV compute.Value, queryDim, keyValueDim int) (query, key, value compute.Value, err error) {
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

func (f *Function) FusedScaledDotProductAttention(query, key, value compute.Value, axesLayout compute.AttentionAxesLayout,
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

func (f *Function) FusedScaledDotProductAttentionVJP(query, key, value compute.Value, axesLayout compute.AttentionAxesLayout,
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

func (f *Function) QuantizedEmbeddingLookup(data, indices compute.Value, dataQuantization *compute.Quantization) (compute.Value, error) {
	inputs, replaced := quantized(dataQuantization, data, indices)
	return f.one(compute.OpTypeQuantizedEmbeddingLookup, nil, inputs, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.QuantizedEmbeddingLookup(in[0], in[1], replaced(in))
	})
}

func (f *Function) FusedQuantizedDense(x, weights, bias compute.Value, weightsQuantization *compute.Quantization, activation compute.ActivationType) (compute.Value, error) {
	inputs, replaced := quantized(weightsQuantization, x, weights, bias)
	return f.one(compute.OpTypeFusedQuantizedDense, nil, inputs, func(g compute.Function, in []compute.Value) (compute.Value, error) {
		return g.FusedQuantizedDense(in[0], in[1], in[2], replaced(in), activation)
	})
}
