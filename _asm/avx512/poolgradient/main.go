// Poolgradient generates the AVX-512 kernels of pooling's gradient.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/pool"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	for _, maximum := range []bool{true, false} {
		k := pool.Gradient{ISA: vector.AVX512, Maximum: maximum}
		k.Emit()
	}
	build.Generate()
}
