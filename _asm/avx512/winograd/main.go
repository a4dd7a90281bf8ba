// Winograd generates the AVX512 transforms of Winograd's convolution.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
	"github.com/seed-fb2c0fa6/inception/_asm/winograd"
)

func main() {
	vector.AVX512.LaneMasks()
	for _, transform := range []winograd.Transform{
		{Pairs: 2, Square: true},
		{Pairs: 2},
		{Pairs: 4},
	} {
		transform.Outputs = 4
		transform.ISA = vector.AVX512
		transform.Emit()
	}
	build.Generate()
}
