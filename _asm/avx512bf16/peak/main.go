// Peak generates the loop that measures the arithmetic peak of products of bfloat16.
package main

import (
	"github.com/mmcloughlin/avo/build"

	"github.com/seed-fb2c0fa6/inception/_asm/peak"
)

func main() {
	peak.EmitBF16()
	build.Generate()
}
