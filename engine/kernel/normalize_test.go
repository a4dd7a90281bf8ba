package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
)

// normCase is tensors of pixels and values of channels for every pass. The values that
// ReLU's mask is made of are quarters, so that it is exact and often at zero.
type normCase struct {
	pixels, channels         int
	pitch, pitchDY, pitchOut int
	relu                     bool

	x, dy, out                   guarded
	scale, offset, mean, a, b, d []float32
	before                       float64 // of each sum
	sum, products                []float64
}

func quarters(r *rand.Rand, g guarded) guarded {
	for i, v := range g.s {
		if !math.IsNaN(float64(v)) {
			g.s[i] = float32(r.IntN(17)-8) / 4
		}
	}
	return g
}

func newNormCase(r *rand.Rand, pixels, channels int, relu bool) *normCase {
	n := &normCase{
		pixels: pixels, channels: channels, relu: relu,
		pitch: channels + 7 - channels%5, pitchDY: channels + 3, pitchOut: channels + 5,
		before: 1.5,
	}
	row := func() []float32 { return matrix(r, 1, channels, 0).s }
	n.x = quarters(r, matrix(r, pixels, channels, n.pitch))
	n.dy = matrix(r, pixels, channels, n.pitchDY)
	n.out = newGuarded((pixels-1)*n.pitchOut + channels)
	n.scale, n.offset = quarters(r, matrix(r, 1, channels, 0)).s, quarters(r, matrix(r, 1, channels, 0)).s
	n.mean, n.a, n.b, n.d = row(), row(), row(), row()
	for range channels {
		n.sum, n.products = append(n.sum, n.before), append(n.products, n.before)
	}
	return n
}

// scaled is x*scale+offset of a pixel's channel.
func (n *normCase) scaled(i, c int) float64 {
	return float64(n.x.s[i*n.pitch+c])*float64(n.scale[c]) + float64(n.offset[c])
}

// gradient is dy of a pixel's channel after ReLU's mask.
func (n *normCase) gradient(i, c int) float64 {
	if n.relu && n.scaled(i, c) < 0 {
		return 0
	}
	return float64(n.dy.s[i*n.pitchDY+c])
}

// compareSums compares with the sums of two terms over the pixels from i0.
func (n *normCase) compareSums(t *testing.T, what string, i0 int, term func(i, c int) (first, second float64)) {
	t.Helper()
	for c := range n.channels {
		var sums, magnitudes [2]float64
		for i := i0; i < n.pixels; i++ {
			first, second := term(i, c)
			for at, v := range []float64{first, second} {
				sums[at] += v
				magnitudes[at] += math.Abs(v)
			}
		}
		terms := float64(min(n.pixels, tuning.SumPixels) + 4)
		for at, got := range []float64{n.sum[c] - n.before, n.products[c] - n.before} {
			if bound := terms*0x1p-24*magnitudes[at] + 1e-12; !(math.Abs(got-sums[at]) <= bound) {
				t.Fatalf("%s, %d pixels of %d channels, ReLU %v: sum %d of channel %d is %g, want %g within %g",
					what, n.pixels, n.channels, n.relu, at, c, got, sums[at], bound)
			}
		}
	}
}

// compare compares the output, a sum of terms, from pixel i0 on.
func (n *normCase) compare(t *testing.T, what string, i0 int, terms func(i, c int) []float64) {
	t.Helper()
	for i := range n.pixels {
		for c := range n.channels {
			got := float64(n.out.s[i*n.pitchOut+c])
			want, magnitude := 0.0, 0.0
			for _, v := range terms(i, c) {
				want += v
				magnitude += math.Abs(v)
			}
			if n.relu && what == "normalize" {
				want = max(want, 0)
			}
			if i < i0 {
				if !math.IsNaN(got) {
					t.Fatalf("%s: pixel %d was written", what, i)
				}
			} else if bound := 4 * 0x1p-24 * magnitude; !(math.Abs(got-want) <= bound) {
				t.Fatalf("%s, %d pixels of %d channels, ReLU %v: [%d][%d] is %g, want %g within %g",
					what, n.pixels, n.channels, n.relu, i, c, got, want, bound)
			}
		}
	}
	n.out.checkGaps(t, fmt.Sprintf("%s, %d channels", what, n.channels), n.pixels, n.channels, n.pitchOut)
}

var normPasses = map[string]func(t *testing.T, set *Set, n *normCase, i0 int){
	"statistics": func(t *testing.T, set *Set, n *normCase, i0 int) {
		set.Statistics(n.statistics(), i0, n.pixels)
		n.compareSums(t, "statistics", i0, func(i, c int) (float64, float64) {
			v := float64(n.x.s[i*n.pitch+c]) - float64(n.mean[c])
			return v, v * v
		})
	},
	"normalize": func(t *testing.T, set *Set, n *normCase, i0 int) {
		set.Normalize(n.normalize(), i0, n.pixels)
		n.compare(t, "normalize", i0, func(i, c int) []float64 { return []float64{n.scaled(i, c)} })
	},
	"gradient sums": func(t *testing.T, set *Set, n *normCase, i0 int) {
		set.NormGradientSums(n.gradientSums(), i0, n.pixels)
		n.compareSums(t, "gradient sums", i0, func(i, c int) (float64, float64) {
			v := n.gradient(i, c)
			return v, v * (float64(n.x.s[i*n.pitch+c]) - float64(n.mean[c]))
		})
	},
	"gradient": func(t *testing.T, set *Set, n *normCase, i0 int) {
		set.NormGradient(n.inputGradient(), i0, n.pixels)
		n.compare(t, "gradient", i0, func(i, c int) []float64 {
			return []float64{float64(n.a[c]) * n.gradient(i, c), float64(n.b[c]) * float64(n.x.s[i*n.pitch+c]), float64(n.d[c])}
		})
	},
}

func (n *normCase) statistics() *StatisticsF32 {
	return &StatisticsF32{Channels: n.channels, X: n.x.s, Pitch: n.pitch, Shift: n.mean, Sum: n.sum, Squares: n.products}
}

func (n *normCase) normalize() *NormF32 {
	return &NormF32{
		Channels: n.channels, X: n.x.s, Pitch: n.pitch, Scale: n.scale, Offset: n.offset, ReLU: n.relu,
		Y: n.out.s, PitchY: n.pitchOut,
	}
}

func (n *normCase) gradientSums() *NormGradientSumsF32 {
	return &NormGradientSumsF32{
		Channels: n.channels, X: n.x.s, Pitch: n.pitch, DY: n.dy.s, PitchDY: n.pitchDY, Mean: n.mean,
		ReLU: n.relu, Scale: n.scale, Offset: n.offset, Sum: n.sum, Products: n.products,
	}
}

func (n *normCase) inputGradient() *NormGradientF32 {
	return &NormGradientF32{
		Channels: n.channels, X: n.x.s, Pitch: n.pitch, DY: n.dy.s, PitchDY: n.pitchDY,
		ReLU: n.relu, Scale: n.scale, Offset: n.offset, A: n.a, B: n.b, D: n.d, DX: n.out.s, PitchDX: n.pitchOut,
	}
}

// TestNorm compares every pass with its definition in float64, for every number of
// channels up to two walks over the pixels and one, and for several blocks of pixels and
// of channels.
func TestNorm(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, pass := range normPasses {
			for channels := 1; channels <= 2*64+1; channels++ {
				for _, relu := range []bool{false, true} {
					pass(t, set, newNormCase(r, 1+channels%5, channels, relu), channels%5/4)
				}
			}
			for _, size := range [][2]int{{2*tuning.SumPixels + 3, 37}, {tuning.SumPixels + 1, tuning.SumChannels + 19}, {3, tuning.PassElements/2 + 1}} {
				for _, relu := range []bool{false, true} {
					pass(t, set, newNormCase(r, size[0], size[1], relu), 2)
				}
			}
		}
	})
}

// The variance of numbers that are far from zero is as good as that of others, where the
// shift is near them.
func TestStatisticsFarFromZero(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		const pixels = 10000
		r := rand.New(rand.NewPCG(3, 4))
		x, exact, mean := make([]float32, pixels), 0.0, 0.0
		for i := range x {
			x[i] = 4096 + float32(r.NormFloat64())
			mean += float64(x[i]) / pixels
		}
		for _, v := range x {
			exact += (float64(v) - mean) * (float64(v) - mean) / pixels
		}
		p := &StatisticsF32{Channels: 1, X: x, Pitch: 1, Shift: []float32{4096.5}, Sum: make([]float64, 1), Squares: make([]float64, 1)}
		set.Statistics(p, 0, pixels)
		got := p.Squares[0]/pixels - p.Sum[0]*p.Sum[0]/pixels/pixels
		if math.Abs(got/exact-1) > 1e-5 {
			t.Errorf("the variance is %g, want %g", got, exact)
		}
	})
}

// Not a number stays so through ReLU, forward and backward.
func TestNormKeepsNaN(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		n := newNormCase(rand.New(rand.NewPCG(5, 6)), 2, 70, true)
		nan := float32(math.NaN())
		for c := range n.channels {
			n.x.s[c] = nan
		}
		set.Normalize(n.normalize(), 0, 2)
		gradient := n.inputGradient()
		gradient.DX = make([]float32, len(n.out.s))
		set.NormGradient(gradient, 0, 2)
		set.NormGradientSums(n.gradientSums(), 0, 2)
		for c := range n.channels {
			for what, v := range map[string]float64{
				"the output": float64(n.out.s[c]), "the gradient": float64(gradient.DX[c]), "the sum of products": n.products[c],
			} {
				if !math.IsNaN(v) {
					t.Fatalf("%s of channel %d is %g, want NaN", what, c, v)
				}
			}
			if want := n.before + n.gradient(0, c) + n.gradient(1, c); math.Abs(n.sum[c]-want) > 1e-5 {
				t.Fatalf("the sum of channel %d is %g, want %g", c, n.sum[c], want)
			}
			if math.IsNaN(float64(n.out.s[n.pitchOut+c])) {
				t.Fatalf("channel %d of the second pixel is NaN", c)
			}
		}
	})
}

func TestNormRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	short := func(s *[]float32) { *s = (*s)[:len(*s)-1] }
	panics := func(what string, run func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s too short: no panic", what)
			}
		}()
		run()
	}
	for name, spoil := range map[string]func(n *normCase){
		"X":     func(n *normCase) { short(&n.x.s) },
		"mean":  func(n *normCase) { short(&n.mean) },
		"sum":   func(n *normCase) { n.sum = n.sum[1:] },
		"other": func(n *normCase) { n.products = n.products[1:] },
		"DY":    func(n *normCase) { short(&n.dy.s) },
		"scale": func(n *normCase) { short(&n.scale) },
		"out":   func(n *normCase) { short(&n.out.s) },
		"a":     func(n *normCase) { short(&n.a) },
		"d":     func(n *normCase) { short(&n.d) },
	} {
		n := newNormCase(rand.New(rand.NewPCG(7, 8)), 3, 9, true)
		spoil(n)
		for pass, run := range map[string]struct {
			reads string
			run   func()
		}{
			"statistics":    {"X mean sum other", func() { set.Statistics(n.statistics(), 0, 3) }},
			"normalize":     {"X scale out", func() { set.Normalize(n.normalize(), 0, 3) }},
			"gradient sums": {"X mean sum other DY scale", func() { set.NormGradientSums(n.gradientSums(), 0, 3) }},
			"gradient":      {"X DY scale out a d", func() { set.NormGradient(n.inputGradient(), 0, 3) }},
		} {
			for _, read := range strings.Fields(run.reads) {
				if read == name {
					panics(pass+": "+name, run.run)
				}
			}
		}
	}
	n := newNormCase(rand.New(rand.NewPCG(7, 8)), 3, 9, false)
	n.scale, n.offset = nil, nil
	set.NormGradient(n.inputGradient(), 0, 3) // scale and offset are only for ReLU
	panics("pixels", func() { set.Statistics(n.statistics(), 0, 4) })
}
