package arch

// inceptionResnetV1 is figure 15 with the blocks of figures 10 to 14: the
// residual network of about Inception-v3's cost.
var inceptionResnetV1 = definition{
	name:   "inception_resnet_v1",
	scope:  "InceptionResnetV1",
	blocks: []int{5, 10, 5},
	scales: residualScales,
	logits: "Logits",
	body:   inceptionResnetV1Body,
}

func inceptionResnetV1Body(b *builder, x *value) *value {
	blocks, scales := b.network.options.Blocks, b.network.options.ResidualScales
	x = stemResnetV1(b, x)
	x = repeat(b, x, "Repeat", "block35", blocks[0], scales[0], 35, 256, inceptionResnetA(32, 32))
	x = b.stage("Mixed_6a", x, 17, 896, reductionA(192, 192, 256, 384))
	x = repeat(b, x, "Repeat_1", "block17", blocks[1], scales[1], 17, 896, inceptionResnetB(128, 128))
	x = b.stage("Mixed_7a", x, 8, 1792, reductionResnetB(256, 256, 256))
	x = repeat(b, x, "Repeat_2", "block8", blocks[2], scales[2], 8, 1792, inceptionResnetC(192, 192))
	if b.network.options.FaceBlock {
		x = b.stage("Block8", x, 8, 1792, func(b *builder, x *value) *value {
			return inceptionResnetC(192, 192)(b, x, 1, false)
		})
	}
	return x
}

// stemResnetV1 is figure 14: 35 x 35 x 256.
func stemResnetV1(b *builder, x *value) *value {
	x = b.forget(x, func(b *builder, x *value) *value {
		x = b.layer(x, "Conv2d_1a_3x3", 32, valid(3, 2), 149)
		x = b.layer(x, "Conv2d_2a_3x3", 32, valid(3, 1), 147)
		x = b.layer(x, "Conv2d_2b_3x3", 64, same(3, 3), 147)
		return b.endPoint("MaxPool_3a_3x3", b.maxPool(x, "MaxPool_3a_3x3"), 73, 64)
	})
	return b.forget(x, func(b *builder, x *value) *value {
		x = b.layer(x, "Conv2d_3b_1x1", 80, valid(1, 1), 73)
		x = b.layer(x, "Conv2d_4a_3x3", 192, valid(3, 1), 71)
		return b.layer(x, "Conv2d_4b_3x3", 256, valid(3, 2), 35)
	})
}

// Facenet returns the options of the Inception-ResNet-v1 that facenet trains: FaceBlock, and
// in place of logits 512 features with batch norm, divided by their length. Images are 160 x
// 160 pixels.
func Facenet() Options {
	return Options{FaceBlock: true, Head: &Head{
		Hidden: []HeadLayer{{Name: "/Bottleneck", DropoutKeep: 0.8, Units: 512, Unbiased: true, BatchNorm: true}},
		Output: OutputEmbedding,
	}}
}
