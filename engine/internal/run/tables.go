package run

import (
	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// tables say which pixels are read and written. The operations of a program share them:
// most are of a few geometries.
type tables struct {
	rows    map[rowsKey][]int32
	columns map[*int32][]int32 // by the first of the rows
	grids   map[gridKey]*kernel.Grid
	windows map[kernel.Geometry]*kernel.Windows
	walks   map[kernel.Geometry]*kernel.Walk
}

type (
	rowsKey struct {
		kernel.Geometry
		joined bool
	}
	gridKey struct {
		algorithm *kernel.Winograd
		kernel.Geometry
	}
)

func newTables() tables {
	return tables{map[rowsKey][]int32{}, map[*int32][]int32{}, map[gridKey]*kernel.Grid{}, map[kernel.Geometry]*kernel.Windows{}, map[kernel.Geometry]*kernel.Walk{}}
}

// lookUp returns what a table has under a key, and makes it if there is none.
func lookUp[K comparable, V any](table map[K]V, key K, make func() V) V {
	v, ok := table[key]
	if !ok {
		v = make()
		table[key] = v
	}
	return v
}

// grid returns the tiles of a convolution by Winograd's algorithm.
func (t *tables) grid(k *kernel.Winograd, g kernel.Geometry) *kernel.Grid {
	return lookUp(t.grids, gridKey{k, g}, func() *kernel.Grid { return k.Grid(g) })
}

// windowsOf returns the windows of a pooling.
func (t *tables) windowsOf(g kernel.Geometry) *kernel.Windows {
	return lookUp(t.windows, g, func() *kernel.Windows { return kernel.NewWindows(g) })
}

// walkOf returns how blocks walk over the images of a convolution.
func (t *tables) walkOf(g kernel.Geometry) *kernel.Walk {
	return lookUp(t.walks, g, func() *kernel.Walk { return kernel.NewWalk(g) })
}

// walkOver returns how a convolution's images are walked over if that is by blocks, and there is a
// window; nil otherwise.
func (t *tables) walkOver(o *plan.Convolution, blocks bool) *kernel.Walk {
	if !blocks || o.Pointwise() {
		return nil
	}
	return t.walkOf(o.Geometry())
}

// rowsOf lists, for every tap of a window and every output pixel, the pixel of in that is
// read, or -1 in the padding, and returns how many taps there are, of how many values.
// Where the pixels of a window's row are contiguous and never in the padding, they are one
// tap: a convolution of three channels would otherwise spend its time on taps of three
// values.
func (t *tables) rowsOf(g kernel.Geometry, in *plan.Tensor) (rows []int32, taps, k int) {
	width, k := g.Kernel.X, in.C
	joined := in.Stride() == in.C && g.Padding.X == 0 && g.InputDilation.X == 1 && g.Dilation.X == 1 &&
		(g.Out.X-1)*g.Stride.X+g.Kernel.X <= g.In.X
	if joined {
		width, k = 1, g.Kernel.X*in.C
	}
	rows = lookUp(t.rows, rowsKey{g, joined}, func() []int32 { return windowRows(g, width) })
	return rows, g.Kernel.Y * width, k
}

// windowRows lists the rows of the first columns of a window.
func windowRows(g kernel.Geometry, width int) []int32 {
	rows := make([]int32, 0, g.Kernel.Y*width*g.Images*g.Out.Area())
	by := g.InputDilation
	for ky := range g.Kernel.Y {
		for kx := range width {
			for n := range g.Images {
				for y := range g.Out.Y {
					for x := range g.Out.X {
						sy, sx := y*g.Stride.Y+ky*g.Dilation.Y-g.Padding.Y, x*g.Stride.X+kx*g.Dilation.X-g.Padding.X
						at := -1
						if sy >= 0 && sx >= 0 && sy%by.Y == 0 && sx%by.X == 0 && sy/by.Y < g.In.Y && sx/by.X < g.In.X {
							at = (n*g.In.Y+sy/by.Y)*g.In.X + sx/by.X
						}
						rows = append(rows, int32(at))
					}
				}
			}
		}
	}
	return rows
}

// columnsOf are the rows of a window, of out.Y lines of out.X pixels, with the pixels of a
// column after one another.
func (t *tables) columnsOf(rows []int32, lines, width int) []int32 {
	return lookUp(t.columns, &rows[0], func() []int32 {
		columns := make([]int32, len(rows))
		for tap := 0; tap < len(rows); tap += lines * width {
			for y := range lines {
				for x := range width {
					columns[tap+x*lines+y] = rows[tap+y*width+x]
				}
			}
		}
		return columns
	})
}
