package vision

import (
	"image"
	"math"
	"testing"
)

// BenchmarkCentralCrop decodes, resizes and crops a JPEG of ImageNet's usual
// size, with the detail of a photograph.
func BenchmarkCentralCrop(b *testing.B) {
	const width, height = 500, 375
	m := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	grain := noise(width, height)
	for y := range height {
		for x := range width {
			wave := 60*math.Sin(float64(x)/9) + 40*math.Cos(float64(y)/13+float64(x)/31)
			m.Y[y*m.YStride+x] = uint8(128 + wave + float64(grain.row(y)[3*x])/16)
			c := m.COffset(x, y)
			m.Cb[c], m.Cr[c] = uint8(128+wave/3), uint8(128-wave/4)
		}
	}
	file := encode(b, m, encodeJPEG)
	crop := Preprocessing{Size: 299, Crop: 0.875}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		decoded, err := Decode(file, DecodeOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := crop.CentralCrop(decoded); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
