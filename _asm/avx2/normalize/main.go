// Normalize generates the AVX2 passes of batch normalization.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/normalize"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX2.LaneMasks()
	normalize.Emit(vector.AVX2)
	build.Generate()
}
