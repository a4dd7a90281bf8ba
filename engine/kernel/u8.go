package kernel

import "github.com/seed-fb2c0fa6/inception/engine/kernel/generic"

// conversionU8 is the kernels of ConvertToU8 and ConvertFromU8, for whole vectors.
type conversionU8 struct {
	width int
	to    func(n int, to *uint8, a *float32, inverse, zeroPoint float32)
	from  func(n int, to *float32, a *uint8, scale, zeroPoint float32)
}

// ConvertToU8 makes unsigned integers of the elements of a, for all elements of to:
// a*inverse + zeroPoint, rounded to the nearest integer, of two to the even one, and limited to 0
// and 255. It panics where a is shorter.
func (s *Set) ConvertToU8(to []uint8, a []float32, inverse, zeroPoint float32) {
	if !needConverted(len(to), len(a)) {
		return
	}
	whole := len(to) / s.u8.width * s.u8.width
	s.u8.to(whole, &to[0], &a[0], inverse, zeroPoint)
	if whole < len(to) {
		generic.SliceToU8(len(to)-whole, &to[whole], &a[whole], inverse, zeroPoint)
	}
}

// ConvertFromU8 makes float32 of the elements of a, for all elements of to:
// (a - zeroPoint) * scale. It panics where a is shorter.
func (s *Set) ConvertFromU8(to []float32, a []uint8, scale, zeroPoint float32) {
	if !needConverted(len(to), len(a)) {
		return
	}
	whole := len(to) / s.u8.width * s.u8.width
	s.u8.from(whole, &to[0], &a[0], scale, zeroPoint)
	if whole < len(to) {
		generic.SliceFromU8(len(to)-whole, &to[whole], &a[whole], scale, zeroPoint)
	}
}
