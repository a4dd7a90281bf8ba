package arch

// inceptionV3 is the baseline of the paper's tables, from "Rethinking the
// Inception Architecture for Computer Vision" (Szegedy et al., arXiv 1512.00567).
// Layers have the TF-slim release's names, but for Mixed_5c, where the release is
// irregular.
var inceptionV3 = definition{
	name:      "inception_v3",
	scope:     "InceptionV3",
	blocks:    []int{3, 4, 2},
	logits:    "Logits/Logits",
	body:      inceptionV3Body,
	auxiliary: inceptionV3Auxiliary,
}

func inceptionV3Body(b *builder, x *value) *value {
	blocks := b.network.options.Blocks
	x = stemV3(b, x)
	for i := range blocks[0] {
		pool := 64
		if i == 0 {
			pool = 32
		}
		x = b.stage(mixed(5, 1+i), x, 35, 224+pool, inceptionV3A(pool))
	}
	x = b.stage(mixed(6, 0), x, 17, 768, reductionV3A)
	for i := range blocks[1] {
		width := 160
		switch i {
		case 0:
			width = 128
		case blocks[1] - 1:
			width = 192
		}
		x = b.stage(mixed(6, 1+i), x, 17, 768, inceptionV3B(width))
	}
	x = b.stage(mixed(7, 0), x, 8, 1280, reductionV3B)
	for i := range blocks[2] {
		pool := (*builder).averagePool
		if i == blocks[2]-1 && b.network.options.MaxPoolLastBlock {
			pool = (*builder).maxPoolSame
		}
		x = b.stage(mixed(7, 1+i), x, 8, 2048, inceptionV3C(pool))
	}
	return x
}

// stemV3 is the stem that Inception-v3 and the released Inception-ResNet-v2
// share: 35 x 35 x 192.
func stemV3(b *builder, x *value) *value {
	x = b.forget(x, func(b *builder, x *value) *value {
		x = b.layer(x, "Conv2d_1a_3x3", 32, valid(3, 2), 149)
		x = b.layer(x, "Conv2d_2a_3x3", 32, valid(3, 1), 147)
		x = b.layer(x, "Conv2d_2b_3x3", 64, same(3, 3), 147)
		return b.endPoint("MaxPool_3a_3x3", b.maxPool(x, "MaxPool_3a_3x3"), 73, 64)
	})
	return b.forget(x, func(b *builder, x *value) *value {
		x = b.layer(x, "Conv2d_3b_1x1", 80, valid(1, 1), 73)
		x = b.layer(x, "Conv2d_4a_3x3", 192, valid(3, 1), 71)
		return b.endPoint("MaxPool_5a_3x3", b.maxPool(x, "MaxPool_5a_3x3"), 35, 192)
	})
}

// inceptionV3A is the 35 x 35 module with the given width after the pooling, in
// the factorisation of the release (a 5x5 kept in the second branch).
func inceptionV3A(pool int) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 64, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 48, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_5x5", 64, same(5, 5))
		b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 64, same(1, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", 96, same(3, 3))
		b2 = b.conv(b2, "Branch_2/Conv2d_0c_3x3", 96, same(3, 3))
		b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
		b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", pool, same(1, 1))
		return b.concat(b0, b1, b2, b3)
	}
}

// reductionV3A is 17 x 17 x 768. The release calls its strided 3x3 convolutions
// 1x1.
func reductionV3A(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_1a_1x1", 384, valid(3, 2))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 64, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_3x3", 96, same(3, 3))
	b1 = b.conv(b1, "Branch_1/Conv2d_1a_1x1", 96, valid(3, 2))
	b2 := b.maxPool(x, "Branch_2/MaxPool_1a_3x3")
	return b.concat(b0, b1, b2)
}

// inceptionV3B is the 17 x 17 x 768 module with the given width inside its 7x7
// branches.
func inceptionV3B(width int) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 192, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", width, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", width, same(1, 7))
		b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", 192, same(7, 1))
		b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", width, same(1, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0b_7x1", width, same(7, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0c_1x7", width, same(1, 7))
		b2 = b.conv(b2, "Branch_2/Conv2d_0d_7x1", width, same(7, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0e_1x7", 192, same(1, 7))
		b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
		b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 192, same(1, 1))
		return b.concat(b0, b1, b2, b3)
	}
}

// reductionV3B is 8 x 8 x 1280.
func reductionV3B(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 192, same(1, 1))
	b0 = b.conv(b0, "Branch_0/Conv2d_1a_3x3", 320, valid(3, 2))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 192, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", 192, same(1, 7))
	b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", 192, same(7, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_1a_3x3", 192, valid(3, 2))
	b2 := b.maxPool(x, "Branch_2/MaxPool_1a_3x3")
	return b.concat(b0, b1, b2)
}

// inceptionV3C is the 8 x 8 x 2048 module with the given pooling.
func inceptionV3C(pool func(b *builder, x *value, name string) *value) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 320, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 384, same(1, 1))
		b1 = b.in("Branch_1").concat(
			b.conv(b1, "Branch_1/Conv2d_0b_1x3", 384, same(1, 3)),
			b.conv(b1, "Branch_1/Conv2d_0c_3x1", 384, same(3, 1)))
		b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 448, same(1, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", 384, same(3, 3))
		b2 = b.in("Branch_2").concat(
			b.conv(b2, "Branch_2/Conv2d_0c_1x3", 384, same(1, 3)),
			b.conv(b2, "Branch_2/Conv2d_0d_3x1", 384, same(3, 1)))
		b3 := pool(b, x, "Branch_3/AvgPool_0a_3x3")
		b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 192, same(1, 1))
		return b.concat(b0, b1, b2, b3)
	}
}

// inceptionV3Auxiliary starts from the last 17 x 17 module.
func inceptionV3Auxiliary(b *builder) *value {
	from := b.endPoints[mixed(6, b.network.options.Blocks[1])]
	return auxiliaryHead(b, from, "Conv2d_2a_5x5", "Conv2d_2b_1x1")
}
