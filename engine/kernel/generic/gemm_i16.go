package generic

import "unsafe"

// GemmI16_2x4 is, for m of 1 to 2 and n of 1 to 4:
//
//	for i := range m {
//		for j := range n {
//			acc := 0
//			for p := range 2*pairs {
//				acc += a[i*lda+p] * b[(p/2*4+j)*2+p%2]
//			}
//			c[i*ldc+j] = acc
//		}
//	}
//
// where acc is an integer modulo 1<<32. What lies ahead is not asked for.
func GemmI16_2x4(m, n, pairs int, a *int16, lda int, b *int16, c *int32, ldc int, ahead uintptr, aheadStep int) {
	rows, packed := unsafe.Slice(a, (m-1)*lda+2*pairs), unsafe.Slice(b, 2*pairs*columns)
	out := unsafe.Slice(c, (m-1)*ldc+n)
	for i := range m {
		var acc [columns]int32
		for p, x := range rows[i*lda:][:2*pairs] {
			w := (*[2 * columns]int16)(packed[p/2*2*columns:])
			for j := range columns {
				acc[j] += int32(x) * int32(w[2*j+p%2])
			}
		}
		copy(out[i*ldc:], acc[:n])
	}
}
