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
	values, err := newNormalization(mean, std)
	if err != nil {
		return err
	}
	values.write(dst, m.Pix)
	return nil
}

// A normalization is the value of each level of each channel.
type normalization [3][256]float32

func newNormalization(mean, std [3]float32) (*normalization, error) {
	if err := checkStd(std); err != nil {
		return nil, err
	}
	var n normalization
	for c, s := range std {
		for v := range n[c] {
			n[c][v] = float32((float64(v)/255 - float64(mean[c])) / float64(s))
		}
	}
	return &n, nil
}

func checkStd(std [3]float32) error {
	for c, s := range std {
		if !(s > 0) {
			return fmt.Errorf("channel %d is to be divided by the standard deviation %g, expected a positive one", c, s)
		}
	}
	return nil
}

// write writes the values of pixels.
func (n *normalization) write(to []float32, pixels []uint8) {
	pixels = pixels[:len(to)]
	for i := 0; i+2 < len(to); i += 3 {
		to[i], to[i+1], to[i+2] = n[0][pixels[i]], n[1][pixels[i+1]], n[2][pixels[i+2]]
	}
}

// mirror writes the values of a row of pixels from the last to the first.
func (n *normalization) mirror(to []float32, row []uint8) {
	row = row[:len(to)]
	for i, j := 0, len(row)-3; j >= 0; i, j = i+3, j-3 {
		to[i], to[i+1], to[i+2] = n[0][row[j]], n[1][row[j+1]], n[2][row[j+2]]
	}
}
