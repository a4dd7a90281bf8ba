package arch

import "github.com/gomlx/gomlx/core/graph"

// auxiliaryHead is the side classifier of the TF-slim release: 5x5 average
// pooling with stride 3, a 1x1 convolution, a convolution over the whole remaining
// grid (5 x 5 for inputs of 299 x 299), and the logits. The names of its last two
// layers differ from network to network.
func auxiliaryHead(b *builder, x *graph.Node, gridName, logitsName string) *graph.Node {
	b, x = b.in("AuxLogits"), b.keepLast(x)
	w := valid(5, 3)
	pooled := graph.MeanPool(x).Window(w.height).Strides(w.stride).NoPadding().Done()
	b.record("AvgPool_1a_5x5", Layer{Kind: AveragePool}, w, b.parameterCount(), pooled, x)
	x = b.conv(pooled, "Conv2d_1b_1x1", 128, same(1, 1))
	grid := x.Shape().Dimensions
	x = b.conv(x, gridName, 768, window{grid[1], grid[2], 1, true})
	x = b.keepLast(x)
	flat := graph.Reshape(x, grid[0], x.Shape().Dimensions[3])
	b.producer[flat] = b.producer[x]
	logits := b.dense(flat, logitsName)
	b.outputs.EndPoints["AuxLogits"] = logits
	return logits
}
