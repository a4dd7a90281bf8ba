package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"
)

// zeroWebP is a lossy WebP file of 16 x 16 pixels whose compressed data are zeros:
// every block is predicted from its surroundings and nothing is added, which makes
// luma 127 to 129 and chroma 128.
func zeroWebP() []byte {
	const partition = 64 // bytes of the first partition, and of the second
	frame := []byte{0, 0, 0}
	tag := uint32(partition<<5 | 1<<4) // a key frame that is shown
	frame[0], frame[1], frame[2] = uint8(tag), uint8(tag>>8), uint8(tag>>16)
	frame = append(frame, 0x9D, 0x01, 0x2A, 16, 0, 16, 0)
	frame = append(frame, make([]byte, 2*partition)...)
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+8+len(frame)))
	out = append(out, "WEBPVP8 "...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
	return append(out, frame...)
}

// TestLossyWebP expects the limited range: luma 128 is (128-16)*255/219 = 130.
func TestLossyWebP(t *testing.T) {
	m, err := Decode(zeroWebP(), DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Width != 16 || m.Height != 16 {
		t.Fatalf("%d x %d", m.Width, m.Height)
	}
	for i, v := range m.Pix {
		if v < 129 || v > 132 {
			t.Fatalf("pixel %d is %v, want 129 to 132", i/3, m.Pix[i/3*3:][:3])
		}
	}
}

// TestLimitedRange has the colour bars of BT.601 (luma 16 to 235, chroma 16 to 240),
// whose RGB is 0 and 255, at full and at no opacity.
func TestLimitedRange(t *testing.T) {
	for name, c := range map[string]struct{ ycbcr, want [3]uint8 }{
		"black":  {[3]uint8{16, 128, 128}, [3]uint8{0, 0, 0}},
		"white":  {[3]uint8{235, 128, 128}, [3]uint8{255, 255, 255}},
		"red":    {[3]uint8{81, 90, 240}, [3]uint8{255, 0, 0}},
		"green":  {[3]uint8{145, 54, 34}, [3]uint8{0, 255, 0}},
		"blue":   {[3]uint8{41, 240, 110}, [3]uint8{0, 0, 255}},
		"beyond": {[3]uint8{255, 128, 128}, [3]uint8{255, 255, 255}},
	} {
		src := image.NewNYCbCrA(image.Rect(0, 0, 5, 3), image.YCbCrSubsampleRatio420)
		for i := range src.Y {
			src.Y[i] = c.ycbcr[0]
		}
		for i := range src.Cb {
			src.Cb[i], src.Cr[i] = c.ycbcr[1], c.ycbcr[2]
		}
		for i := range src.A {
			src.A[i] = 255
		}
		for _, decoded := range []image.Image{src, &src.YCbCr} {
			m := fromWebP(decoded, 0)
			for i, v := range m.Pix {
				if d := int(v) - int(c.want[i%3]); d < -2 || d > 2 {
					t.Errorf("%s, %T: pixel %d is %v, want %v", name, decoded, i/3, m.Pix[i/3*3:][:3], c.want)
					break
				}
			}
		}
		clear(src.A)
		if m := fromWebP(src, AlphaWhite); !bytes.Equal(m.Pix, bytes.Repeat([]uint8{255}, 45)) {
			t.Errorf("%s: transparent is %v, want white", name, m.Pix)
		}
	}
}
