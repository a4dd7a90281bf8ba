// Normalize generates the AVX-512 passes of batch normalization.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/normalize"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	normalize.Emit(vector.AVX512)
	build.Generate()
}
