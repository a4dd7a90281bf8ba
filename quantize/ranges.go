package quantize

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// Ranges is a way to choose the range of an activation, above which values are cut off.
type Ranges string

const (
	// Max is the largest value that was seen.
	Max Ranges = "max"
	// Percentile leaves a share of the values above the range.
	Percentile Ranges = "percentile"
	// MSE is the range with the least mean squared error.
	MSE Ranges = "mse"
	// KL is the range whose rounded values have the distribution that is nearest to that of
	// the values, by the Kullback-Leibler divergence (Migacz, GTC 2017).
	KL Ranges = "kl"
)

// AllRanges lists all ways.
func AllRanges() []Ranges { return []Ranges{Max, Percentile, MSE, KL} }

// ParseRanges returns the way of the given name.
func ParseRanges(name string) (Ranges, error) {
	if r := Ranges(name); slices.Contains(AllRanges(), r) {
		return r, nil
	}
	var known []string
	for _, r := range AllRanges() {
		known = append(known, string(r))
	}
	return "", fmt.Errorf("unknown ranges %q, expected %s", name, strings.Join(known, ", "))
}

// rangeOf returns the range of a histogram's values, above 0. Those of signed ones are to
// both sides.
func (o Options) rangeOf(h *histogram, signed bool) float64 {
	if h.width == 0 {
		return 1 // of nothing but zeros
	}
	last := bins - 1
	for last > 0 && h.counts[last] == 0 {
		last--
	}
	levels := arch.MaxActivation
	if signed {
		levels = arch.MaxWeight
	}
	switch o.Ranges {
	case Percentile:
		return h.percentile(o.Percentile, last)
	case MSE:
		return h.leastError(levels, last)
	case KL:
		return h.nearest(levels, last)
	}
	return float64(last+1) * h.width
}

// percentile is the upper end of the bin that the share of the values ends in.
func (h *histogram) percentile(share float64, last int) float64 {
	above := float64(h.total()) * (1 - share/100)
	for i := last; i > 0; i-- {
		if above -= float64(h.counts[i]); above < 0 {
			return float64(i+1) * h.width
		}
	}
	return h.width
}

// candidates are ends of ranges, in bins: from a sixteenth of all on, each a little more.
func candidates(last int) []int {
	var all []int
	const steps = 256
	for i := range steps + 1 {
		end := (last + 1) * (steps/16 + i*15/16) / steps
		if end > 0 && (len(all) == 0 || end > all[len(all)-1]) {
			all = append(all, end)
		}
	}
	return all
}

// leastError is the range with the least squared error of values that are rounded to so many
// steps, or cut off.
func (h *histogram) leastError(levels, last int) float64 {
	best, least := last+1, math.Inf(1)
	for _, end := range candidates(last) {
		step := float64(end) / float64(levels) // in bins
		var sum float64
		for i, n := range h.counts[:last+1] {
			if n == 0 {
				continue
			}
			// A bin's values are spread over its width, and so are their roundings where
			// a step is narrower than it.
			v := float64(i) + 0.5
			var square float64
			if v > float64(end) {
				square = (v - float64(end)) * (v - float64(end))
			} else if step < 2 {
				square = step * step / 12
			} else {
				d := v - math.Round(v/step)*step
				square = d * d
			}
			sum += float64(n) * square
		}
		if sum < least {
			best, least = end, sum
		}
	}
	return float64(best) * h.width
}

// nearest is the range with the least divergence of the distribution of rounded values from
// that of the values, of which those above the range are taken for the greatest.
func (h *histogram) nearest(levels, last int) float64 {
	best, least := last+1, math.Inf(1)
	for _, end := range candidates(last) {
		if end < levels {
			continue
		}
		if d := h.divergence(levels, end, last); d < least {
			best, least = end, d
		}
	}
	return float64(best) * h.width
}

func (h *histogram) divergence(levels, end, last int) float64 {
	outside := int64(0)
	for _, n := range h.counts[end : last+1] {
		outside += n
	}
	var total, divergence float64
	for _, n := range h.counts[:last+1] {
		total += float64(n)
	}
	for level := range levels {
		from, to := level*end/levels, (level+1)*end/levels
		var sum int64
		filled := 0
		for _, n := range h.counts[from:to] {
			sum += n
			if n > 0 {
				filled++
			}
		}
		if filled == 0 && level < levels-1 {
			continue
		}
		for i, n := range h.counts[from:to] {
			p, q := float64(n), 0.0
			if filled > 0 {
				q = float64(sum) / float64(filled)
			}
			if from+i == end-1 {
				p += float64(outside)
			}
			if p > 0 {
				divergence += p / total * math.Log(p/max(q, 1e-4))
			}
		}
	}
	return divergence
}
