package generic

import "unsafe"

// WinogradInput transforms a tile's pixels d, in place, to the points 0, p, -p, ... and
// infinity, or to the same without 0 where the points are odd in number. The coefficients
// are, lowest first, those of the product of (x^2 - p^2) over all pairs of points, then, for
// each pair, those of the product over the others, and p. The highest coefficient, one, is
// left out. Elements are step apart.
func WinogradInput(d []float32, step int, coefs []float32) {
	var x [15]float32
	n := 0
	for i := 0; i < len(d); i += step {
		x[n] = d[i]
		n++
	}
	pairs, zeros := (n-1)/2, (n-1)%2
	// half is the sum of every second pixel times the coefficients and one.
	half := func(x, coefs []float32) float32 {
		sum := x[2*len(coefs)]
		for i, c := range coefs {
			sum += c * x[2*i]
		}
		return sum
	}
	if zeros > 0 {
		d[0] = half(x[:], coefs[:pairs])
	}
	d[(n-1)*step] = half(x[zeros:], coefs[:pairs])
	for pair := range pairs {
		of := coefs[pairs+pair*pairs:][:pairs]
		even, odd := half(x[1+zeros:], of[:pairs-1]), half(x[zeros:], of[:pairs-1])
		d[(zeros+2*pair)*step] = even + of[pairs-1]*odd
		d[(zeros+1+2*pair)*step] = even - of[pairs-1]*odd
	}
}

// WinogradOutput transforms the values of m at the points, of which 0 is one where they are
// even in number, to the outputs y. The coefficients are, for each pair of points, p and its
// powers up to that of the last output. Elements of m are step apart.
func WinogradOutput(y, m []float32, step int, coefs []float32) {
	powers := len(y) - 1
	pairs, at := len(coefs)/powers, 0
	next := func() float32 {
		v := m[at*step]
		at++
		return v
	}
	clear(y)
	if points := (len(m) + step - 1) / step; points%2 == 0 {
		y[0] = next()
	}
	for pair := range pairs {
		plus, minus := next(), next()
		halves := [2]float32{plus + minus, plus - minus}
		y[0] += halves[0]
		for i, c := range coefs[pair*powers:][:powers] {
			y[i+1] += c * halves[(i+1)%2]
		}
	}
	y[powers] += next()
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

func winogradInput(rows, side, tiles, channels int, x *float32, pitch int, pixels *int32, zero, v *float32, ldv, points int, coefs []float32) {
	winogradInputOf(rows, side, tiles, channels, x, pitch, pixels, zero, v, ldv, points, coefs, asItIs)
}

func asItIs(v float32) float32 { return v }

// winogradInputOf transforms tiles of rows x side pixels of some type, along columns where
// there are several rows, then along rows.
func winogradInputOf[T any](rows, side, tiles, channels int, x *T, pitch int, pixels *int32, zero *T, v *float32, ldv, points int, coefs []float32, value func(T) float32) {
	size := rows * side
	table := unsafe.Slice(pixels, tiles*size)
	out := unsafe.Slice(v, (size-1)*points+(tiles-1)*ldv+channels)
	d := make([]float32, size)
	for t := range tiles {
		for c := range channels {
			for i, pixel := range table[t*size:][:size] {
				if pixel < 0 {
					d[i] = value(*element(zero, c))
				} else {
					d[i] = value(*element(x, int(pixel)*pitch+c))
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
	winogradOutputOf(outRows, 4, rows, side, tiles, channels, m, ldm, points, pixels, coefs, func(pixel, c int, value float32) {
		if bias != nil {
			value += *element(bias, c)
		}
		if residual != nil {
			value = *element(residual, pixel*ldr+c) + scale*value
		}
		*element(y, pixel*pitch+c) = max(value, floor)
	})
}

// winogradOutputOf transforms tiles of rows x side points to outRows x outputs pixels, which
// store takes.
func winogradOutputOf(outRows, outputs, rows, side, tiles, channels int, m *float32, ldm, points int, pixels *int32, coefs []float32, store func(pixel, c int, value float32)) {
	table := unsafe.Slice(pixels, tiles*outRows*outputs)
	in := unsafe.Slice(m, (rows*side-1)*points+(tiles-1)*ldm+channels)
	values, lines, column := make([]float32, rows*side), make([]float32, rows*outputs), make([]float32, outRows)
	for t := range tiles {
		for c := range channels {
			for i := range values {
				values[i] = in[i*points+t*ldm+c]
			}
			for row := range rows {
				WinogradOutput(lines[row*outputs:][:outputs], values[row*side:][:side], 1, coefs)
			}
			for x := range outputs {
				if rows > 1 {
					WinogradOutput(column, lines[x:], outputs, coefs)
				} else {
					column[0] = lines[x]
				}
				for y, value := range column {
					if pixel := table[(t*outRows+y)*outputs+x]; pixel >= 0 {
						store(int(pixel), c, value)
					}
				}
			}
		}
	}
}

// element is what lies so many elements after base.
func element[T any](base *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(base), uintptr(i)*unsafe.Sizeof(*base)))
}
