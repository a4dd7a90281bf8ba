package vision

import "math/rand/v2"

// The ranges of the colour distortion (distort_color in TF-slim's
// inception_preprocessing.py).
const (
	maxBrightness        = 32.0 / 255 // added or subtracted
	minFactor, maxFactor = 0.5, 1.5   // of saturation and contrast
	maxHue               = 0.2        // of a turn, either way
)

// distortColour changes pixels in [0,1], R,G,B, at random, and clips them to [0,1]
// again. The changes do not commute, so their order is drawn too, of the four that the
// released code has. Fast mode has two, without hue and contrast, of which the second
// stands for three of the four draws.
func distortColour(pixels []float32, fast bool, random *rand.Rand) {
	uniform := func(low, high float64) float32 { return float32(low + random.Float64()*(high-low)) }
	brightness := func() { brighten(pixels, uniform(-maxBrightness, maxBrightness)) }
	saturation := func() { saturate(pixels, uniform(minFactor, maxFactor)) }
	hue := func() { turnHue(pixels, uniform(-maxHue, maxHue)) }
	contrast := func() { changeContrast(pixels, uniform(minFactor, maxFactor)) }
	orders := [4][]func(){
		{brightness, saturation, hue, contrast},
		{saturation, brightness, contrast, hue},
		{contrast, hue, brightness, saturation},
		{hue, saturation, contrast, brightness},
	}
	if fast {
		second := []func(){saturation, brightness}
		orders = [4][]func(){{brightness, saturation}, second, second, second}
	}
	for _, change := range orders[random.IntN(len(orders))] {
		change()
	}
	for i, v := range pixels {
		pixels[i] = min(max(v, 0), 1)
	}
}

func brighten(pixels []float32, delta float32) {
	for i := range pixels {
		pixels[i] += delta
	}
}

// saturate multiplies the saturation of HSV, (max-min)/max, by a factor, up to 1. Hue
// and max stay, so a channel moves towards max or away from it by the ratio of the
// saturations. A pixel that is not above zero, which brightness leaves, has
// saturation 0: all channels become max, as in TensorFlow.
func saturate(pixels []float32, factor float32) {
	for i := 0; i+2 < len(pixels); i += 3 {
		p := (*[3]float32)(pixels[i:])
		low, high := range3(p)
		ratio, spread := factor, high-low
		if most := max(high, 0); factor*spread > most {
			ratio = most / spread
		}
		p[0] = high - (high-p[0])*ratio
		p[1] = high - (high-p[1])*ratio
		p[2] = high - (high-p[2])*ratio
	}
}

// range3 returns the least and the greatest of three values.
func range3(p *[3]float32) (low, high float32) {
	low, high = p[0], p[1]
	if low > high {
		low, high = high, low
	}
	if p[2] < low {
		low = p[2]
	} else if p[2] > high {
		high = p[2]
	}
	return low, high
}

// turnHue adds delta, in turns, to the hue of HSV; max and min stay.
func turnHue(pixels []float32, delta float32) {
	delta *= 6
	for i := 0; i+2 < len(pixels); i += 3 {
		p := (*[3]float32)(pixels[i:])
		low, high := range3(p)
		if low == high {
			continue
		}
		hue := hueOf(p, 1/(high-low)) + delta
		if hue < 0 {
			hue += 6
		} else if hue >= 6 {
			hue -= 6
		}
		*p = colourOf(hue, low, high)
	}
}

// hueOf returns the hue in sixths of a turn, from -1 to 5: red 0, green 2, blue 4.
// inverse is 1/(max-min).
func hueOf(p *[3]float32, inverse float32) float32 {
	switch r, g, b := p[0], p[1], p[2]; {
	case r >= g && r >= b:
		return (g - b) * inverse
	case g >= b:
		return 2 + (b-r)*inverse
	default:
		return 4 + (r-g)*inverse
	}
}

// colourOf returns the colour of a hue in sixths of a turn, from 0 to 6, whose channels
// reach from low to high.
func colourOf(hue, low, high float32) [3]float32 {
	sixth := int(hue)
	share := hue - float32(sixth) // of the way to the next of the six corners
	rise, fall := low+share*(high-low), high-share*(high-low)
	switch sixth {
	case 0, 6:
		return [3]float32{high, rise, low}
	case 1:
		return [3]float32{fall, high, low}
	case 2:
		return [3]float32{low, high, rise}
	case 3:
		return [3]float32{low, fall, high}
	case 4:
		return [3]float32{rise, low, high}
	default:
		return [3]float32{high, low, fall}
	}
}

// changeContrast multiplies each channel's distance from its mean over the image.
func changeContrast(pixels []float32, factor float32) {
	var sums [3]float64
	for i := 0; i+2 < len(pixels); i += 3 {
		p := (*[3]float32)(pixels[i:])
		sums[0] += float64(p[0])
		sums[1] += float64(p[1])
		sums[2] += float64(p[2])
	}
	var offset [3]float32 // mean*(1-factor)
	for c, sum := range sums {
		offset[c] = float32(sum/float64(len(pixels)/3)) * (1 - factor)
	}
	for i := 0; i+2 < len(pixels); i += 3 {
		p := (*[3]float32)(pixels[i:])
		p[0] = p[0]*factor + offset[0]
		p[1] = p[1]*factor + offset[1]
		p[2] = p[2]*factor + offset[2]
	}
}
