// Peak generates the loops that measure the arithmetic peak of AMX's tiles.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/gemm"
	"github.com/seed-fb2c0fa6/inception/_asm/peak"
)

func main() {
	gemm.Shapes()
	peak.EmitTiles(false)
	peak.EmitTiles(true)
	build.Generate()
}
