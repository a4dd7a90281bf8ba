package generic

import "unsafe"

// WinogradInput transforms a tile's pixels d, in place, to the points 0, p, -p, ... and
// infinity. The coefficients are, lowest first, those of the product of (x^2 - p^2) over
// all pairs of points, then, for each pair, those of the product over the others, and p.
// The highest coefficient, one, is left out. Elements are step apart.
func WinogradInput(d []float32, step int, coefs []float32) {
	var x [10]float32
	n := 0
	for i := 0; i < len(d); i += step {
		x[n] = d[i]
		n++
	}
	pairs := n/2 - 1
	// half is the sum of every second pixel times the coefficients and one.
	half := func(x, coefs []float32) float32 {
		sum := x[2*len(coefs)]
		for i, c := range coefs {
			sum += c * x[2*i]
		}
		return sum
	}
	d[0] = half(x[:], coefs[:pairs])
	d[(n-1)*step] = half(x[1:], coefs[:pairs])
	for pair := range pairs {
		of := coefs[pairs+pair*pairs:][:pairs]
		even, odd := half(x[2:], of[:pairs-1]), half(x[1:], of[:pairs-1])
		d[(1+2*pair)*step] = even + of[pairs-1]*odd
		d[(2+2*pair)*step] = even - of[pairs-1]*odd
	}
}

// WinogradOutput transforms the n values of m at the points to four outputs. The
// coefficients are, for each pair of points, p, its square and its cube. Elements of m
// are step apart.
func WinogradOutput(m []float32, step int, coefs []float32) (y [4]float32) {
	pairs := len(coefs) / 3
	y[0] = m[0]
	for pair := range pairs {
		plus, minus := m[(1+2*pair)*step], m[(2+2*pair)*step]
		even, odd := plus+minus, plus-minus
		y[0] += even
		y[1] += coefs[3*pair] * odd
		y[2] += coefs[3*pair+1] * even
		y[3] += coefs[3*pair+2] * odd
	}
	y[3] += m[(2*pairs+1)*step]
	return y
}

// WinogradGradient transforms the gradient with respect to four outputs to the n points of
// m: it is WinogradOutput transposed, and has its coefficients.
func WinogradGradient(y [4]float32, m, coefs []float32) {
	pairs := len(coefs) / 3
	m[0] = y[0]
	for pair := range pairs {
		even, odd := y[0]+coefs[3*pair+1]*y[2], coefs[3*pair]*y[1]+coefs[3*pair+2]*y[3]
		m[1+2*pair] = even + odd
		m[2+2*pair] = even - odd
	}
	m[2*pairs+1] = y[3]
}

// WinogradInputF32_6x6 is the loop of its namesakes in assembly.
func WinogradInputF32_6x6(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradInput(6, 6, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 6))
}

// WinogradInputF32_6 is the loop of its namesakes in assembly.
func WinogradInputF32_6(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradInput(1, 6, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 6))
}

// WinogradInputF32_10 is the loop of its namesakes in assembly.
func WinogradInputF32_10(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradInput(1, 10, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 20))
}

// winogradInput transforms tiles of rows x side pixels, along columns where there are
// several rows, then along rows.
func winogradInput(rows, side, tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs []float32) {
	size := rows * side
	table := unsafe.Slice(pixels, tiles*size)
	out := unsafe.Slice(v, (size-1)*points+(tiles-1)*ldv+channels)
	var values [36]float32
	d := values[:size]
	for t := range tiles {
		for c := range channels {
			for i, pixel := range table[t*size:][:size] {
				if pixel < 0 {
					d[i] = unsafe.Slice(zero, channels)[c]
				} else {
					d[i] = *element(x, int(pixel)*pitch+c)
				}
			}
			if rows > 1 {
				for column := range side {
					WinogradInput(d[column:], side, coefs)
				}
			}
			for row := range rows {
				WinogradInput(d[row*side:][:side], 1, coefs)
			}
			for i, value := range d {
				out[i*points+t*ldv+c] = value
			}
		}
	}
}

// WinogradGradientF32_4x4_6x6 is the loop of its namesakes in assembly.
func WinogradGradientF32_4x4_6x6(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradGradient(4, 6, 6, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 6))
}

// WinogradGradientF32_4_6 is the loop of its namesakes in assembly.
func WinogradGradientF32_4_6(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradGradient(1, 1, 6, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 6))
}

// WinogradGradientF32_4_10 is the loop of its namesakes in assembly.
func WinogradGradientF32_4_10(tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs *float32) {
	winogradGradient(1, 1, 10, tiles, channels, x, pitch, pixels, zero, v, ldv, points, unsafe.Slice(coefs, 12))
}

// winogradGradient transforms tiles of inRows x 4 pixels to rows x side points, along
// columns where there are several rows, then along rows.
func winogradGradient(inRows, rows, side, tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs []float32) {
	table := unsafe.Slice(pixels, tiles*inRows*4)
	out := unsafe.Slice(v, (rows*side-1)*points+(tiles-1)*ldv+channels)
	var lines [6][4]float32
	var line [10]float32
	for t := range tiles {
		for c := range channels {
			var d [4][4]float32 // by column
			for i, pixel := range table[t*inRows*4:][:inRows*4] {
				if pixel < 0 {
					d[i%4][i/4] = unsafe.Slice(zero, channels)[c]
				} else {
					d[i%4][i/4] = *element(x, int(pixel)*pitch+c)
				}
			}
			for column := range d {
				if rows == 1 {
					lines[0][column] = d[column][0]
					continue
				}
				WinogradGradient(d[column], line[:], coefs)
				for row := range rows {
					lines[row][column] = line[row]
				}
			}
			for row := range rows {
				WinogradGradient(lines[row], line[:], coefs)
				for i, value := range line[:side] {
					out[(row*side+i)*points+t*ldv+c] = value
				}
			}
		}
	}
}

// WinogradOutputF32_6x6_4x4 is the loop of its namesakes in assembly.
func WinogradOutputF32_6x6_4x4(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs *float32) {
	winogradOutput(4, 6, 6, tiles, channels, m, ldm, points, y, pitch, pixels, bias, residual, ldr, scale, floor, unsafe.Slice(coefs, 6))
}

// WinogradOutputF32_6_4 is the loop of its namesakes in assembly.
func WinogradOutputF32_6_4(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs *float32) {
	winogradOutput(1, 1, 6, tiles, channels, m, ldm, points, y, pitch, pixels, bias, residual, ldr, scale, floor, unsafe.Slice(coefs, 6))
}

// WinogradOutputF32_10_4 is the loop of its namesakes in assembly.
func WinogradOutputF32_10_4(tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs *float32) {
	winogradOutput(1, 1, 10, tiles, channels, m, ldm, points, y, pitch, pixels, bias, residual, ldr, scale, floor, unsafe.Slice(coefs, 12))
}

// winogradOutput transforms tiles of rows x side points to outRows x 4 pixels.
func winogradOutput(outRows, rows, side, tiles, channels int, m *float32, ldm, points int, y *float32, pitch int, pixels *int32, bias, residual *float32, ldr int, scale, floor float32, coefs []float32) {
	table := unsafe.Slice(pixels, tiles*outRows*4)
	in := unsafe.Slice(m, (rows*side-1)*points+(tiles-1)*ldm+channels)
	var values [36]float32
	var lines [6][4]float32
	for t := range tiles {
		for c := range channels {
			for i := range rows * side {
				values[i] = in[i*points+t*ldm+c]
			}
			for row := range rows {
				lines[row] = WinogradOutput(values[row*side:][:side], 1, coefs)
			}
			for i, pixel := range table[t*outRows*4:][:outRows*4] {
				if pixel < 0 {
					continue
				}
				value := lines[0][i%4]
				if rows > 1 {
					var column [6]float32
					for row := range rows {
						column[row] = lines[row][i%4]
					}
					value = WinogradOutput(column[:], 1, coefs)[i/4]
				}
				if bias != nil {
					value += unsafe.Slice(bias, channels)[c]
				}
				if residual != nil {
					value = *element(residual, int(pixel)*ldr+c) + scale*value
				}
				*element(y, int(pixel)*pitch+c) = max(value, floor)
			}
		}
	}
}

func element(base *float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(base), 4*i))
}
