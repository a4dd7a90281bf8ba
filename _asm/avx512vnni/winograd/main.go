// Winograd generates the AVX512-VNNI transforms of Winograd's convolution of 8-bit integers.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/winograd"
)

func main() {
	winograd.EmitI8()
	build.Generate()
}
