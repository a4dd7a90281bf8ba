package quantize

import "math"

// bins is how many a histogram has.
const bins = 4096

// A histogram counts absolute values in bins of one width from 0 on. Where larger ones come,
// bins are joined in pairs.
type histogram struct {
	width  float64 // of a bin; 0 where nothing but zeros has been counted
	counts [bins]int64
	zeros  int64 // values of exactly 0, which are not in the bins
}

// add counts values, none of which is above largest.
func (h *histogram) add(values []float32, largest float32) {
	h.reach(float64(largest))
	inverse := float32(0)
	if h.width > 0 {
		inverse = float32(min(1/h.width, math.MaxFloat32))
	}
	for _, v := range values {
		if v < 0 {
			v = -v
		}
		if v == 0 {
			h.zeros++
			continue
		}
		h.counts[min(int(v*inverse), bins-1)]++
	}
}

// reach makes the bins wide enough.
func (h *histogram) reach(largest float64) {
	if h.width == 0 {
		h.width = largest / bins
		return
	}
	for largest > h.width*bins*(1+1e-6) {
		for i := range bins / 2 {
			h.counts[i] = h.counts[2*i] + h.counts[2*i+1]
		}
		clear(h.counts[bins/2:])
		h.width *= 2
	}
}

// total is how many values were counted.
func (h *histogram) total() int64 {
	total := h.zeros
	for _, n := range h.counts {
		total += n
	}
	return total
}

// merge adds another's counts, as if all the values of a bin were in its middle.
func (h *histogram) merge(other *histogram) {
	h.zeros += other.zeros
	if other.width == 0 {
		return
	}
	h.reach(other.width * bins)
	for i, n := range other.counts {
		h.counts[min(int((float64(i)+0.5)*other.width/h.width), bins-1)] += n
	}
}
