package generic

import (
	"math"
	"unsafe"
)

func unary(n int, to, a *float32, f func(a float32) float32) {
	results := unsafe.Slice(to, n)
	for i, v := range unsafe.Slice(a, n) {
		results[i] = f(v)
	}
}

func binary(n int, to, a, b *float32, f func(a, b float32) float32) {
	results, bs := unsafe.Slice(to, n), unsafe.Slice(b, n)
	for i, v := range unsafe.Slice(a, n) {
		results[i] = f(v, bs[i])
	}
}

func truth(t bool) float32 {
	if t {
		return 1
	}
	return 0
}

// The loops of their namesakes in assembly.

func NegF32(n int, to, a *float32) { unary(n, to, a, func(a float32) float32 { return -a }) }

func AbsF32(n int, to, a *float32) {
	unary(n, to, a, func(a float32) float32 { return math.Float32frombits(math.Float32bits(a) &^ (1 << 31)) })
}

func SqrtF32(n int, to, a *float32) {
	unary(n, to, a, func(a float32) float32 { return float32(math.Sqrt(float64(a))) })
}

func SignF32(n int, to, a *float32) {
	unary(n, to, a, func(a float32) float32 {
		switch {
		case a > 0:
			return 1
		case a < 0:
			return -1
		}
		return a
	})
}

func RectifyF32(n int, to, a *float32) {
	unary(n, to, a, func(a float32) float32 {
		if a < 0 {
			return float32(math.Copysign(0, -1))
		}
		return a + 0
	})
}

func StepF32(n int, to, a *float32) {
	unary(n, to, a, func(a float32) float32 {
		if a != a {
			return a
		}
		return truth(!math.Signbit(float64(a)))
	})
}

func AddF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return a + b })
}

func SubF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return a - b })
}

func MulF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return a * b })
}

func DivF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return a / b })
}

func MaxF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return max(a, b) })
}

func MinF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return min(a, b) })
}

func EqualF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return truth(a == b) })
}

func NotEqualF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return truth(a != b) })
}

func LessF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return truth(a < b) })
}

func LessOrEqualF32(n int, to, a, b *float32) {
	binary(n, to, a, b, func(a, b float32) float32 { return truth(a <= b) })
}

func SelectF32(n int, to, a, b, c *float32) {
	results, bs, cs := unsafe.Slice(to, n), unsafe.Slice(b, n), unsafe.Slice(c, n)
	for i, v := range unsafe.Slice(a, n) {
		if v != 0 {
			results[i] = bs[i]
		} else {
			results[i] = cs[i]
		}
	}
}
