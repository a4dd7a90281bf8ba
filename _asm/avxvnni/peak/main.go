// Peak generates the loop that measures the arithmetic peak of products of 8-bit integers.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/peak"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	peak.EmitI8(vector.AVX2, gemm.VNNI)
	build.Generate()
}
