// Winograd generates the AVX512-BF16 transforms of Winograd's convolution of bfloat16 pixels.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
	"github.com/seed-fb2c0fa6/inception/_asm/winograd"
)

func main() {
	for _, transform := range []winograd.Transform{
		{Outputs: 6, Pairs: 3, Square: true},
		{Outputs: 7, Pairs: 4, NoZero: true, Square: true},
		{Outputs: 8, Pairs: 4, Square: true},
		{Outputs: 9, Pairs: 7, NoZero: true},
	} {
		transform.ISA, transform.BF16 = vector.AVX512, true
		transform.Emit()
	}
	build.Generate()
}
