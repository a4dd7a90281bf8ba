package kernel

import "github.com/seed-fb2c0fa6/inception/engine/kernel/generic"

// FromBF16 is the value of the bits of a bfloat16.
func FromBF16(v uint16) float32 { return generic.FromBF16(v) }

// ToBF16 is the bits of the nearest bfloat16, of two of that with the last bit zero. NaN
// stays NaN.
func ToBF16(v float32) uint16 { return generic.ToBF16(v) }
