package onnx

import (
	"encoding/binary"
	"math"
	"testing"
)

// TestRoundToBFloat16 compares with IEEE 754's rounding to nearest, to even where two are.
func TestRoundToBFloat16(t *testing.T) {
	for bits, want := range map[uint32]uint16{
		0x3f800000: 0x3f80, 0x3f808000: 0x3f80, 0x3f808001: 0x3f81, 0x3f818000: 0x3f82, 0xbf818000: 0xbf82,
		0x3f807fff: 0x3f80, 0x00000001: 0x0000, 0x80000000: 0x8000, 0x7f7fffff: 0x7f80, 0x7f800000: 0x7f80,
		0x7f800001: 0x7fc0, 0xffffffff: 0xffff,
	} {
		data := roundToBFloat16([]float32{math.Float32frombits(bits)})
		if got := binary.LittleEndian.Uint16(data); got != want {
			t.Errorf("%#08x is rounded to %#04x, want %#04x", bits, got, want)
		}
	}
}
