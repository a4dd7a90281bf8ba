package jpeg

// The constants of the inverse transform (Loeffler, Ligtenberg and Moschytz, ICASSP 1989,
// with 11 multiplications), and of the reduced ones that are the means of its outputs, in
// fixed point with 13 bits of fraction.
const (
	fractionBits = 13
	passBits     = 2 // more of them between the passes

	fix0_211164243 = 1730
	fix0_298631336 = 2446
	fix0_390180644 = 3196
	fix0_509795579 = 4176
	fix0_541196100 = 4433
	fix0_601344887 = 4926
	fix0_720959822 = 5906
	fix0_765366865 = 6270
	fix0_850430095 = 6967
	fix0_899976223 = 7373
	fix1_061594337 = 8697
	fix1_175875602 = 9633
	fix1_272758580 = 10426
	fix1_451774981 = 11893
	fix1_501321110 = 12299
	fix1_847759065 = 15137
	fix1_961570560 = 16069
	fix2_053119869 = 16819
	fix2_172734803 = 17799
	fix2_562915447 = 20995
	fix3_072711026 = 25172
	fix3_624509785 = 29692
)

// transform8 writes 8 x 8 samples a block.
func transform8(dst []uint8, stride int, coefficients []int16, quant *[64]uint16, blocks int) {
	var work [64]int32
	for b := range blocks {
		block := (*[64]int16)(coefficients[64*b:])
		for x := range 8 {
			transform1D(&work, x, 8, fractionBits-passBits, func(i int) int32 {
				return int32(block[8*i+x]) * int32(quant[8*i+x])
			})
		}
		for y := range 8 {
			row := work
			transform1D(&work, 8*y, 1, fractionBits+passBits+3, func(i int) int32 { return row[8*y+i] })
			to := dst[y*stride+8*b:][:8]
			for x := range to {
				to[x] = sample(work[8*y+x])
			}
		}
	}
}

// transform1D writes the transform of eight values to work, step apart from at on, divided by 2^shift.
func transform1D(work *[64]int32, at, step int, shift uint, in func(int) int32) {
	round := int32(1) << (shift - 1)
	c2, c6 := in(2), in(6)
	z1 := (c2 + c6) * fix0_541196100
	t2, t3 := z1-c6*fix1_847759065, z1+c2*fix0_765366865
	t0, t1 := (in(0)+in(4))<<fractionBits, (in(0)-in(4))<<fractionBits
	even := [4]int32{t0 + t3, t1 + t2, t1 - t2, t0 - t3}
	c7, c5, c3, c1 := in(7), in(5), in(3), in(1)
	z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
	z5 := (z3 + z4) * fix1_175875602
	z1, z2 = z1*-fix0_899976223, z2*-fix2_562915447
	z3, z4 = z3*-fix1_961570560+z5, z4*-fix0_390180644+z5
	odd := [4]int32{
		c1*fix1_501321110 + z1 + z4, c3*fix3_072711026 + z2 + z3,
		c5*fix2_053119869 + z2 + z4, c7*fix0_298631336 + z1 + z3,
	}
	for i := range 4 {
		work[at+i*step] = (even[i] + odd[i] + round) >> shift
		work[at+(7-i)*step] = (even[i] - odd[i] + round) >> shift
	}
}

func sample(v int32) uint8 { return uint8(min(max(v+128, 0), 255)) }

// transform4 writes 4 x 4 samples a block, the means of four of transform8's each.
func transform4(dst []uint8, stride int, coefficients []int16, quant *[64]uint16, blocks int) {
	var work [4][8]int32
	for b := range blocks {
		block := (*[64]int16)(coefficients[64*b:])
		for x := range 8 {
			if x == 4 { // whose means are 0
				continue
			}
			in := func(i int) int32 { return int32(block[8*i+x]) * int32(quant[8*i+x]) }
			out := half1D(in(0), in(1), in(2), in(3), in(5), in(6), in(7), fractionBits-passBits+1)
			for i, v := range out {
				work[i][x] = v
			}
		}
		for y := range 4 {
			w := &work[y]
			out := half1D(w[0], w[1], w[2], w[3], w[5], w[6], w[7], fractionBits+passBits+3+1)
			to := dst[y*stride+4*b:][:4]
			for x, v := range out {
				to[x] = sample(v)
			}
		}
	}
}

func half1D(c0, c1, c2, c3, c5, c6, c7 int32, shift uint) [4]int32 {
	round := int32(1) << (shift - 1)
	t0 := c0 << (fractionBits + 1)
	t2 := c2*fix1_847759065 - c6*fix0_765366865
	a, b := t0+t2+round, t0-t2+round
	inner := -c7*fix0_211164243 + c5*fix1_451774981 - c3*fix2_172734803 + c1*fix1_061594337
	outer := -c7*fix0_509795579 - c5*fix0_601344887 + c3*fix0_899976223 + c1*fix2_562915447
	return [4]int32{(a + outer) >> shift, (b + inner) >> shift, (b - inner) >> shift, (a - outer) >> shift}
}

// transform2 writes 2 x 2 samples a block, the means of 16 of transform8's each.
func transform2(dst []uint8, stride int, coefficients []int16, quant *[64]uint16, blocks int) {
	for b := range blocks {
		block := (*[64]int16)(coefficients[64*b:])
		var upper, lower [5]int32 // of columns 0, 1, 3, 5, 7
		for i, x := range [5]int{0, 1, 3, 5, 7} {
			in := func(i int) int32 { return int32(block[8*i+x&63]) * int32(quant[8*i+x&63]) }
			upper[i], lower[i] = quarter1D(in(0), in(1), in(3), in(5), in(7), fractionBits-passBits+2)
		}
		for y, w := range [2]*[5]int32{&upper, &lower} {
			left, right := quarter1D(w[0], w[1], w[2], w[3], w[4], fractionBits+passBits+3+2)
			to := dst[y*stride+2*b:][:2]
			to[0], to[1] = sample(left), sample(right)
		}
	}
}

func quarter1D(c0, c1, c3, c5, c7 int32, shift uint) (first, second int32) {
	even := c0<<(fractionBits+2) + 1<<(shift-1)
	odd := -c7*fix0_720959822 + c5*fix0_850430095 - c3*fix1_272758580 + c1*fix3_624509785
	return (even + odd) >> shift, (even - odd) >> shift
}

// transform1 writes a sample for each block, the mean of transform8's.
func transform1(dst []uint8, _ int, coefficients []int16, quant *[64]uint16, blocks int) {
	for b := range blocks {
		dst[b] = sample((int32(coefficients[64*b])*int32(quant[0]) + 4) >> 3)
	}
}
