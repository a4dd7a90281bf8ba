package replica

import "math"

// round rounds values to bfloat16, to the nearest and to even.
func round(dst []uint16, values []float32) {
	for i, v := range values {
		bits := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(bits>>16) | 1<<6 // still not a number
			continue
		}
		dst[i] = uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
}

func wide(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

func widen(dst []float32, values []uint16) {
	for i, v := range values {
		dst[i] = wide(v)
	}
}
