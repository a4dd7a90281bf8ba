package run

import (
	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/plan"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// A multiplier multiplies matrices. It tells what of, how many multiply-adds it does, and how
// many bytes its tiles load with vectors of so many lanes.
type multiplier interface {
	products(lanes int) (of dtypes.DType, done, loaded int64)
}

// bytesOf counts those of the tensors that an operation reads and writes.
func bytesOf(o plan.Operation) int64 {
	total := int64(0)
	for _, tensors := range [][]*plan.Tensor{o.Reads(), o.Writes()} {
		for _, t := range tensors {
			total += int64(t.Pixels()) * int64(t.C*t.DType.Size())
		}
	}
	return total
}

// loads counts the bytes that the tiles of a product load: for each step of the depth a
// value for each row, which a vector is filled with, and a row of the panel. AMX's tiles load
// a value for each row and each column.
func (s productShape) loads(panels, lanes int) int64 {
	tiles := int64(ceil(s.rows, s.height)) * int64(panels)
	if s.blocks {
		return tiles * int64(s.depth) * int64(s.height+s.width) * 4
	}
	return tiles * int64(s.depth) * int64(s.height+ceil(s.width, lanes)) * int64(4*lanes)
}

func productsOf(p product, of dtypes.DType, together, lanes int) (dtypes.DType, int64, int64) {
	s := p.shape()
	done := int64(s.rows) * int64(s.depth*together) * int64(p.panels()*s.width)
	return of, done, s.loads(p.panels(), lanes)
}

func (d *direct) products(lanes int) (dtypes.DType, int64, int64) {
	s, panels := d.shape(), d.gemm.Panels(d.product.N)
	return dtypes.Float32, int64(s.rows) * int64(s.depth) * int64(panels*s.width), s.loads(panels, lanes)
}

func (d *directBF16) products(lanes int) (dtypes.DType, int64, int64) {
	return productsOf(d, dtypes.BFloat16, 2, lanes)
}

func (d *directI8) products(lanes int) (dtypes.DType, int64, int64) {
	return productsOf(d, dtypes.Int8, 4, lanes)
}

func (b *blockGradient) products(int) (dtypes.DType, int64, int64) {
	done, loaded := b.product.Products()
	return dtypes.BFloat16, done, loaded
}

func (f *family) products(lanes int) (of dtypes.DType, done, loaded int64) {
	for _, member := range f.members {
		if m, ok := member.(multiplier); ok {
			dtype, d, l := m.products(lanes)
			of, done, loaded = dtype, done+d, loaded+l
		}
	}
	return of, done, loaded
}

func (w *winograd) products(lanes int) (dtypes.DType, int64, int64) {
	return winogradProducts(&w.kernel.Winograd, w.product.Grid.Tiles, w.product.K, w.product.N, lanes)
}

func (w *winogradBF16) products(lanes int) (dtypes.DType, int64, int64) {
	return winogradProducts(&w.kernel.Winograd, w.product.Grid.Tiles, w.product.K, w.product.N, lanes)
}

// products counts those of words, each of which takes as long as some of bytes.
func (w *winogradI8) products(lanes int) (dtypes.DType, int64, int64) {
	p := &w.product
	_, done, loaded := winogradProducts(&w.kernel.Winograd, p.Grid.Tiles, w.kernel.Depth(p.K)/2, p.N, lanes)
	return dtypes.Int8, 2 * int64(w.kernel.WordProducts()) * done, loaded
}

// winogradProducts are one of float32 at each point of the tiles.
func winogradProducts(k *kernel.Winograd, tiles, depth, columns, lanes int) (dtypes.DType, int64, int64) {
	rows, width := k.Tile()
	s := productShape{rows: tiles, depth: depth, height: rows, width: width}
	panels, points := ceil(columns, width), int64(k.Points())
	return dtypes.Float32, points * int64(tiles) * int64(depth) * int64(panels*width), points * s.loads(panels, lanes)
}
