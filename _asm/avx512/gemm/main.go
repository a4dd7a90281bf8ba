// Gemm generates the AVX-512 tiles of matrix products.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	for _, tile := range []gemm.Tile{
		{Rows: 14, Vectors: 2},
		{Rows: 12, Vectors: 2, Indirect: true},
		{Rows: 6, Vectors: 2, Wide: true},
		{Rows: 6, Vectors: 2, Wide: true, Indirect: true},
	} {
		tile.ISA, tile.Unroll = vector.AVX512, 4
		tile.Emit()
	}
	build.Generate()
}
