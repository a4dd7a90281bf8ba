package run

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A productShape is what the work of a product of matrices depends on.
type productShape struct {
	rows          int
	depth         int  // steps of k, of all taps
	pixel         int  // steps of k of a pixel
	height, width int  // of a tile
	blocks        bool // of AMX's tiles
}

// speed is how many times as fast as with vectors a step is multiplied.
func (s productShape) speed() int {
	if s.blocks {
		return tuning.BlockSpeed
	}
	return 1
}

// divide cuts a product of some panels into parts for the threads, groups of columns
// and blocks of rows, so that the threads end at about the same time and read little
// twice. A group more reads all the pixels again, a block more all the weights.
func divide(s productShape, panels, threads int) (groups, rows int) {
	tiles := ceil(s.rows, s.height)
	best := math.MaxInt
	for g := 1; g <= min(panels, tuning.PartsPerThread*threads); g++ {
		for blocks := 1; blocks <= min(tiles, tuning.PartsPerThread*threads/g); blocks++ {
			part := ceil(tiles, blocks) * ceil(panels, g) * s.height * s.width * s.depth / s.speed()
			cost := ceil(g*blocks, threads)*part + part/16 +
				(g*s.rows*s.pixel*tuning.PixelCost+blocks*panels*s.width*s.depth*tuning.WeightCost)/threads
			if cost < best {
				best = cost
				groups, rows = g, ceil(tiles, blocks)*s.height
			}
		}
	}
	return groups, rows
}

// lines are rows of a product that lie in lines along which a window's taps are outside the
// image together.
type lines struct {
	length         int
	next, distance int // of lines, and of rows in them, in the output, in elements
	rows           []int32
}

// lineUp puts the rows of a product into lines, the rows of pixels or for a flat window the
// columns, where that saves more time than the tiles at the ends of the lines and the other
// order in memory take. Of a window of seven in an image of seventeen a tenth is outside.
// A tile has so many rows; a tap takes k steps.
func (c *chooser) lineUp(o *plan.Convolution, rows []int32, taps, k, height int) (l lines, ok bool) {
	g, stride := o.Geometry(), o.Out.Stride()
	if g.InputDilation != kernel.Square(1) {
		return l, false
	}
	tiles := func(rows, taps int) int {
		n := ceil(rows, height)
		return max(rows, n*tuning.LineTileRows)*taps*k + n*tuning.LineTileCost
	}
	inside := func(at, dilation, window, size int) int {
		n := 0
		for i := range window {
			if at+i*dilation >= 0 && at+i*dilation < size {
				n++
			}
		}
		return max(n, 1)
	}
	whole, byRow, byColumn := tiles(o.Out.Pixels(), taps), 0, 0
	for y := range g.Out.Y {
		byRow += g.Images * tiles(g.Out.X, inside(y*g.Stride.Y-g.Padding.Y, g.Dilation.Y, g.Kernel.Y, g.In.Y)*taps/g.Kernel.Y)
	}
	for x := range g.Out.X {
		byColumn += tiles(g.Images*g.Out.Y, inside(x*g.Stride.X-g.Padding.X, g.Dilation.X, g.Kernel.X, g.In.X))
	}
	worth := whole - whole/tuning.LineGain
	switch {
	case g.Kernel.Y == 1 && taps == g.Kernel.X && byColumn < worth:
		l = lines{length: g.Images * g.Out.Y, next: stride, distance: g.Out.X * stride}
		l.rows = c.columnsOf(rows, l.length, g.Out.X)
		return l, true
	case byRow < worth:
		return lines{length: g.Out.X, next: g.Out.X * stride, distance: stride, rows: rows}, true
	}
	return l, false
}
