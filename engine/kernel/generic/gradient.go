package generic

import "unsafe"

// GradientF32_2x4 is, for m of 1 to 2, n of 1 to 4 and count of 0 or more:
//
//	for i := range m {
//		for j := range n {
//			acc := 0
//			for _, pair := range pairs[:count] {
//				acc += a[pair[0]+i] * dy[pair[1]+j]
//			}
//			if add {
//				acc += c[i*ldc+j]
//			}
//			c[i*ldc+j] = acc
//		}
//	}
func GradientF32_2x4(m, n, count int, pairs *[2]int, a, dy, c *float32, ldc int, add bool) {
	var acc [2][columns]float32
	if n == columns {
		c00, c01, c02, c03 := acc[0][0], acc[0][1], acc[0][2], acc[0][3]
		c10, c11, c12, c13 := acc[1][0], acc[1][1], acc[1][2], acc[1][3]
		for _, pair := range unsafe.Slice(pairs, count) {
			x, y := *element(a, pair[0]), *element(a, pair[0]+m-1)
			w := (*[columns]float32)(unsafe.Pointer(element(dy, pair[1])))
			c00 += x * w[0]
			c01 += x * w[1]
			c02 += x * w[2]
			c03 += x * w[3]
			c10 += y * w[0]
			c11 += y * w[1]
			c12 += y * w[2]
			c13 += y * w[3]
		}
		acc[0] = [columns]float32{c00, c01, c02, c03}
		acc[1] = [columns]float32{c10, c11, c12, c13}
	} else {
		for _, pair := range unsafe.Slice(pairs, count) {
			for i := range m {
				for j := range n {
					acc[i][j] += *element(a, pair[0]+i) * *element(dy, pair[1]+j)
				}
			}
		}
	}
	for i := range m {
		for j := range n {
			at := element(c, i*ldc+j)
			if add {
				acc[i][j] += *at
			}
			*at = acc[i][j]
		}
	}
}
