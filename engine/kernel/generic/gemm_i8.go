package generic

import "unsafe"

// GemmI8_2x4 is, for m of 1 to 2 and n of 1 to 4:
//
//	for i := range m {
//		for j := range n {
//			acc := 0
//			for p := range 4*quads {
//				acc += a[i*lda+p] * b[(p/4*4+j)*4+p%4]
//			}
//			v := acc*scale[j] + bias[j]
//			if inverse == 0 {
//				c[i*ldc+j] = v
//				continue
//			}
//			if residual != nil {
//				v += residual[i*ldr+j]
//			}
//			v = max(v, floor)
//			if cb != nil {
//				cb[i*ldcb+j] = v
//			}
//			if c != nil {
//				c[i*ldc+j] = v*inverse + zeroPoint
//			}
//		}
//	}
//
// where acc is an integer of 32 bits, residual is bfloat16, cb rounded to that, and c to the nearest
// integer, of two to the even one, and limited to 0 and 255. What lies ahead is not asked for, and
// there is nothing more.
func GemmI8_2x4(m, n, quads int, a *uint8, lda int, b, more *int8, starts *int32, c *uint8, ldc int, cb *uint16, ldcb int, scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, ahead uintptr, aheadStep int) {
	var acc sumsI8
	rows := unsafe.Slice(a, (m-1)*lda+4*quads)
	multiplyQuads(&acc, rows[:4*quads], rows[(m-1)*lda:][:4*quads], unsafe.Slice(b, 4*quads*columns))
	finishI8(&acc, m, n, c, ldc, cb, ldcb, scale, bias, residual, ldr, floor, inverse, zeroPoint)
}

// IndirectGemmI8_2x4 is GemmI8_2x4 with
//
//	acc := 0
//	for tap := range taps {
//		row := a[rows[tap*stride+i]*lda:] // zero where the index is negative
//		for p := range 4*quads {
//			acc += row[p] * b[((tap*quads+p/4)*4+j)*4+p%4]
//		}
//	}
func IndirectGemmI8_2x4(m, n, quads int, a *uint8, lda int, b, more *int8, starts *int32, c *uint8, ldc int, cb *uint16, ldcb int, scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, ahead uintptr, aheadStep int, rows *int32, taps, stride int, zero *uint8) {
	var acc sumsI8
	table := unsafe.Slice(rows, (taps-1)*stride+m)
	size := 4 * quads * columns
	packed := unsafe.Slice(b, taps*size)
	row := func(index int32) []uint8 {
		if index < 0 {
			return unsafe.Slice(zero, 4*quads)
		}
		return unsafe.Slice((*uint8)(unsafe.Add(unsafe.Pointer(a), int(index)*lda)), 4*quads)
	}
	for tap := range taps {
		at := table[tap*stride:]
		multiplyQuads(&acc, row(at[0]), row(at[m-1]), packed[tap*size:][:size])
	}
	finishI8(&acc, m, n, c, ldc, cb, ldcb, scale, bias, residual, ldr, floor, inverse, zeroPoint)
}

type sumsI8 [2][columns]int32

// multiplyQuads adds the products of two rows of fours with the packed b to acc.
func multiplyQuads(acc *sumsI8, a0, a1 []uint8, b []int8) {
	a1 = a1[:len(a0)]
	for p := range a0 {
		x, y := int32(a0[p]), int32(a1[p])
		w := (*[4 * columns]int8)(b[p/4*4*columns:])
		for j := range columns {
			v := int32(w[4*j+p%4])
			acc[0][j] += x * v
			acc[1][j] += y * v
		}
	}
}

func finishI8(acc *sumsI8, m, n int, c *uint8, ldc int, cb *uint16, ldcb int, scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32) {
	factors, biases := unsafe.Slice(scale, n), unsafe.Slice(bias, n)
	for i := range m {
		for j := range n {
			v := float32(acc[i][j])*factors[j] + biases[j]
			if inverse == 0 {
				unsafe.Slice(c, (m-1)*ldc+n)[i*ldc+j] = ToU8(v)
				continue
			}
			if residual != nil {
				v += FromBF16(unsafe.Slice(residual, (m-1)*ldr+n)[i*ldr+j])
			}
			v = max(v, floor)
			if cb != nil {
				unsafe.Slice(cb, (m-1)*ldcb+n)[i*ldcb+j] = ToBF16(v)
			}
			if c != nil {
				unsafe.Slice(c, (m-1)*ldc+n)[i*ldc+j] = ToU8(v*inverse + zeroPoint)
			}
		}
	}
}
