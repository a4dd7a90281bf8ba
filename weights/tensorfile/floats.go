package tensorfile

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// FromF32 fills dst from little-endian src of 4*len(dst) bytes at any alignment, as the
// functions after it do from the other types of numbers.
func FromF32(dst []float32, src []byte) {
	copy(BytesOf(dst), src)
	SwapIfBigEndian(dst)
}

// FromBF16 widens bfloat16, the upper half of a float32: exact.
func FromBF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for len(dst) >= 4 && len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src) // four values a load
		dst[0] = math.Float32frombits(uint32(w) << 16)
		dst[1] = math.Float32frombits(uint32(w) &^ 0xffff)
		dst[2] = math.Float32frombits(uint32(w>>32) << 16)
		dst[3] = math.Float32frombits(uint32(w>>32) &^ 0xffff)
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// FromF16 widens IEEE binary16: exact.
func FromF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for len(dst) >= 4 && len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		dst[0] = float16(uint32(w) & 0xffff)
		dst[1] = float16(uint32(w) >> 16)
		dst[2] = float16(uint32(w>>32) & 0xffff)
		dst[3] = float16(uint32(w >> 48))
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = float16(uint32(binary.LittleEndian.Uint16(src[2*i:])))
	}
}

// float16 widens IEEE binary16: sign 1, exponent 5 (bias 15), fraction 10 bits.
// NaNs keep their payload.
func float16(h uint32) float32 {
	const rebias = (127 - 15) << 23
	sign := h & 0x8000 << 16
	magnitude := h & 0x7fff << 13
	// One test takes exponents 1 to 30 through: 0 wraps around to the top.
	if magnitude-1<<23 < 30<<23 {
		return math.Float32frombits(sign | magnitude + rebias)
	}
	if magnitude >= 31<<23 { // infinity or NaN: exponent 31 becomes 255
		return math.Float32frombits(sign | magnitude + 2*rebias)
	}
	// Zero or subnormal: fraction * 2^-24, exact in float32.
	return math.Float32frombits(sign | math.Float32bits(float32(h&0x3ff)*0x1p-24))
}

// FromF64 rounds to nearest, to an infinity beyond the range of float32.
func FromF64(dst []float32, src []byte) {
	src = src[:8*len(dst)]
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

// BytesOf returns the memory of v in the machine's own byte order.
func BytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// Int8Bytes returns the memory of v.
func Int8Bytes(v []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

// SwapIfBigEndian turns v between the machine's byte order and little-endian.
func SwapIfBigEndian(v []float32) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return
	}
	for i, x := range v {
		v[i] = math.Float32frombits(bits.ReverseBytes32(math.Float32bits(x)))
	}
}
