package engine

import "github.com/seed-fb2c0fa6/inception/engine/kernel"

// tables say which pixels are read and written. The operations of a program share them:
// most are of a few geometries. In the zero value nothing is shared.
type tables struct {
	rows    map[rowsKey][]int32
	columns map[*int32][]int32 // by the first of the rows
	grids   map[gridKey]*kernel.Grid
	windows map[windowsKey]*kernel.Windows
}

type (
	// rowsKey is what the rows of a window depend on.
	rowsKey [16]int
	gridKey struct {
		algorithm *kernel.WinogradF32
		geometry  [7]int
	}
	windowsKey [11]int
)

func newTables() tables {
	return tables{map[rowsKey][]int32{}, map[*int32][]int32{}, map[gridKey]*kernel.Grid{}, map[windowsKey]*kernel.Windows{}}
}

// shared returns what a table has under a key, and makes it if there is none.
func shared[K comparable, V any](table map[K]V, key K, make func() V) V {
	v, ok := table[key]
	if !ok {
		if v = make(); table != nil {
			table[key] = v
		}
	}
	return v
}

// grid returns the tiles of a convolution by Winograd's algorithm.
func (t tables) grid(k *kernel.WinogradF32, o *convolution) *kernel.Grid {
	g := [7]int{o.in.n, o.in.h, o.in.w, o.top, o.left, o.out.h, o.out.w}
	return shared(t.grids, gridKey{k, g}, func() *kernel.Grid { return k.Grid(g[0], g[1], g[2], g[3], g[4], g[5], g[6]) })
}

// windowsOf returns the windows of a pooling.
func (t tables) windowsOf(o *pooling) *kernel.Windows {
	g := windowsKey{o.in.n, o.in.h, o.in.w, o.out.h, o.out.w, o.height, o.width, o.strideY, o.strideX, o.top, o.left}
	return shared(t.windows, g, func() *kernel.Windows {
		return kernel.NewWindows(g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10])
	})
}
