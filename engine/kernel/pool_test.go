package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// windowsOf lays windows of pooling: images, in, out, window, stride, padding.
func windowsOf(g [11]int) *Windows {
	window := Sliding(Pair{g[5], g[6]})
	window.Stride, window.Padding = Pair{g[7], g[8]}, Pair{g[9], g[10]}
	return NewWindows(Geometry{Window: window, Images: g[0], In: Pair{g[1], g[2]}, Out: Pair{g[3], g[4]}})
}

// poolingType is how pooling of a type is tested.
type poolingType[T float32 | uint16 | uint8] struct {
	pool     func(set *Set, p *Pooling[T], i0, i1 int)
	matrix   func(r *rand.Rand, rows, width, stride int) guardedOf[T]
	value    func(v T) float64
	rounding float64 // of a result, relative
	walk     int     // most channels that one walk over the pixels takes
	integers bool    // unsigned ones of 8 bits
}

var (
	poolingF32  = poolingType[float32]{(*Set).Pool, matrix, func(v float32) float64 { return float64(v) }, 0, 64, false}
	poolingBF16 = poolingType[uint16]{(*Set).PoolBF16, matrixBF16, func(v uint16) float64 { return float64(FromBF16(v)) }, 0x1p-8, 128, false}
	poolingU8   = poolingType[uint8]{(*Set).PoolU8, matrixU8, func(v uint8) float64 { return float64(v) }, 0, 256, true}
)

func TestPool(t *testing.T)     { testPool(t, poolingF32) }
func TestPoolBF16(t *testing.T) { testPool(t, poolingBF16) }
func TestPoolU8(t *testing.T)   { testPool(t, poolingU8) }

// testPool compares with the definition, for every number of channels up to two walks
// over the pixels and one, at prime pitches.
func testPool[T float32 | uint16 | uint8](t *testing.T, of poolingType[T]) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for channels := 1; channels <= 2*of.walk+1; channels++ {
			g := [][11]int{ // images, in, out, window, stride, padding
				{2, 5, 7, 2, 3, 3, 3, 2, 2, 0, 0},
				{1, 4, 5, 4, 5, 3, 3, 1, 1, 1, 1},
				{2, 3, 3, 1, 1, 3, 3, 1, 1, 0, 0},
				{1, 2, 3, 2, 3, 1, 1, 1, 1, 0, 0},
			}[channels%4]
			w := windowsOf(g)
			pitch := prime(channels + 1)
			pitchY := prime(pitch + 1)
			x, y := of.matrix(r, g[0]*g[1]*g[2], channels, pitch), newGuardedOf[T]((w.Outputs()-1)*pitchY+channels)
			p := &Pooling[T]{Windows: w, Channels: channels, X: x.s, Pitch: pitch, Y: y.s, PitchY: pitchY}
			if channels%3 > 0 {
				p.Weights = matrix(r, 1, w.Outputs(), 0).s
				p.ReLU = channels%2 > 0
				if of.integers {
					for i, w := range p.Weights {
						p.Weights[i] = 0.1 * max(w, -w)
					}
				} else if channels%5 > 0 {
					p.Bias = matrix(r, 1, channels, 0).s
				}
			}
			of.pool(set, p, 0, w.Outputs())
			i := 0
			for image := range g[0] {
				for oy := range g[3] {
					for ox := range g[4] {
						for c := range channels {
							largest, sum, magnitude := math.Inf(-1), 0.0, 0.0
							for ky := range g[5] {
								for kx := range g[6] {
									iy, ix := oy*g[7]+ky-g[9], ox*g[8]+kx-g[10]
									if iy < 0 || iy >= g[1] || ix < 0 || ix >= g[2] {
										continue
									}
									v := of.value(x.s[((image*g[1]+iy)*g[2]+ix)*pitch+c])
									largest, sum, magnitude = max(largest, v), sum+v, magnitude+math.Abs(v)
								}
							}
							want, bound := largest, 0.0
							if p.Weights != nil {
								weight := float64(p.Weights[i])
								want, magnitude = weight*sum, math.Abs(weight)*magnitude
								if p.Bias != nil {
									want, magnitude = want+float64(p.Bias[c]), magnitude+math.Abs(float64(p.Bias[c]))
								}
								if p.ReLU {
									want = max(want, 0)
								}
								bound = float64(g[5]*g[6]+3) * 0x1p-24 * magnitude
								bound += of.rounding * (math.Abs(want) + bound)
							}
							if of.integers {
								low, high := roundings(want, bound)
								want, bound = (low+high)/2, (high-low)/2
							}
							if got := of.value(y.s[i*pitchY+c]); !(math.Abs(got-want) <= bound) {
								t.Fatalf("%d channels, geometry %v: pixel %d channel %d is %g, want %g", channels, g, i, c, got, want)
							}
						}
						i++
					}
				}
			}
			y.checkGaps(t, fmt.Sprintf("%d channels: Y", channels), w.Outputs(), channels, pitchY)
		}
	})
}

func TestPoolU8Refuses(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		size := 3
		expectPanics(t, map[string]func(p *PoolingU8){
			"weight": func(p *PoolingU8) { p.Weights[4] = -1 },
			"Bias":   func(p *PoolingU8) { p.Bias = make([]float32, 5) },
			"window": func(*PoolingU8) { size = 17 },
		}, func(spoil func(p *PoolingU8)) {
			size = 3
			p := &PoolingU8{Channels: 5, X: make([]uint8, 17*17*5), Pitch: 5, Y: make([]uint8, 17*17*5), PitchY: 5, Weights: make([]float32, 17*17)}
			spoil(p)
			p.Windows = windowsOf([11]int{1, 17, 17, 17, 17, size, size, 1, 1, size / 2, size / 2})
			set.PoolU8(p, 0, 17*17)
		})
	})
}

// Part of the pixels leave the others alone.
func TestPoolRange(t *testing.T) {
	testPoolRange(t, poolingF32)
	testPoolRange(t, poolingBF16)
}

func testPoolRange[T float32 | uint16](t *testing.T, of poolingType[T]) {
	eachSet(t, func(t *testing.T, set *Set) {
		w := windowsOf([11]int{1, 5, 5, 5, 5, 3, 3, 1, 1, 1, 1})
		r := rand.New(rand.NewPCG(3, 4))
		for _, weights := range [][]float32{nil, matrix(r, 1, 25, 0).s} {
			y := newGuardedOf[T](24*29 + 23)
			of.pool(set, &Pooling[T]{Windows: w, Channels: 23, X: of.matrix(r, 25, 23, 29).s, Pitch: 29, Y: y.s, PitchY: 29, Weights: weights}, 7, 18)
			for i := range 25 {
				for c := range 23 {
					if written := !y.kept(i*29 + c); written != (i >= 7 && i < 18) {
						t.Fatalf("pixel %d, channel %d: written %t", i, c, written)
					}
				}
			}
			y.checkGaps(t, "Y", 25, 23, 29)
		}
	})
}

func TestPoolRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	last := 9
	expectPanics(t, map[string]func(p *PoolingF32){
		"X":         func(p *PoolingF32) { p.X = p.X[:len(p.X)-1] },
		"Y":         func(p *PoolingF32) { p.Y = p.Y[:len(p.Y)-1] },
		"Weights":   func(p *PoolingF32) { p.Weights = p.Weights[1:] },
		"Bias":      func(p *PoolingF32) { p.Bias = make([]float32, 4) },
		"Channels":  func(p *PoolingF32) { p.Channels = 0 },
		"Pitch":     func(p *PoolingF32) { p.Pitch = -5 },
		"PitchY":    func(p *PoolingF32) { p.PitchY = -5 },
		"pixels":    func(*PoolingF32) { last = 10 },
		"no window": func(*PoolingF32) { windowsOf([11]int{1, 3, 3, 4, 4, 1, 1, 1, 1, 0, 0}) },
	}, func(spoil func(p *PoolingF32)) {
		last = 9
		w := windowsOf([11]int{1, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1})
		p := &PoolingF32{Windows: w, Channels: 5, X: make([]float32, 45), Pitch: 5, Y: make([]float32, 45), PitchY: 5, Weights: make([]float32, 9)}
		spoil(p)
		set.Pool(p, 0, last)
	})
}
