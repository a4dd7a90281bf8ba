// Pool generates the AVX-512 kernels of pooling.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/pool"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	vector.AVX512.LaneMasks()
	for _, maximum := range []bool{true, false} {
		k := pool.Kernel{ISA: vector.AVX512, Maximum: maximum}
		k.Emit()
	}
	pool.Permutations()
	for _, maximum := range []bool{true, false} {
		k := pool.KernelBF16{Maximum: maximum}
		k.Emit()
	}
	build.Generate()
}
