package arch

// inceptionV4 is figure 9: stem, 4 A, reduction-A, 7 B, reduction-B, 3 C. Where
// the figures order a pair of 1x7 and 7x1 (or 1x3 and 3x1) the other way round than
// the TF-slim release, the order is the release's, which public weights need.
var inceptionV4 = definition{
	name:      "inception_v4",
	scope:     "InceptionV4",
	blocks:    []int{4, 7, 3},
	logits:    "Logits/Logits",
	body:      inceptionV4Body,
	auxiliary: inceptionV4Auxiliary,
}

func inceptionV4Body(b *builder, x *value) *value {
	blocks := b.network.options.Blocks
	x = stem(b, x)
	for i := range blocks[0] {
		x = b.stage(mixed(5, 1+i), x, 35, 384, inceptionA)
	}
	x = b.stage(mixed(6, 0), x, 17, 1024, reductionA(192, 224, 256, 384))
	for i := range blocks[1] {
		x = b.stage(mixed(6, 1+i), x, 17, 1024, inceptionB)
	}
	x = b.stage(mixed(7, 0), x, 8, 1536, reductionB)
	for i := range blocks[2] {
		x = b.stage(mixed(7, 1+i), x, 8, 1536, inceptionC)
	}
	return x
}

// mixed names the i-th module at a level of the network: Mixed_5a, Mixed_5b, ...
func mixed(level, i int) string {
	return "Mixed_" + string(rune('0'+level)) + string(rune('a'+i))
}

// stem is figure 3, the stem of Inception-v4 and of the paper's
// Inception-ResNet-v2: 35 x 35 x 384.
func stem(b *builder, x *value) *value {
	x = b.forget(x, func(b *builder, x *value) *value {
		x = b.layer(x, "Conv2d_1a_3x3", 32, valid(3, 2), 149)
		x = b.layer(x, "Conv2d_2a_3x3", 32, valid(3, 1), 147)
		x = b.layer(x, "Conv2d_2b_3x3", 64, same(3, 3), 147)
		return b.stage("Mixed_3a", x, 73, 160, func(b *builder, x *value) *value {
			return b.concat(
				b.maxPool(x, "Branch_0/MaxPool_0a_3x3"),
				b.conv(x, "Branch_1/Conv2d_0a_3x3", 96, valid(3, 2)))
		})
	})
	return b.forget(x, func(b *builder, x *value) *value {
		x = b.stage("Mixed_4a", x, 71, 192, func(b *builder, x *value) *value {
			b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 64, same(1, 1))
			b0 = b.conv(b0, "Branch_0/Conv2d_1a_3x3", 96, valid(3, 1))
			b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 64, same(1, 1))
			b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", 64, same(1, 7))
			b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", 64, same(7, 1))
			b1 = b.conv(b1, "Branch_1/Conv2d_1a_3x3", 96, valid(3, 1))
			return b.concat(b0, b1)
		})
		return b.stage("Mixed_5a", x, 35, 384, func(b *builder, x *value) *value {
			return b.concat(
				b.conv(x, "Branch_0/Conv2d_1a_3x3", 192, valid(3, 2)),
				b.maxPool(x, "Branch_1/MaxPool_1a_3x3"))
		})
	})
}

// inceptionA is figure 4: 35 x 35 x 384.
func inceptionA(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 96, same(1, 1))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 64, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_3x3", 96, same(3, 3))
	b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 64, same(1, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", 96, same(3, 3))
	b2 = b.conv(b2, "Branch_2/Conv2d_0c_3x3", 96, same(3, 3))
	b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
	b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 96, same(1, 1))
	return b.concat(b0, b1, b2, b3)
}

// inceptionB is figure 5: 17 x 17 x 1024.
func inceptionB(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 384, same(1, 1))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 192, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", 224, same(1, 7))
	b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", 256, same(7, 1))
	b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 192, same(1, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0b_7x1", 192, same(7, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0c_1x7", 224, same(1, 7))
	b2 = b.conv(b2, "Branch_2/Conv2d_0d_7x1", 224, same(7, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0e_1x7", 256, same(1, 7))
	b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
	b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 128, same(1, 1))
	return b.concat(b0, b1, b2, b3)
}

// inceptionC is figure 6: 8 x 8 x 1536.
func inceptionC(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 256, same(1, 1))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 384, same(1, 1))
	b1 = b.in("Branch_1").concat(
		b.conv(b1, "Branch_1/Conv2d_0b_1x3", 256, same(1, 3)),
		b.conv(b1, "Branch_1/Conv2d_0c_3x1", 256, same(3, 1)))
	b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 384, same(1, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x1", 448, same(3, 1))
	b2 = b.conv(b2, "Branch_2/Conv2d_0c_1x3", 512, same(1, 3))
	b2 = b.in("Branch_2").concat(
		b.conv(b2, "Branch_2/Conv2d_0d_1x3", 256, same(1, 3)),
		b.conv(b2, "Branch_2/Conv2d_0e_3x1", 256, same(3, 1)))
	b3 := b.averagePool(x, "Branch_3/AvgPool_0a_3x3")
	b3 = b.conv(b3, "Branch_3/Conv2d_0b_1x1", 256, same(1, 1))
	return b.concat(b0, b1, b2, b3)
}

// reductionA is figure 7, from 35 x 35 to 17 x 17, with the widths k, l, m, n of
// table 1; all networks of the paper share it.
func reductionA(k, l, m, n int) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_1a_3x3", n, valid(3, 2))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", k, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_3x3", l, same(3, 3))
		b1 = b.conv(b1, "Branch_1/Conv2d_1a_3x3", m, valid(3, 2))
		b2 := b.maxPool(x, "Branch_2/MaxPool_1a_3x3")
		return b.concat(b0, b1, b2)
	}
}

// reductionB is figure 8: 8 x 8 x 1536.
func reductionB(b *builder, x *value) *value {
	b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 192, same(1, 1))
	b0 = b.conv(b0, "Branch_0/Conv2d_1a_3x3", 192, valid(3, 2))
	b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 256, same(1, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", 256, same(1, 7))
	b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", 320, same(7, 1))
	b1 = b.conv(b1, "Branch_1/Conv2d_1a_3x3", 320, valid(3, 2))
	b2 := b.maxPool(x, "Branch_2/MaxPool_1a_3x3")
	return b.concat(b0, b1, b2)
}

// inceptionV4Auxiliary starts from the last B module.
func inceptionV4Auxiliary(b *builder) *value {
	from := b.endPoints[mixed(6, b.network.options.Blocks[1])]
	return auxiliaryHead(b, from, "Conv2d_2a", "Aux_logits")
}
