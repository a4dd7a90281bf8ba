// Gemm generates the AVX2 tiles of matrix products.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX2.LaneMasks()
	for _, tile := range []gemm.Tile{
		{Rows: 6, Vectors: 2},
		{Rows: 6, Vectors: 2, Indirect: true},
		{Rows: 2, Vectors: 2, Wide: true},
		{Rows: 2, Vectors: 2, Wide: true, Indirect: true},
	} {
		tile.ISA, tile.Unroll = vector.AVX2, 4
		tile.Emit()
	}
	build.Generate()
}
