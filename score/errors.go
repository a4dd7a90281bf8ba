package score

import "math"

// Errors is how many of a number of images were classified wrongly.
type Errors struct {
	Count  int `json:"errors"`
	Images int `json:"images"`
	// Rate is Count/Images, between the Low and High ends of its 95% interval
	// (Wilson 1927); shares, not percent.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// z is the 97.5% quantile of the normal distribution.
const z = 1.959963984540054

// ErrorsOf returns the rate and its Wilson score interval. Without images the rate is 0
// and the interval is everything.
func ErrorsOf(count, images int) Errors {
	if images == 0 {
		return Errors{High: 1}
	}
	n, p := float64(images), float64(count)/float64(images)
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	e := Errors{count, images, p, max(centre-half, 0), min(centre+half, 1)}
	// At the ends the interval's formula is exact, but its floating-point value is not.
	if count == 0 {
		e.Low = 0
	}
	if count == images {
		e.High = 1
	}
	return e
}
