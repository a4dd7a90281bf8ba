// Gemm generates the products of matrices in AMX's tiles, of bfloat16 and of 8-bit integers.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
)

func main() {
	gemm.Shapes()
	for _, block := range []gemm.Block{{Int8: true}, {}} {
		block.Emit()
	}
	gemm.CopyRows()
	gemm.InterleaveRows()
	gemm.TransposeRows()
	gemm.TransposePairs()
	build.Generate()
}
