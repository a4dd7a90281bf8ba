package arch

import "fmt"

// residualScales are those of the TF-slim release, within the 0.1 to 0.3 of
// section 3.3: of the blocks at 35 x 35, 17 x 17 and 8 x 8.
var residualScales = []float64{0.17, 0.10, 0.20}

// A residualBlock adds one of the blocks A, B, C; scale multiplies its branches,
// and its sum goes through ReLU if activate is true.
type residualBlock func(b *builder, x *value, scale float64, activate bool) *value

// keptSums is how many residual blocks there are to a sum that is kept where activations
// are computed again. The sums have several times the channels of the branches, and are
// computed from these by the cheapest convolution of the block.
const keptSums = 3

// repeat adds a residual block count times under the scope that the TF-slim
// release uses (Repeat/block35_1, Repeat/block35_2, ...). The output of the last is
// an end point under the scope's own name too.
func repeat(b *builder, x *value, scope, name string, count int, scale float64, side, channels int, block residualBlock) *value {
	for i := range count {
		b := &builder{b.construction, b.scope, keeping{convolutions: true, sums: (count-1-i)%keptSums == 0}}
		x = b.stage(fmt.Sprintf("%s/%s_%d", scope, name, i+1), x, side, channels, func(b *builder, x *value) *value {
			return block(b, x, scale, true)
		})
	}
	return b.endPoint(scope, x, side, channels)
}

// inceptionResnetA is figure 10 (Inception-ResNet-v1: m and n are 32) and figure
// 16 (v2: 48 and 64), at 35 x 35; m and n are the widths of the third branch's 3x3
// convolutions.
func inceptionResnetA(m, n int) residualBlock {
	return func(b *builder, x *value, scale float64, activate bool) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_1x1", 32, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 32, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_3x3", 32, same(3, 3))
		b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 32, same(1, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", m, same(3, 3))
		b2 = b.conv(b2, "Branch_2/Conv2d_0c_3x3", n, same(3, 3))
		return b.residual(x, scale, activate, b0, b1, b2)
	}
}

// inceptionResnetB is figure 11 (v1: m and n are 128) and figure 17 (v2: 160 and
// 192), at 17 x 17; m is the width of the 1x7 convolution, n that of both branches'
// ends.
func inceptionResnetB(m, n int) residualBlock {
	return func(b *builder, x *value, scale float64, activate bool) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_1x1", n, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 128, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x7", m, same(1, 7))
		b1 = b.conv(b1, "Branch_1/Conv2d_0c_7x1", n, same(7, 1))
		return b.residual(x, scale, activate, b0, b1)
	}
}

// inceptionResnetC is figure 13 (v1: m and n are 192) and figure 19 (v2: 224 and
// 256), at 8 x 8; m and n are the widths of the 1x3 and 3x1 convolutions.
func inceptionResnetC(m, n int) residualBlock {
	return func(b *builder, x *value, scale float64, activate bool) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_1x1", 192, same(1, 1))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 192, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_0b_1x3", m, same(1, 3))
		b1 = b.conv(b1, "Branch_1/Conv2d_0c_3x1", n, same(3, 1))
		return b.residual(x, scale, activate, b0, b1)
	}
}

// reductionResnetB is figure 12 (v1: p, q and r are 256) and figure 18 (v2: 288,
// 288 and 320), from 17 x 17 to 8 x 8.
func reductionResnetB(p, q, r int) func(b *builder, x *value) *value {
	return func(b *builder, x *value) *value {
		b0 := b.conv(x, "Branch_0/Conv2d_0a_1x1", 256, same(1, 1))
		b0 = b.conv(b0, "Branch_0/Conv2d_1a_3x3", 384, valid(3, 2))
		b1 := b.conv(x, "Branch_1/Conv2d_0a_1x1", 256, same(1, 1))
		b1 = b.conv(b1, "Branch_1/Conv2d_1a_3x3", p, valid(3, 2))
		b2 := b.conv(x, "Branch_2/Conv2d_0a_1x1", 256, same(1, 1))
		b2 = b.conv(b2, "Branch_2/Conv2d_0b_3x3", q, same(3, 3))
		b2 = b.conv(b2, "Branch_2/Conv2d_1a_3x3", r, valid(3, 2))
		b3 := b.maxPool(x, "Branch_3/MaxPool_1a_3x3")
		return b.concat(b0, b1, b2, b3)
	}
}
