package generic

import "unsafe"

// WinogradWeights transforms the taps w to the points of m: 0, where they are even in number,
// p, -p, ... and infinity. The coefficients are the factor of 0, if it is a point, and for
// each pair those of the taps for p. Those for -p differ from them by the sign: of every
// second tap, of the others where 0 is no point. Elements of w and of m are stepW and step
// apart.
func WinogradWeights(m []float32, step int, w []float32, stepW int, coefs []float32) {
	taps, points := (len(w)+stepW-1)/stepW, (len(m)+step-1)/step
	at, minus := 0, float32(-1)
	if points%2 == 0 {
		m[0], coefs, at, minus = coefs[0]*w[0], coefs[1:], 1, 1
	}
	for ; at < points-1; at += 2 {
		var halves [2]float32
		for tap, c := range coefs[:taps] {
			halves[tap%2] += c * w[tap*stepW]
		}
		m[at*step], m[(at+1)*step] = halves[0]+halves[1], minus*(halves[0]-halves[1])
		coefs = coefs[taps:]
	}
	m[(points-1)*step] = w[(taps-1)*stepW]
}

// winogradWeightsBF16 transforms a panel of 4 columns of weights, taps x taps of them where
// they are square.
func winogradWeightsBF16(taps, side int, square bool, rows int, w *uint16, b *float32, points int, coefs *float32) {
	const columns = 4
	high, wide := 1, taps
	outHigh := 1
	if square {
		high, outHigh = taps, side
	}
	values, lines, all := make([]float32, high*wide), make([]float32, outHigh*wide), make([]float32, outHigh*side)
	pairs, zeros := (side-1)/2, (side-1)%2
	factors := unsafe.Slice(coefs, zeros+pairs*taps)
	for k := range rows {
		for j := range columns {
			for i := range values {
				values[i] = FromBF16(*element(w, (k*len(values)+i)*columns+j))
			}
			if square {
				for x := range wide {
					WinogradWeights(lines[x:], wide, values[x:], wide, factors)
				}
			} else {
				copy(lines, values)
			}
			for y := range outHigh {
				WinogradWeights(all[y*side:][:side], 1, lines[y*wide:][:wide], 1, factors)
			}
			for i, v := range all {
				*element(b, i*points+k*columns+j) = v
			}
		}
	}
}

func winogradInputBF16(rows, side, tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32) {
	pairs := (side - 1) / 2
	winogradInputOf(rows, side, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, pairs+pairs*pairs), FromBF16)
}

func winogradOutputBF16(outRows, outputs, rows, side, tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32) {
	pairs := (side - 1) / 2
	winogradOutputOf(outRows, outputs, rows, side, tiles, channels, m, ldm, points, pixels, unsafe.Slice(coefs, pairs*(outputs-1)), func(pixel, c int, value float32) {
		if bias != nil {
			value += *element(bias, c)
		}
		*element(y, pixel*pitch+c) = ToBF16(max(value, floor))
	})
}

// WinogradInputBF16_8x8 is the loop of its namesake in assembly.
func WinogradInputBF16_8x8(tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32) {
	winogradInputBF16(8, 8, tiles, channels, x, pitch, pixels, zero, v, ldv, points, coefs)
}

// WinogradOutputBF16_8x8_6x6 is the loop of its namesake in assembly.
func WinogradOutputBF16_8x8_6x6(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32) {
	winogradOutputBF16(6, 6, 8, 8, tiles, channels, m, ldm, points, y, pitch, pixels, bias, floor, coefs)
}

// WinogradWeightsBF16_3x3_8x8 is the loop of its namesake in assembly, for panels of 4 columns.
func WinogradWeightsBF16_3x3_8x8(rows int, w *uint16, b *float32, points int, coefs *float32) {
	winogradWeightsBF16(3, 8, true, rows, w, b, points, coefs)
}

// WinogradInputBF16_9x9 is the loop of its namesake in assembly.
func WinogradInputBF16_9x9(tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32) {
	winogradInputBF16(9, 9, tiles, channels, x, pitch, pixels, zero, v, ldv, points, coefs)
}

// WinogradOutputBF16_9x9_7x7 is the loop of its namesake in assembly.
func WinogradOutputBF16_9x9_7x7(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32) {
	winogradOutputBF16(7, 7, 9, 9, tiles, channels, m, ldm, points, y, pitch, pixels, bias, floor, coefs)
}

// WinogradWeightsBF16_3x3_9x9 is the loop of its namesake in assembly, for panels of 4 columns.
func WinogradWeightsBF16_3x3_9x9(rows int, w *uint16, b *float32, points int, coefs *float32) {
	winogradWeightsBF16(3, 9, true, rows, w, b, points, coefs)
}

// WinogradInputBF16_10x10 is the loop of its namesake in assembly.
func WinogradInputBF16_10x10(tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32) {
	winogradInputBF16(10, 10, tiles, channels, x, pitch, pixels, zero, v, ldv, points, coefs)
}

// WinogradOutputBF16_10x10_8x8 is the loop of its namesake in assembly.
func WinogradOutputBF16_10x10_8x8(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32) {
	winogradOutputBF16(8, 8, 10, 10, tiles, channels, m, ldm, points, y, pitch, pixels, bias, floor, coefs)
}

// WinogradWeightsBF16_3x3_10x10 is the loop of its namesake in assembly, for panels of 4 columns.
func WinogradWeightsBF16_3x3_10x10(rows int, w *uint16, b *float32, points int, coefs *float32) {
	winogradWeightsBF16(3, 10, true, rows, w, b, points, coefs)
}

// WinogradInputBF16_15 is the loop of its namesake in assembly.
func WinogradInputBF16_15(tiles, channels int, x *uint16, pitch int, pixels *int32, zero *uint16, v *float32, ldv, points int, coefs *float32) {
	winogradInputBF16(1, 15, tiles, channels, x, pitch, pixels, zero, v, ldv, points, coefs)
}

// WinogradOutputBF16_15_9 is the loop of its namesake in assembly.
func WinogradOutputBF16_15_9(tiles, channels int, m *float32, ldm, points int, y *uint16, pitch int, pixels *int32, bias *float32, floor float32, coefs *float32) {
	winogradOutputBF16(1, 9, 1, 15, tiles, channels, m, ldm, points, y, pitch, pixels, bias, floor, coefs)
}

// WinogradWeightsBF16_7_15 is the loop of its namesake in assembly, for panels of 4 columns.
func WinogradWeightsBF16_7_15(rows int, w *uint16, b *float32, points int, coefs *float32) {
	winogradWeightsBF16(7, 15, false, rows, w, b, points, coefs)
}
