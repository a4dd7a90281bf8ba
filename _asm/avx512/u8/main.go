// U8 generates the AVX-512 kernels of pooling of unsigned 8-bit integers and of conversions to and
// from them.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/convert"
	"github.com/seed-fb2c0fa6/inception/_asm/pool"
	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

func main() {
	convert.EmitU8(vector.AVX512)
	for _, kernel := range []pool.KernelU8{{Maximum: true}, {}} {
		kernel.ISA = vector.AVX512
		kernel.Emit()
	}
	build.Generate()
}
