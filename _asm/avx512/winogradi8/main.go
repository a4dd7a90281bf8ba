// Winogradi8 generates the AVX-512 transforms of Winograd's convolution of 8-bit integers.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
	"github.com/seed-fb2c0fa6/inception/_asm/winograd"
)

func main() {
	winograd.EmitI8(vector.AVX512)
	winograd.EmitLinesI8(vector.AVX512)
	build.Generate()
}
