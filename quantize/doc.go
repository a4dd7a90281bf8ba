// Package quantize turns trained networks into int8 ones (arch.Int8): it finds the ranges
// of their activations on photographs, and rounds weights and activations to 8 bits.
//
//	model, err := quantize.Open("model.safetensors", weights.Hint{})
//	...
//	statistics, err := model.Observe(ctx, backend, 299, photographs)
//	...
//	quantized, err := model.Quantize(statistics, quantize.Options{})
//	err = quantized.Write("quantized.safetensors")
//
// Classify and Compare tell what that costs, and Choose takes other ranges where it is too
// much.
//
// Sources: Jacob et al., arXiv 1712.05877; Nagel et al., arXiv 1906.04721 (correction of
// biases); Krishnamoorthi, arXiv 1806.08342 (ranges by channel).
package quantize
