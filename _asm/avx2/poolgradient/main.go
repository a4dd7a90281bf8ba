// Poolgradient generates the AVX2 kernels of pooling's gradient.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/pool"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX2.LaneMasks()
	for _, maximum := range []bool{true, false} {
		k := pool.Gradient{ISA: vector.AVX2, Maximum: maximum}
		k.Emit()
	}
	build.Generate()
}
