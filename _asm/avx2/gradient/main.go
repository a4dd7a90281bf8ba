// Gradient generates the AVX2 tiles of the gradients of convolutions with respect to
// their kernels.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gradient"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX2.LaneMasks()
	tile := gradient.Tile{ISA: vector.AVX2, Rows: 6, Vectors: 2}
	tile.Emit()
	build.Generate()
}
