// Peak generates the loop that measures the arithmetic peak.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/peak"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	peak.Emit(vector.AVX512)
	peak.EmitLoad(vector.AVX512)
	peak.EmitI8(vector.AVX512, gemm.Halves)
	build.Generate()
}
