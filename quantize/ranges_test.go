package quantize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// exponential are values of which a few are far above the others, and a third are zeros.
func exponential(seed uint64, count int) []float32 {
	random := rand.New(rand.NewPCG(seed, 2))
	values := make([]float32, count)
	for i := range values {
		if i%3 > 0 {
			values[i] = float32(random.ExpFloat64())
		}
	}
	return values
}

func histogramOf(parts ...[]float32) *histogram {
	h := &histogram{}
	for _, values := range parts {
		largest := float32(0)
		for _, v := range values {
			largest = max(largest, float32(math.Abs(float64(v))))
		}
		h.add(values, largest)
	}
	return h
}

// TestHistogram counts values that grow, and merges.
func TestHistogram(t *testing.T) {
	a, b := exponential(1, 3000), exponential(2, 5000)
	b = append(b, 100, -120) // far above what came before
	h := histogramOf(a, b)
	if got := h.total(); got != int64(len(a)+len(b)) {
		t.Errorf("%d values were counted of %d", got, len(a)+len(b))
	}
	if end := h.width * bins; end < 120*(1-1e-6) {
		t.Errorf("the bins end at %g, want at least 120", end)
	}
	merged := histogramOf(a)
	merged.merge(histogramOf(b))
	merged.merge(&histogram{})
	if got, want := merged.total(), h.total(); got != want {
		t.Errorf("%d values after merging, want %d", got, want)
	}
	if merged.zeros != h.zeros || h.zeros == 0 {
		t.Errorf("%d zeros after merging, want %d", merged.zeros, h.zeros)
	}
}

// squaredError is that of values rounded to steps up to the end of a range.
func squaredError(values []float32, end float64, levels int) float64 {
	step := end / float64(levels)
	sum := 0.0
	for _, v := range values {
		x := math.Abs(float64(v))
		d := x - min(math.RoundToEven(x/step), float64(levels))*step
		sum += d * d
	}
	return sum
}

// TestTinyHistogram counts values whose bins are narrower than float32 has an inverse for.
func TestTinyHistogram(t *testing.T) {
	var h histogram
	h.add([]float32{1e-38, -5e-39, 0}, 1e-38)
	if h.total() != 3 || h.zeros != 1 {
		t.Errorf("%d values, %d of them zero, want 3 and 1", h.total(), h.zeros)
	}
}

// TestRanges compares each way with its definition on the values themselves.
func TestRanges(t *testing.T) {
	values := append(exponential(3, 200_000), 60)
	h := histogramOf(values)
	sorted := slices.Sorted(slices.Values(values))

	if got := (Options{Ranges: Max}).rangeOf(h, false); math.Abs(got-60) > 0.1 {
		t.Errorf("max is %g, want 60", got)
	}
	for _, share := range []float64{50, 99, 99.9, 100} {
		want := float64(sorted[min(len(sorted)-1, int(share/100*float64(len(sorted))))])
		if got := (Options{Ranges: Percentile, Percentile: share}).rangeOf(h, false); math.Abs(got-want) > 2*h.width+0.01*want {
			t.Errorf("percentile %g is %g, want %g", share, got, want)
		}
	}
	for _, signed := range []bool{false, true} {
		levels := 255
		if signed {
			levels = 127
		}
		got := (Options{Ranges: MSE}).rangeOf(h, signed)
		least := math.Inf(1)
		for end := 4.0; end < 60; end *= 1.02 {
			least = min(least, squaredError(values, end, levels))
		}
		if e := squaredError(values, got, levels); e > 1.05*least {
			t.Errorf("signed %t: the range %g has the squared error %g, the least is %g", signed, got, e, least)
		}
	}
	kl := (Options{Ranges: KL}).rangeOf(h, false)
	if !(kl > 6 && kl < 40) {
		t.Errorf("kl is %g, want it to cut off the value that is far above all others, and few more", kl)
	}
	for _, ranges := range AllRanges() {
		if got := (Options{Ranges: ranges, Percentile: 99}).rangeOf(&histogram{zeros: 5}, false); got != 1 {
			t.Errorf("%s of zeros is %g, want 1", ranges, got)
		}
		one := histogramOf([]float32{2, 2, 2})
		if got := (Options{Ranges: ranges, Percentile: 99}).rangeOf(one, false); math.Abs(got-2) > 0.01 {
			t.Errorf("%s of nothing but 2 is %g", ranges, got)
		}
	}
}

// TestRound expects every weight within half a step, but for what was cut off where that
// makes the sum of squares less.
func TestRound(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const rows, channels = 300, 7
	f := &folded{rows: rows, inputs: rows, weights: make([]float32, rows*channels), biases: make([]float32, channels)}
	for at := range f.weights {
		if at%channels != 3 { // which has nothing but zeros
			f.weights[at] = float32(random.NormFloat64() * math.Pow(10, float64(at%channels)-3))
		}
	}
	integers, scales := f.round()
	for c := range channels {
		most, squares, plain := 0.0, 0.0, 0.0
		for row := range rows {
			most = max(most, math.Abs(float64(f.weights[row*channels+c])))
		}
		for row := range rows {
			w := float64(f.weights[row*channels+c])
			d := w - float64(integers[row*channels+c])*float64(scales[c])
			squares += d * d
			step := most / 127
			p := 0.0
			if step > 0 {
				p = w - math.RoundToEven(w/step)*step
			}
			plain += p * p
			if math.Abs(d) > 0.501*float64(scales[c]) && math.Abs(float64(integers[row*channels+c])) < 127 {
				t.Fatalf("channel %d: %g became %d times %g", c, w, integers[row*channels+c], scales[c])
			}
		}
		if !(scales[c] > 0) || squares > plain*(1+1e-4) {
			t.Errorf("channel %d has the scale %g and the squared error %g, without cutting off %g", c, scales[c], squares, plain)
		}
	}
	// The mean of what the rounded weights give is that of the weights, with the biases.
	means := make([]float64, rows)
	for i := range means {
		means[i] = random.Float64()
	}
	f.correct(integers, scales, means)
	for c := range channels {
		want, got, size := 0.0, float64(f.biases[c]), 0.0
		for row := range rows {
			at := row*channels + c
			want += means[row] * float64(f.weights[at])
			got += means[row] * float64(integers[at]) * float64(scales[c])
			size += means[row] * math.Abs(float64(f.weights[at]))
		}
		if math.Abs(got-want) > 1e-5*size {
			t.Errorf("channel %d has the mean %g, want %g", c, got, want)
		}
	}
}
