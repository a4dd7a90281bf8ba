// Gemmi8 generates the AVX-512 tiles of matrix products of 8-bit integers and of words.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	gemm.Tables(vector.AVX512, gemm.Halves)
	for _, tile := range []gemm.Tile{
		{Rows: 14, Vectors: 2},
		{Rows: 12, Vectors: 2, Indirect: true},
	} {
		tile.ISA, tile.Unroll, tile.Int8 = vector.AVX512, 4, gemm.Halves
		tile.Emit()
	}
	words := gemm.Tile{ISA: vector.AVX512, Rows: 14, Vectors: 2, Unroll: 4, Int16: gemm.Pairs}
	words.Emit()
	build.Generate()
}
