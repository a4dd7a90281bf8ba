package kernel

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// GradientBF16 is AMX's kernels for gradients of convolutions with respect to their weights, of
// bfloat16 with sums in float32. These are products whose steps are pixels: each channel of the
// input is a row of its values in the places of a [Walk], and the gradient of the output has pairs
// of pixels side by side, zeros where a place is no output pixel. A tap is a shift along the rows.
type GradientBF16 struct {
	Name string

	block gemmBlockBF16
	packingBF16
}

// packingBF16 is the kernels that arrange what blocks multiply of gradients.
type packingBF16 struct {
	interleave func(pairs, n int, a *uint16, lda int, rows *int32, zero, to *uint16, panel int)
	transpose  func(blocks, n int, a *uint16, lda int, rows *int32, zero, to *uint16, pitch int)
	pairs      func(m, n int, a *uint16, lda int, to *uint16)
}

// placesPerStep is how many pixels a step takes.
const placesPerStep = stepBytes / 2

// A GradientPlan is how a gradient's pixels lie in the memory that they are arranged in.
type GradientPlan struct {
	K, N int // channels of the input and of the output

	taps            []tapPlace
	images          int
	pixels, outputs int       // of an image, of the input and of the output
	places          int       // of an image, whole steps
	length, pitch   int       // of a row of the input: places, and bytes
	plane, image    int       // bytes
	inputs          [][]int32 // of each plane, the pixel of an image in each place, -1 for none
	gradient        []int32   // the same of the output
	steps           int       // of all images
	chunk           int       // steps that are summed for all taps before the next
	offsets         []int32   // of steps, from the first of their chunk on
	panels          int
	sumsOf          int // bytes of a task's sums
}

// NewGradientPlan plans the gradient of the weights from k to n channels of a convolution of
// images under a window; where walk is nil, of so many single pixels.
func NewGradientPlan(walk *Walk, pixels, k, n int) *GradientPlan {
	p := &GradientPlan{K: k, N: n, images: 1, pixels: pixels, outputs: pixels, taps: []tapPlace{{}}, panels: panels(n, blockColumns)}
	whole := func(places int) int { return ceilDivide(places, placesPerStep) * placesPerStep }
	padded := func(rows []int32, places int) []int32 {
		all := make([]int32, places)
		for i := range all {
			if all[i] = -1; i < len(rows) {
				all[i] = rows[i]
			}
		}
		return all
	}
	if walk == nil {
		rows := make([]int32, pixels)
		for i := range rows {
			rows[i] = int32(i)
		}
		p.places = whole(pixels)
		p.length = p.places
		p.gradient = padded(rows, p.places)
		p.inputs = [][]int32{p.gradient}
	} else {
		p.taps, p.images, p.pixels, p.outputs = walk.taps, walk.Images, walk.In.Area(), walk.Out.Area()
		p.places = whole(len(walk.places))
		furthest := 0
		for _, tap := range walk.taps {
			furthest = max(furthest, tap.place)
		}
		p.length = whole(p.places + furthest)
		p.gradient = padded(walk.places, p.places)
		for _, plane := range walk.planes {
			p.inputs = append(p.inputs, padded(plane.pixels, p.length))
		}
	}
	p.pitch = 2*p.length | stepBytes
	p.plane = ceilDivide(k, 16) * 16 * p.pitch
	p.image = len(p.inputs) * p.plane
	perImage := p.places / placesPerStep
	p.steps = p.images * perImage
	p.chunk = max(tuning.GradientRowSteps, tuning.GradientChunk/(p.panels*stepWeights)/tuning.GradientRowSteps*tuning.GradientRowSteps)
	p.chunk = ceilDivide(p.steps, ceilDivide(p.steps, p.chunk))
	p.sumsOf = max(2, p.panels) * 4 * blockSums
	for step := range p.steps {
		p.offsets = append(p.offsets, int32(p.offset(step)-p.offset(step/p.chunk*p.chunk)))
	}
	return p
}

// offset is where a step lies in the rows of the input, in bytes.
func (p *GradientPlan) offset(step int) int {
	perImage := p.places / placesPerStep
	return step/perImage*p.image + step%perImage*stepBytes
}

// InputSize and GradientSize are how many elements of memory the arranged pixels take, and
// SumsSize how many bytes the sums of so many tasks.
func (p *GradientPlan) InputSize() int         { return p.images * p.image / 2 }
func (p *GradientPlan) GradientSize() int      { return p.panels * p.steps * stepWeights / 2 }
func (p *GradientPlan) SumsSize(tasks int) int { return tasks * p.sumsOf }

// Panels is how many panels of 32 columns the channels of the output take.
func (p *GradientPlan) Panels() int { return p.panels }

// Tasks is how many tasks there are: each is the sums of a tap and up to 32 channels of the input.
func (p *GradientPlan) Tasks() int { return len(p.taps) * ceilDivide(p.K, blockRows) }

// Products is how many multiply-adds the tiles do, and how many bytes they load for that.
func (p *GradientPlan) Products() (done, loaded int64) {
	steps := int64(p.Tasks()) * int64(p.panels) * int64(p.steps)
	return steps * blockSums * placesPerStep, steps * (blockRows + blockColumns) * stepBytes
}

// WeightGradientBF16 is what a gradient reads and writes: of the bits of bfloat16 A, the pixels
// of the images, and DY, the gradient with respect to the output's; DB, [taps][K] rows of N.
type WeightGradientBF16 struct {
	*GradientPlan

	A   []uint16
	LDA int

	DY  []uint16
	LDY int

	DB      []float32
	LDB     int
	Rounded bool // to bfloat16

	Zero []uint16 // max(K, N) zeros

	X, Y []uint16 // InputSize and GradientSize
}

// Arrange arranges one of so many parts of the pixels.
func (g *GradientBF16) Arrange(p *WeightGradientBF16, part, parts int) {
	need("A", len(p.A), p.images*p.pixels, p.LDA, p.K)
	need("DY", len(p.DY), p.images*p.outputs, p.LDY, p.N)
	need("Zero", len(p.Zero), 1, 0, max(p.K, p.N))
	need("X", len(p.X), 1, 0, p.InputSize())
	need("Y", len(p.Y), 1, 0, p.GradientSize())
	runs(part, parts, p.images*len(p.inputs)*p.length/placesPerStep, p.length/placesPerStep, func(plane, first, last int) {
		image, plane := plane/len(p.inputs), plane%len(p.inputs)
		to := (image*p.image + plane*p.plane + first*stepBytes) / 2
		g.transpose(last-first, p.K, &p.A[image*p.pixels*p.LDA], 2*p.LDA, &p.inputs[plane][first*placesPerStep], &p.Zero[0], &p.X[to], p.pitch)
	})
	perImage := p.places / placesPerStep
	runs(part, parts, p.steps, perImage, func(image, first, last int) {
		for step := first; step < last; step++ {
			to := (image*perImage + step) * stepWeights / 2
			g.interleave(placesPerStep/2, p.N, &p.DY[image*p.outputs*p.LDY], 2*p.LDY, &p.gradient[step*placesPerStep], &p.Zero[0], &p.Y[to], p.steps*stepWeights)
		}
	})
}

// runs calls do with the runs, within groups of so many, of one part of the first n numbers.
func runs(part, parts, n, group int, do func(group, first, last int)) {
	for first, end := part*n/parts, (part+1)*n/parts; first < end; {
		last := min(end, (first/group+1)*group)
		do(first/group, first%group, first%group+last-first)
		first = last
	}
}

// Sum computes tasks t0 to t1, of the columns in panels p0 to p1, of what was arranged.
func (g *GradientBF16) Sum(p *WeightGradientBF16, t0, t1, p0, p1 int, sums []byte) {
	if t0 < 0 || t0 > t1 || t1 > p.Tasks() || p0 < 0 || p0 >= p1 || p1 > p.panels {
		panic(fmt.Sprintf("kernel: tasks %d:%d of %d and panels %d:%d of %d of a gradient", t0, t1, p.Tasks(), p0, p1, p.panels))
	}
	need("DB", len(p.DB), len(p.taps)*p.K, p.LDB, p.N)
	need("sums", len(sums), t1-t0, p.sumsOf, p.sumsOf)
	n := min(p.N, p1*blockColumns) - p0*blockColumns
	for first := 0; first < p.steps; first += p.chunk {
		last := min(first+p.chunk, p.steps)
		partial := 0
		if last < p.steps {
			partial |= 1
		}
		if first > 0 {
			partial |= 2
		}
		for task := t0; task < t1; task++ {
			tap, block := task%len(p.taps), task/len(p.taps)
			from := p.offset(first) + p.taps[tap].plane*p.plane + block*blockRows*p.pitch + 2*p.taps[tap].place
			to := &p.DB[(tap*p.K+block*blockRows)*p.LDB+p0*blockColumns]
			var rounded *uint16
			if p.Rounded {
				rounded = bitsOfFloat(to)
			}
			g.block(min(blockRows, p.K-block*blockRows), n, last-first, &p.X[from/2], p.pitch/2, &p.offsets[first],
				&p.Y[(p0*p.steps+first)*stepWeights/2], p.steps*stepWeights/2, rounded, to, p.LDB, &inOrder[0],
				nil, nil, 0, 1, float32(math.Inf(-1)), (*float32)(unsafe.Pointer(&sums[(task-t0)*p.sumsOf])), tuning.GradientRowSteps, 0, 0, partial)
		}
	}
}
