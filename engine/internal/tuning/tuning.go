// Package tuning has the sizes of caches and the thresholds that the engine decides by,
// each with what it was measured on. docs/performance.md has the measurements.
package tuning

import "time"

// The memory of the machines that the engine was measured on: level-1 caches of 32 to 48
// KiB, level-2 caches of 1 to 2 MiB (512 KiB on Zen 3), lines of 64 bytes.
const (
	// CacheLine is a line of all caches, in bytes. Pixels and tensors begin one.
	CacheLine = 64

	// Aliasing is a distance in bytes at which rows fall on the same sets of a level-1
	// cache: a tile of 14 rows at a multiple of it loses a third of its speed.
	Aliasing = 1024

	// ThreadCache is how much of its level-2 cache a thread's pixels may take.
	ThreadCache = 1 << 20

	// ImageBytes is how much an operation reads and writes of an image at least where images are
	// computed one after the other, and ImageWeights how many times as much as its weights are. On
	// an Intel Xeon the stem of Inception-ResNet-v2 takes 0.58 of the time so, in bfloat16, and the
	// convolution of 80 to 192 channels after it 1.1 to 1.4 of it.
	ImageBytes, ImageWeights = 1 << 20, 16

	// HugePage is what the system's large pages are, in bytes. Streaming packed weights
	// through small ones costs up to a third of the bandwidth.
	HugePage = 2 << 20
)

// Threads.
const (
	// Spinning is how long a thread looks for work before it parks: longer than the
	// pauses between the operations of a program, for waking a thread takes as long as a
	// small operation.
	Spinning = 200 * time.Microsecond

	// SumBlocks is how many parts a sum over pixels has. It does not depend on the
	// threads, so that the result does not.
	SumBlocks = 16
)

// Products of matrices and direct convolutions.
const (
	// BlockBytes is how much of packed weights is used for all rows before the next:
	// half of a level-2 cache.
	BlockBytes = 512 << 10

	// LargeBlockBytes is BlockBytes of float32 on machines with AMX, whose level-2 caches have 2 MiB:
	// their shared cache is slow, and an image's pixels are read again for each such part of the
	// weights. With 1.5 MiB networks are 1.05 to 1.09 times as fast as with half of one.
	LargeBlockBytes = 1536 << 10

	// BlockWeights is BlockBytes of AMX's tiles, beside which copies of the pixels stay in a level-2
	// cache.
	BlockWeights = 1 << 20

	// BlockRows is how many bytes of pixels AMX's tiles read again for each panel of weights: they
	// stay in a level-1 cache of 48 KiB, beside sums and weights on their way. On an Intel
	// Xeon tiles multiply at 88% of their peak with up to 40 KiB, at 54% with 64.
	BlockRows = 36 << 10

	// BlockPanels is how many panels of weights pass by one chunk of the pixels, whose sums wait for
	// the next, 4 KiB of each.
	BlockPanels = 32

	// WalkBytes is how much of the pixels under a window is copied at a time: it stays in a level-2
	// cache beside the weights.
	WalkBytes = 512 << 10

	// RoundedBytes is how much of a convolution's result stays in a level-1 cache until it is
	// rounded, beside what it is made of.
	RoundedBytes = 16 << 10

	// PixelBytes is how much of the pixels that siblings share stays in a level-2 cache,
	// beside the weights.
	PixelBytes = 128 << 10

	// TrainingDepth is how many products are summed at a time where weights are trained.
	// Deep networks amplify rounding, which shows in their gradients; sums of this length
	// have half of that of whole ones.
	TrainingDepth = 256

	// PixelCost and WeightCost are what reading a value of the pixels or of the weights
	// costs, in multiply-adds, where a product is divided among threads.
	PixelCost, WeightCost = 4, 8

	// BlockSpeed is how many times as many bytes AMX's tiles multiply as vectors of float32 do:
	// on a thread of Emerald Rapids 1000 to 1560 billion operations a second of bfloat16, which
	// has half of the bytes, against 179.
	BlockSpeed = 4

	// PartsPerThread is how many parts a product has at most for each thread.
	PartsPerThread = 8

	// LineTileCost is what a tile costs besides, in multiply-adds of one of its columns,
	// and LineTileRows the rows that a lower tile takes as long as, where rows are put into
	// lines to leave taps outside of the image away. LineGain is the inverse of the share
	// that has to be saved.
	LineTileCost, LineTileRows, LineGain = 80, 4, 25
)

// What one call of assembly does at most: it cannot be interrupted, so that a garbage
// collection would wait for it.
const (
	// MaxDepth is the steps of k of a product of float32. Those of bfloat16, whose sums are
	// rounded, take as many as they have.
	MaxDepth = 4096

	// BlockSteps is the steps of AMX's tiles, each of which is four products of 16 cycles.
	BlockSteps = 2048

	// TilesPerCall is the tiles of a transform.
	TilesPerCall = 8

	// PassElements is the elements of a tensor that are normalised.
	PassElements = 1 << 16

	// SumPixels and SumChannels are the pixels and channels that are summed in float32,
	// before the sums are added up in float64.
	SumPixels, SumChannels = 256, 256
)

// Packing of weights before each run.
const (
	// PackRows is how many rows of weights are packed at a time: they stay in a level-1
	// cache where they are written column by column.
	PackRows = 32

	// PackPoints is how many input channels are arranged at a time before they are
	// transformed to the points of Winograd's algorithm.
	PackPoints = 16
)

// Winograd's algorithm.
const (
	// WinogradTiles is from how many tiles a thread, and WinogradChannels from how many
	// channels on the algorithm is faster than a direct product: 1.4 to 3.1 times there,
	// 1.1 times with 8 tiles, 0.6 times with 2, where the transformed weights, of which
	// there are more, have to be read for few.
	WinogradTiles, WinogradChannels = 12, 32

	// WinogradScratch is how many bytes a thread's transformed tiles may take: they should
	// stay in a level-2 cache together with some of the weights.
	WinogradScratch = 1 << 20

	// BF16Products is how many products of bfloat16 take as long as one of float32.
	// TransformCost is what the transforms of a tile cost for each channel before and after,
	// and WeightTransformCost what that of the weights costs, at each point, in products.
	BF16Products, TransformCost, WeightTransformCost = 2, 18, 8

	// BF16BlockProducts is BF16Products of AMX's tiles, at least: at the peak it is 14 to 15,
	// where no size of Winograd's tiles saves as many.
	BF16BlockProducts = 6

	// TransformCostI8 is what the transforms of a tile of integers cost for each channel before
	// and after, and WeightCostI8 what reading a transformed weight costs, at each point, in
	// products of words.
	TransformCostI8, WeightCostI8 = 7, 12

	// WinogradBlock is by how many tiles a block of them grows.
	WinogradBlock = 14
)

// Gradients of weights by Winograd's algorithm, as measured for maps of 8 to 147 pixels
// and 16 to 512 channels.
const (
	// GradientValueCost is what a transformed value costs, in multiply-adds, and
	// GradientSumsCost what the sums do, in tiles.
	GradientValueCost, GradientSumsCost = 20, 64

	// A thread has blocks and sums of its own where the sums take at most OwnSums bytes
	// and there are OwnTiles for each, which make up for them: the block, at most OwnBlock
	// bytes, then stays in a level-2 cache.
	OwnBlock, OwnSums, OwnTiles = 512 << 10, 512 << 10, 64

	// SharedBlock is a thread's share, in bytes, of a block that all transform, and
	// MostShared that block at most.
	SharedBlock, MostShared = 2 << 20, 4 << 20

	// MostSums is how many bytes of sums, of which nothing else has need, are worth it.
	MostSums = 12 << 20

	// GradientRows is how many rows of sums a part transforms to the taps, and
	// GradientPartTiles how many tiles a part transforms to the points.
	GradientRows, GradientPartTiles = 32, 8

	// BlockPairs is how many pixels are summed in registers: a tile's values of the input
	// fit in a level-1 cache. AheadPairs is by how many pixels a tile asks for the gradient
	// ahead.
	BlockPairs, AheadPairs = 256, 16

	// GradientRowSteps is the steps of AMX's tiles that a block of 32 channels takes of its row
	// while all panels pass by: 32 KiB. GradientChunk is how many bytes of the arranged gradient of
	// the output are multiplied for all taps, and GradientSums how many bytes of sums a thread keeps
	// meanwhile: all stays in a level-2 cache.
	GradientRowSteps, GradientChunk, GradientSums = 16, 512 << 10, 768 << 10

	// GradientParts is how many parts a gradient has at most for each thread.
	GradientParts = 4
)

// What is computed once for each element.
const (
	// ElementTile is how many elements are computed at a time: the registers of an
	// elementwise operation stay in a level-1 cache.
	ElementTile = 512

	// ElementParts is how many parts such an operation has at most, and ElementPartTiles
	// how many tiles a part has at least.
	ElementParts, ElementPartTiles = 64, 4

	// ElementOperands limits how many streams of memory one pass has.
	ElementOperands = 16

	// PoolPixels is how many output pixels are a part of pooling.
	PoolPixels = 64
)

// LargeMemory is a size in bytes from which on it is worth a pause to give memory back to
// the system before so much is made: compiling leaves hundreds of megabytes.
const LargeMemory = 16 << 20

// PackedAtOnce is how many bytes of packed weights are made before those that they were made
// of are given back to the system, which takes a few milliseconds.
const PackedAtOnce = 16 << 20
