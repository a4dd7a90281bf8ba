package generic

import "unsafe"

// MultiplyAddF32 does n times 8 independent multiply-adds.
func MultiplyAddF32(n int) float32 {
	var s [8]float32
	a, b := s[0], s[1]
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for i := range n {
		a += float32(i & 1)
		s0 += a * b
		s1 += a * b
		s2 += a * b
		s3 += a * b
		s4 += a * b
		s5 += a * b
		s6 += a * b
		s7 += a * b
	}
	return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
}

// LoadF32 loads n times 8 values, one block behind the other.
func LoadF32(x *float32, n int) float32 {
	values := unsafe.Slice(x, 8*n)
	var s0, s1 float32
	for len(values) >= 8 {
		v := (*[8]float32)(values)
		s0 = max(v[0], v[1], v[2], v[3])
		s1 = max(v[4], v[5], v[6], v[7])
		values = values[8:]
	}
	return s0 + s1
}

// MultiplyAddI8 does n times 8 independent multiply-adds.
func MultiplyAddI8(n int) int32 {
	var s [8]int32
	a, b := int32(s[0]), int32(int8(s[1]))
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for i := range n {
		a += int32(i & 1)
		s0 += a * b
		s1 += a * b
		s2 += a * b
		s3 += a * b
		s4 += a * b
		s5 += a * b
		s6 += a * b
		s7 += a * b
	}
	return s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7
}
