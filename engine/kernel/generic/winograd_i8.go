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
