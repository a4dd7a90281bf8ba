package vision

import "fmt"

// Normalize writes the image as height, width, channels into dst, which has
// Width*Height*3 values: each channel in [0,1], less its mean, divided by its
// standard deviation. It refuses another length and a deviation that is not positive.
func Normalize(dst []float32, m *Image, mean, std [3]float32) error {
	if len(dst) != len(m.Pix) || len(m.Pix) != m.Width*m.Height*3 {
		return fmt.Errorf("an image of %d x %d pixels is to be normalised from %d bytes into %d values, expected %d of each",
			m.Width, m.Height, len(m.Pix), len(dst), m.Width*m.Height*3)
	}
	for c, s := range std {
		if !(s > 0) {
			return fmt.Errorf("channel %d is to be divided by the standard deviation %g, expected a positive one", c, s)
		}
	}
	var table [3][256]float32
	for c := range table {
		for v := range table[c] {
			table[c][v] = float32((float64(v)/255 - float64(mean[c])) / float64(std[c]))
		}
	}
	for i := 0; i+2 < len(dst); i += 3 {
		dst[i], dst[i+1], dst[i+2] = table[0][m.Pix[i]], table[1][m.Pix[i+1]], table[2][m.Pix[i+2]]
	}
	return nil
}
