// Package peak generates the loop that measures the arithmetic peak.
package peak

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-fb2c0fa6/inception/_asm/vector"
)

// Sums is how many multiply-adds are under way at once: more than latency times ports.
const Sums = 12

// Emit writes the loop into the file under construction.
func Emit(isa vector.ISA) {
	TEXT("MultiplyAddF32", 4, "func(n int)")
	Doc(fmt.Sprintf("MultiplyAddF32 does n times %d independent multiply-adds of %d lanes, all of zeros.", Sums, isa.Lanes))
	for i := range isa.Registers {
		isa.Zero(isa.Reg(i))
	}
	Load(Param("n"), reg.RAX)
	Label("loop")
	for i := range Sums {
		VFMADD231PS(isa.Reg(14), isa.Reg(15), isa.Reg(i))
	}
	DECQ(reg.RAX)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
