package quantize

import (
	"math"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// round returns the weights as integers with a scale for each channel: of those that cut off
// nothing or a little, the one with the least squared error.
func (f *folded) round() (integers []int8, scales []float32) {
	channels := f.channels()
	most := make([]float32, channels)
	for at, w := range f.weights {
		c := at % channels
		most[c] = max(most[c], float32(math.Abs(float64(w))))
	}
	scales = make([]float32, channels)
	least := make([]float64, channels)
	errors, inverse := make([]float64, channels), make([]float32, channels)
	trial := make([]float32, channels)
	for _, share := range []float32{1, 0.975, 0.95, 0.925, 0.9, 0.85, 0.8} {
		for c := range trial {
			trial[c] = share * most[c] / arch.MaxWeight
			if trial[c] == 0 {
				trial[c] = 1 // of nothing but zeros
			}
			errors[c], inverse[c] = 0, 1/trial[c]
		}
		for at := 0; at < len(f.weights); at += channels {
			for c, w := range f.weights[at : at+channels] {
				d := float64(w - trial[c]*integer(w, inverse[c]))
				errors[c] += d * d
			}
		}
		for c := range trial {
			if share == 1 || errors[c] < least[c] {
				scales[c], least[c] = trial[c], errors[c]
			}
		}
	}
	integers = make([]int8, len(f.weights))
	for at, w := range f.weights {
		c := at % channels
		integers[at] = int8(integer(w, 1/scales[c]))
	}
	return integers, scales
}

// integer is the nearest to a weight, of even ones where two are.
func integer(w, inverse float32) float32 {
	const most = arch.MaxWeight
	// The sum has no bits for what comes behind the point.
	const shift = 3 << 22
	return min(max((w*inverse+shift)-shift, -most), most)
}

// correct takes from the biases what the rounding of the weights adds to the mean of each
// channel, given the means of the input's.
func (f *folded) correct(integers []int8, scales []float32, means []float64) {
	channels := f.channels()
	added := make([]float64, channels)
	for row := range f.rows {
		mean := means[row%f.inputs]
		for c := range channels {
			at := row*channels + c
			added[c] += mean * (float64(integers[at])*float64(scales[c]) - float64(f.weights[at]))
		}
	}
	for c := range added {
		f.biases[c] -= float32(added[c])
	}
}
