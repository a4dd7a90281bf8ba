package arch

// inceptionResnetV2Paper is figure 15 with the stem of figure 3 and the blocks of
// figures 16 to 19. The expansions are as wide as the sums that they feed, 1152
// and 2144 channels, where the figures print 1154 and 2048.
var inceptionResnetV2Paper = definition{
	name:   "inception_resnet_v2_paper",
	scope:  "InceptionResnetV2",
	blocks: []int{5, 10, 5},
	scales: residualScales,
	logits: "Logits/Logits",
	body:   inceptionResnetV2PaperBody,
}

func inceptionResnetV2PaperBody(b *builder, x *value) *value {
	blocks, scales := b.network.options.Blocks, b.network.options.ResidualScales
	x = stem(b, x)
	x = repeat(b, x, "Repeat", "block35", blocks[0], scales[0], 35, 384, inceptionResnetA(48, 64))
	x = b.stage("Mixed_6a", x, 17, 1152, reductionA(256, 256, 384, 384))
	x = repeat(b, x, "Repeat_1", "block17", blocks[1], scales[1], 17, 1152, inceptionResnetB(160, 192))
	x = b.stage("Mixed_7a", x, 8, 2144, reductionResnetB(288, 288, 320))
	return repeat(b, x, "Repeat_2", "block8", blocks[2], scales[2], 8, 2144, inceptionResnetC(224, 256))
}
