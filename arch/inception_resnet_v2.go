package arch

// inceptionResnetV2 is the released network (TF-slim's inception_resnet_v2),
// whose layout all public weights have. Beside the paper's it has Inception-v3's
// stem, more blocks, a last block without ReLU, and a 1x1 convolution before the
// pooling.
var inceptionResnetV2 = definition{
	name:      "inception_resnet_v2",
	scope:     "InceptionResnetV2",
	blocks:    []int{10, 20, 10},
	scales:    residualScales,
	logits:    "Logits/Logits",
	body:      inceptionResnetV2Body,
	auxiliary: inceptionResnetV2Auxiliary,
}

func inceptionResnetV2Body(b *builder, x *value) *value {
	blocks, scales := b.network.options.Blocks, b.network.options.ResidualScales
	x = stemV3(b, x)
	x = b.stage("Mixed_5b", x, 35, 320, mixed5bResnetV2)
	x = repeat(b, x, "Repeat", "block35", blocks[0], scales[0], 35, 320, inceptionResnetA(48, 64))
	x = b.stage("Mixed_6a", x, 17, 1088, reductionA(256, 256, 384, 384))
	x = repeat(b, x, "Repeat_1", "block17", blocks[1], scales[1], 17, 1088, inceptionResnetB(160, 192))
	x = b.stage("Mixed_7a", x, 8, 2080, reductionResnetB(288, 288, 320))
	x = repeat(b, x, "Repeat_2", "block8", blocks[2]-1, scales[2], 8, 2080, inceptionResnetC(224, 256))
	x = b.stage("Block8", x, 8, 2080, func(b *builder, x *value) *value {
		return inceptionResnetC(224, 256)(b, x, 1, false)
	})
	return b.layer(x, "Conv2d_7b_1x1", 1536, same(1, 1), 8)
}

// mixed5bResnetV2 is an Inception-v3 module that the release puts before the
// first residual block: 35 x 35 x 320.
func mixed5bResnetV2(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_1x1", 96, same(1, 1))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 48, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_5x5", 64, same(5, 5))
	b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 64, same(1, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", 96, same(3, 3))
	b2 = b.conv(b2, "Branch_2/Conv2d_0c_3x3", 96, same(3, 3))
	b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
	b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 64, same(1, 1))
	return b.concat(b0, b1, b2, b3)
}

// inceptionResnetV2Auxiliary starts from the last 17 x 17 block.
func inceptionResnetV2Auxiliary(b *builder) *value {
	return auxiliaryHead(b, b.endPoints["Repeat_1"], "Conv2d_2a_5x5", "Logits")
}
