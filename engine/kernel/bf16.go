package kernel

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// FromBF16 is the value of the bits of a bfloat16.
func FromBF16(v uint16) float32 { return generic.FromBF16(v) }

// ToBF16 is the bits of the nearest bfloat16, of two of that with the last bit zero. NaN
// stays NaN.
func ToBF16(v float32) uint16 { return generic.ToBF16(v) }

// conversionBF16 is the kernels of ConvertToBF16 and ConvertFromBF16.
type conversionBF16 struct {
	to   func(n int, to *uint16, a *float32)
	from func(n int, to *float32, a *uint16)
}

// ConvertToBF16 is ToBF16 of the elements of a, for all elements of to. It panics where a
// is shorter.
func (s *Set) ConvertToBF16(to []uint16, a []float32) {
	if needConverted(len(to), len(a)) {
		s.bf16.to(len(to), &to[0], &a[0])
	}
}

// ConvertFromBF16 is FromBF16 of the elements of a, for all elements of to. It panics where
// a is shorter.
func (s *Set) ConvertFromBF16(to []float32, a []uint16) {
	if needConverted(len(to), len(a)) {
		s.bf16.from(len(to), &to[0], &a[0])
	}
}

// needConverted reports whether there is anything to do, and panics where it cannot be done.
func needConverted(to, a int) bool {
	if a < to {
		panic(fmt.Sprintf("kernel: %d elements are to be converted, and there are %d", to, a))
	}
	return to > 0
}
