// Element generates the AVX-512 kernels of operations element by element.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/element"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX512.LaneMasks()
	element.Emit(vector.AVX512)
	build.Generate()
}
