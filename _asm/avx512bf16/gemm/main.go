// Gemm generates the AVX512-BF16 tiles of matrix products of bfloat16, and those of 8-bit integers,
// with AVX512-VNNI, whose results are rounded to it.
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
	} {
		tile.ISA, tile.Unroll, tile.BF16 = vector.AVX512, 4, true
		tile.Emit()
	}
	gemm.Tables(vector.AVX512, gemm.VNNI)
	integers := gemm.Tile{ISA: vector.AVX512, Rows: 14, Vectors: 2, Unroll: 4, Int8: gemm.VNNI, Rounds: true}
	integers.Emit()
	build.Generate()
}
