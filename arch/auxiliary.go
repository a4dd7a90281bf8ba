package arch

import "github.com/gomlx/gomlx/core/graph"

// auxiliaryHead is the side classifier of the TF-slim release: 5x5 average
// pooling with stride 3, a 1x1 convolution, a convolution over the whole remaining
// grid (5 x 5 for inputs of 299 x 299), and the logits. The names of its last two
// layers differ from network to network.
func auxiliaryHead(b *builder, x *value, gridName, logitsName string) *value {
	b, x = b.in("AuxLogits"), b.keepLast(x)
	w := valid(5, 3)
	pooled := x.wide().then(w.slide(x, x.channels()), func(x *graph.Node) *graph.Node {
		return graph.MeanPool(x).Window(w.height).Strides(w.stride).NoPadding().Done()
	})
	pooled = b.narrow(pooled)
	pooled = b.record("AvgPool_1a_5x5", Layer{Kind: AveragePool}, w, b.parameterCount(), pooled, x)
	x = b.conv(pooled, "Conv2d_1b_1x1", 128, same(1, 1))
	x = b.conv(x, gridName, 768, window{x.shape[1], x.shape[2], 1, true})
	x = b.keepLast(x)
	flat := []int{x.shape[0], x.channels()}
	x = x.wide().then(flat, func(x *graph.Node) *graph.Node { return graph.Reshape(x, flat...) })
	logits, _ := b.dense(x, logitsName)
	b.endPoints["AuxLogits"] = logits
	return logits
}
