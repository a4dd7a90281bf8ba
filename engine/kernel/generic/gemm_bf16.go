package generic

import "unsafe"

// GemmBF16_2x4 is, for m of 1 to 2 and n of 1 to 4:
//
//	for i := range m {
//		for j := range n {
//			acc := 0
//			for p := range 2*pairs {
//				acc += a[i*lda+p] * b[(p/2*4+j)*2+p%2]
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
// where a, b and residual are bfloat16, acc and the products float32, and c is rounded to the
// nearest bfloat16. Where cf is not nil it takes the result, not rounded, in c's place. What
// lies ahead is not asked for.
func GemmBF16_2x4(m, n, pairs int, a *uint16, lda int, b, c *uint16, cf *float32, ldc int, bias *float32, residual *uint16, ldr int, scale, floor float32, ahead uintptr, aheadStep int) {
	var acc sums[float32]
	rows := unsafe.Slice(a, (m-1)*lda+2*pairs)
	multiplyPairs(&acc, rows[:2*pairs], rows[(m-1)*lda:][:2*pairs], unsafe.Slice(b, 2*pairs*columns))
	finishBF16(&acc, m, n, c, cf, ldc, bias, residual, ldr, scale, floor)
}

// IndirectGemmBF16_2x4 is GemmBF16_2x4 with
//
//	acc := 0
//	for tap := range taps {
//		row := a[rows[tap*stride+i]*lda:] // zero where the index is negative
//		for p := range 2*pairs {
//			acc += row[p] * b[((tap*pairs+p/2)*4+j)*2+p%2]
//		}
//	}
func IndirectGemmBF16_2x4(m, n, pairs int, a *uint16, lda int, b, c *uint16, cf *float32, ldc int, bias *float32, residual *uint16, ldr int, scale, floor float32, ahead uintptr, aheadStep int, rows *int32, taps, stride int, zero *uint16) {
	var acc sums[float32]
	table := unsafe.Slice(rows, (taps-1)*stride+m)
	size := 2 * pairs * columns
	packed := unsafe.Slice(b, taps*size)
	row := func(index int32) []uint16 {
		if index < 0 {
			return unsafe.Slice(zero, 2*pairs)
		}
		return unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(a), 2*int(index)*lda)), 2*pairs)
	}
	for tap := range taps {
		at := table[tap*stride:]
		multiplyPairs(&acc, row(at[0]), row(at[m-1]), packed[tap*size:][:size])
	}
	finishBF16(&acc, m, n, c, cf, ldc, bias, residual, ldr, scale, floor)
}

// multiplyPairs adds the products of two rows of pairs with the packed b to acc.
func multiplyPairs(acc *sums[float32], a0, a1, b []uint16) {
	a1 = a1[:len(a0)]
	for p := range a0 {
		x, y := FromBF16(a0[p]), FromBF16(a1[p])
		w := (*[2 * columns]uint16)(b[p/2*2*columns:])
		for j := range columns {
			v := FromBF16(w[2*j+p%2])
			acc[0][j] += x * v
			acc[1][j] += y * v
		}
	}
}

func finishBF16(acc *sums[float32], m, n int, c *uint16, cf *float32, ldc int, bias *float32, residual *uint16, ldr int, scale, floor float32) {
	for i := range m {
		for j := range n {
			v := acc[i][j]
			if bias != nil {
				v += unsafe.Slice(bias, n)[j]
			}
			if residual != nil {
				v = FromBF16(unsafe.Slice(residual, (m-1)*ldr+n)[i*ldr+j]) + scale*v
			}
			v = max(v, floor)
			if cf != nil {
				unsafe.Slice(cf, (m-1)*ldc+n)[i*ldc+j] = v
			} else {
				unsafe.Slice(c, (m-1)*ldc+n)[i*ldc+j] = ToBF16(v)
			}
		}
	}
}
