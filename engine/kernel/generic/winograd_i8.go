package generic

import "unsafe"

// WinogradInputI8 transforms six pixels of a tile, in place, to the points 0, 1, -1, 2, -2 and
// infinity. Elements are step apart.
func WinogradInputI8(d []int16, step int) {
	x := [6]int16{d[0], d[step], d[2*step], d[3*step], d[4*step], d[5*step]}
	d[0] = 4*x[0] - 5*x[2] + x[4]
	d[step] = -4*x[1] - 4*x[2] + x[3] + x[4]
	d[2*step] = 4*x[1] - 4*x[2] - x[3] + x[4]
	d[3*step] = -2*x[1] - x[2] + 2*x[3] + x[4]
	d[4*step] = 2*x[1] - x[2] - 2*x[3] + x[4]
	d[5*step] = 4*x[1] - 5*x[3] + x[5]
}

// WinogradOutputI8 transforms the values of m at six points to 24, 12, 6 and 6 times four
// values, modulo 1<<32, where 0 and infinity have 6 times the weights. Elements are step apart,
// and y's stepY.
func WinogradOutputI8(y []int32, stepY int, m []int32, step int) {
	sum1, difference1 := m[step]+m[2*step], m[step]-m[2*step]
	sum2, difference2 := m[3*step]+m[4*step], m[3*step]-m[4*step]
	y[0] = m[0] - 4*sum1 + sum2
	y[stepY] = difference2 - 2*difference1
	y[2*stepY] = sum2 - sum1
	y[3*stepY] = 2*difference2 - difference1 + m[5*step]
}

// WinogradFactorI8 makes 64 times a value of what WinogradOutputI8 gives, along both sides, for
// that of a row and a column, modulo 1<<32: it is 9 times a power of two times the value.
func WinogradFactorI8(row, column int) int32 {
	const inverseOf9 = 954437177
	powers := [4]int{3, 2, 1, 1}
	return int32(uint32(inverseOf9) << (6 - powers[row] - powers[column]))
}

// WinogradWeightsI8 transforms three taps to the points, with 6 times the weights at 0 and
// infinity.
func WinogradWeightsI8(w0, w1, w2 int16) [6]int16 {
	return [6]int16{6 * w0, w0 + w1 + w2, w0 - w1 + w2, w0 + 2*w1 + 4*w2, w0 - 2*w1 + 4*w2, 6 * w2}
}

// WinogradInputI8Line transforms nine pixels to the points 0, 1, -1, 2,
// -2, 1/2, -1/2, 3 and infinity: to words of at most 25500 where pixels are bytes.
func WinogradInputI8Line(x *[9]int16) [9]int16 {
	var d [8]int16
	for i := range d {
		d[i] = x[i+1] - 3*x[i]
	}
	even1, odd1 := 4*d[6]-17*d[4]+4*d[2], 4*d[5]-17*d[3]+4*d[1]
	even2, odd2 := 4*d[6]-5*d[4]+d[2], 2*(4*d[5]-5*d[3]+d[1])
	evenHalf, oddHalf := 2*(d[6]-5*d[4]+4*d[2]), d[5]-5*d[3]+4*d[1]
	return [9]int16{
		4*d[6] - 21*d[4] + 21*d[2] - 4*d[0],
		even1 + odd1, even1 - odd1,
		even2 + odd2, even2 - odd2,
		evenHalf + oddHalf, evenHalf - oddHalf,
		4*x[7] - 21*x[5] + 21*x[3] - 4*x[1],
		4*d[7] - 21*d[5] + 21*d[3] - 4*d[1],
	}
}

// WinogradOutputI8Line transforms the values of m at those points to 64 times six values, modulo
// 1<<32.
func WinogradOutputI8Line(m *[9]int32) (y [6]int32) {
	const lcm, inverseOf1575 = 12600, -902624873 // lcm is 8 times 1575
	distances := [9]int32{12, 36, 72, -360, -1800, -1800, -2520, 4200, 4}
	var v [9]int32
	for i, d := range distances {
		v[i] = m[i] * (lcm / d) * 8 * inverseOf1575
	}
	power := int32(1) // of three
	for i := range y {
		sign := int32(1 - i%2*2)
		y[i] = v[1] + sign*v[2] + (v[3]+sign*v[4])<<i + (v[5]+sign*v[6])<<(5-i) + power*v[7]
		power *= 3
	}
	y[0] += v[0]
	y[5] += v[8]
	return y
}

// WinogradWeightsI8Line transforms four taps to those points.
func WinogradWeightsI8Line(w0, w1, w2, w3 int16) [9]int16 {
	return [9]int16{
		w0, w0 + w1 + w2 + w3, w0 - w1 + w2 - w3,
		w0 + 2*w1 + 4*w2 + 8*w3, w0 - 2*w1 + 4*w2 - 8*w3,
		8*w0 + 4*w1 + 2*w2 + w3, 8*w0 - 4*w1 + 2*w2 - w3,
		w0 + 3*w1 + 9*w2 + 27*w3, w3,
	}
}

// WinogradInputI8_6x6 is the loop of its namesake in assembly.
func WinogradInputI8_6x6(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int) {
	table := unsafe.Slice(pixels, tiles*36)
	out := unsafe.Slice(v, 35*points+(tiles-1)*ldv+channels)
	var d [36]int16
	for t := range tiles {
		for c := range channels {
			for i, pixel := range table[t*36:][:36] {
				if pixel < 0 {
					d[i] = int16(*element(zero, c))
				} else {
					d[i] = int16(*element(x, int(pixel)*pitch+c))
				}
			}
			for i := range 6 {
				WinogradInputI8(d[i:], 6)
			}
			for i := range 6 {
				WinogradInputI8(d[6*i:], 1)
			}
			for i, value := range d {
				out[i*points+t*ldv+c] = value
			}
		}
	}
}

// WinogradOutputI8_6x6_4x4 is the loop of its namesake in assembly.
func WinogradOutputI8_6x6_4x4(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32) {
	table := unsafe.Slice(pixels, tiles*16)
	in := unsafe.Slice(m, 35*points+(tiles-1)*ldm+channels)
	var p [36]int32
	var lines [24]int32
	var values [16]int32
	for t := range tiles {
		for c := range channels {
			for i := range p {
				p[i] = in[i*points+t*ldm+c]
			}
			for row := range 6 {
				WinogradOutputI8(lines[4*row:], 1, p[6*row:], 1)
			}
			for column := range 4 {
				WinogradOutputI8(values[column:], 4, lines[column:], 4)
			}
			for i, value := range values {
				if pixel := table[t*16+i]; pixel >= 0 {
					value *= WinogradFactorI8(i/4, i%4)
					*element(y, int(pixel)*pitch+c) = ToU8(float32(value)**element(scale, c) + *element(bias, c))
				}
			}
		}
	}
}

// WinogradInputI8_12 is the loop of its namesake in assembly.
func WinogradInputI8_12(tiles, channels int, x *uint8, pitch int, pixels *int32, zero *uint8, v *int16, ldv, points int) {
	table := unsafe.Slice(pixels, tiles*12)
	out := unsafe.Slice(v, 8*points+(tiles-1)*ldv+2*channels)
	var d [12]int16
	for t := range tiles {
		for c := range channels {
			for i, pixel := range table[t*12:][:12] {
				if pixel < 0 {
					d[i] = int16(*element(zero, c))
				} else {
					d[i] = int16(*element(x, int(pixel)*pitch+c))
				}
			}
			first, second := WinogradInputI8Line((*[9]int16)(d[:9])), WinogradInputI8Line((*[9]int16)(d[3:]))
			for i := range first {
				out[i*points+t*ldv+c], out[i*points+t*ldv+channels+c] = first[i], second[i]
			}
		}
	}
}

// WinogradOutputI8_9_6 is the loop of its namesake in assembly.
func WinogradOutputI8_9_6(tiles, channels int, m *int32, ldm, points int, y *uint8, pitch int, pixels *int32, scale, bias *float32) {
	table := unsafe.Slice(pixels, tiles*6)
	in := unsafe.Slice(m, 8*points+(tiles-1)*ldm+channels)
	var p [9]int32
	for t := range tiles {
		for c := range channels {
			for i := range p {
				p[i] = in[i*points+t*ldm+c]
			}
			for i, value := range WinogradOutputI8Line(&p) {
				if pixel := table[t*6+i]; pixel >= 0 {
					*element(y, int(pixel)*pitch+c) = ToU8(float32(value)**element(scale, c) + *element(bias, c))
				}
			}
		}
	}
}
