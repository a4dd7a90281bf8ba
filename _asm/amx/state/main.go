// State generates what reads the states that the system saves.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	TEXT("enabled", 4, "func() uint32") // NOSPLIT
	Doc("enabled is the lower half of XCR0: a bit for each state of the processor that the system saves.")
	XORL(reg.ECX, reg.ECX)
	XGETBV()
	Store(reg.EAX, ReturnIndex(0))
	RET()
	Generate()
}
