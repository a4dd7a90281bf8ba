// Package generic has the kernels as plain Go, for every machine.
package generic

import "unsafe"

const columns = 4

type float interface{ float32 | float64 }

// sums are those of a tile, of the type that products are summed in.
type sums[T float] [2][columns]T

// GemmF32_2x4 is, for m of 1 to 2 and n of 1 to 4:
//
//	for i := range m {
//		for j := range n {
//			acc := 0
//			for p := range k {
//				acc += a[i*lda+p] * b[p*4+j]
//			}
//			if bias != nil {
//				acc += bias[j]
//			}
//			if residual != nil {
//				acc = residual[i*ldr+j] + scale*acc
//			}
//			c[i*ldc+j] = max(acc, floor)
//		}
//	}
//
// What lies ahead is not asked for.
func GemmF32_2x4(m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int) {
	product[float32](m, n, k, a, lda, b, c, ldc, bias, residual, ldr, scale, floor)
}

// GemmWideF32_2x4 is GemmF32_2x4 with the products summed in float64.
func GemmWideF32_2x4(m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int) {
	product[float64](m, n, k, a, lda, b, c, ldc, bias, residual, ldr, scale, floor)
}

func product[T float](m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32) {
	var acc sums[T]
	rows := unsafe.Slice(a, (m-1)*lda+k)
	multiply(&acc, rows[:k], rows[(m-1)*lda:][:k], unsafe.Slice(b, k*columns))
	finish(&acc, m, n, c, ldc, bias, residual, ldr, scale, floor)
}

// IndirectGemmF32_2x4 is GemmF32_2x4 with
//
//	acc := 0
//	for tap := range taps {
//		row := a[rows[tap*stride+i]*lda:] // zero where the index is negative
//		for p := range k {
//			acc += row[p] * b[(tap*k+p)*4+j]
//		}
//	}
func IndirectGemmF32_2x4(m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int, rows *int32, taps, stride int, zero *float32) {
	indirectProduct[float32](m, n, k, a, lda, b, c, ldc, bias, residual, ldr, scale, floor, rows, taps, stride, zero)
}

// IndirectGemmWideF32_2x4 is IndirectGemmF32_2x4 with the products summed in float64.
func IndirectGemmWideF32_2x4(m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, ahead uintptr, aheadStep int, rows *int32, taps, stride int, zero *float32) {
	indirectProduct[float64](m, n, k, a, lda, b, c, ldc, bias, residual, ldr, scale, floor, rows, taps, stride, zero)
}

func indirectProduct[T float](m, n, k int, a *float32, lda int, b, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32, rows *int32, taps, stride int, zero *float32) {
	var acc sums[T]
	table := unsafe.Slice(rows, (taps-1)*stride+m)
	packed := unsafe.Slice(b, taps*k*columns)
	row := func(index int32) []float32 {
		if index < 0 {
			return unsafe.Slice(zero, k)
		}
		return unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(a), 4*int(index)*lda)), k)
	}
	for tap := range taps {
		at := table[tap*stride:]
		multiply(&acc, row(at[0]), row(at[m-1]), packed[tap*k*columns:][:k*columns])
	}
	finish(&acc, m, n, c, ldc, bias, residual, ldr, scale, floor)
}

// multiply adds the products of two rows of k with the packed b to acc.
func multiply[T float](acc *sums[T], a0, a1, b []float32) {
	c00, c01, c02, c03 := acc[0][0], acc[0][1], acc[0][2], acc[0][3]
	c10, c11, c12, c13 := acc[1][0], acc[1][1], acc[1][2], acc[1][3]
	a1 = a1[:len(a0)]
	for p := range a0 {
		x, y := T(a0[p]), T(a1[p])
		w := (*[columns]float32)(b)
		c00 += x * T(w[0])
		c01 += x * T(w[1])
		c02 += x * T(w[2])
		c03 += x * T(w[3])
		c10 += y * T(w[0])
		c11 += y * T(w[1])
		c12 += y * T(w[2])
		c13 += y * T(w[3])
		b = b[columns:]
	}
	acc[0] = [columns]T{c00, c01, c02, c03}
	acc[1] = [columns]T{c10, c11, c12, c13}
}

func finish[T float](acc *sums[T], m, n int, c *float32, ldc int, bias, residual *float32, ldr int, scale, floor float32) {
	out := unsafe.Slice(c, (m-1)*ldc+n)
	for i := range m {
		for j := range n {
			v := float32(acc[i][j])
			if bias != nil {
				v += unsafe.Slice(bias, n)[j]
			}
			if residual != nil {
				v = unsafe.Slice(residual, (m-1)*ldr+n)[i*ldr+j] + scale*v
			}
			out[i*ldc+j] = max(v, floor)
		}
	}
}
