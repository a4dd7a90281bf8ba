// Convert generates the AVX-512 kernels that convert between float32 and bfloat16.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/convert"
)

func main() {
	convert.Emit()
	build.Generate()
}
