package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// Sums over pixels, two by channel, are made of blocks of pixels, as many however many
// threads there are, and added up in the order of the blocks.

// sums is how many float64s two sums by channel need.
func sums(t *plan.Tensor) int { return tuning.SumBlocks * 2 * t.C }

// total returns the two sums of channel c over the blocks.
func total(parts []float64, channels, c int) (a, b float64) {
	for block := range tuning.SumBlocks {
		a += parts[2*block*channels+c]
		b += parts[(2*block+1)*channels+c]
	}
	return a, b
}

// blockSums returns the places of a block's two sums, cleared.
func blockSums(parts []float64, channels, block int) (a, b []float64) {
	both := parts[2*block*channels:][:2*channels]
	clear(both)
	return both[:channels], both[channels:]
}

// blockOf returns the pixels of a block.
func blockOf(pixels, block int) (first, last int) {
	return block * pixels / tuning.SumBlocks, (block + 1) * pixels / tuning.SumBlocks
}
