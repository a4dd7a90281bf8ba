package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestPoolGradient compares with the definition, for every number of channels up to two
// walks over the pixels and one, at prime pitches. The values are few, so that windows
// often have several maxima, and some are not a number.
func TestPoolGradient(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for channels := 1; channels <= 2*64+1; channels++ {
			g := [][11]int{ // images, in, out, window, stride, padding
				{2, 5, 7, 2, 3, 3, 3, 2, 2, 0, 0},
				{1, 4, 5, 4, 5, 3, 3, 1, 1, 1, 1},
				{2, 8, 6, 3, 2, 5, 4, 2, 3, 1, 1},
				{1, 2, 3, 2, 3, 1, 1, 1, 1, 0, 0},
			}[channels%4]
			w := windowsOf(g)
			pixels := g[0] * g[1] * g[2]
			p := &PoolingGradientF32{
				Windows: w, Channels: channels, Pitch: channels + 7 - channels%5, PitchDY: channels + 3, PitchDX: channels + 5,
			}
			x := quarters(r, matrix(r, pixels, channels, p.Pitch))
			for i := range x.s {
				if r.IntN(50) == 0 {
					x.s[i] = float32(math.NaN())
				}
			}
			dx := matrix(r, pixels, channels, p.PitchDX)
			p.X, p.DY, p.DX = x.s, matrix(r, w.Outputs(), channels, p.PitchDY).s, dx.s
			if channels%3 == 0 {
				p.Weights, p.X = matrix(r, 1, w.Outputs(), 0).s, nil
			}
			c0, c1 := channels/5, channels-channels/7
			want, bound := make([]float64, len(dx.s)), make([]float64, len(dx.s))
			for i, v := range dx.s {
				want[i], bound[i] = float64(v), math.Abs(float64(v))
			}
			add := func(at int, v float64) {
				want[at] += v
				bound[at] += math.Abs(v)
			}
			i := 0
			for image := range g[0] {
				for oy := range g[3] {
					for ox := range g[4] {
						for c := c0; c < c1; c++ {
							dy, best, largest := float64(p.DY[i*p.PitchDY+c]), -1, math.Inf(-1)
							for ky := range g[5] {
								for kx := range g[6] {
									iy, ix := oy*g[7]+ky-g[9], ox*g[8]+kx-g[10]
									if iy < 0 || iy >= g[1] || ix < 0 || ix >= g[2] {
										continue
									}
									pixel := (image*g[1]+iy)*g[2] + ix
									if p.Weights != nil {
										add(pixel*p.PitchDX+c, float64(p.Weights[i])*dy)
									} else if v := float64(p.X[pixel*p.Pitch+c]); best < 0 || v > largest || v != v {
										best, largest = pixel, v
									}
								}
							}
							if p.Weights == nil {
								add(best*p.PitchDX+c, dy)
							}
						}
						i++
					}
				}
			}
			half := w.Outputs() / 2
			set.PoolGradient(p, 0, half, c0, c1)
			set.PoolGradient(p, half, w.Outputs(), c0, c1)
			for pixel := range pixels {
				for c := range channels {
					at := pixel*p.PitchDX + c
					limit := float64(g[5]*g[6]+2) * 0x1p-24 * bound[at]
					if got := float64(dx.s[at]); !(math.Abs(got-want[at]) <= limit) {
						t.Fatalf("%d channels, geometry %v: pixel %d channel %d is %g, want %g", channels, g, pixel, c, got, want[at])
					}
				}
			}
			dx.checkGaps(t, fmt.Sprintf("%d channels: DX", channels), pixels, channels, p.PitchDX)
		}
	})
}

func TestPoolGradientRefusesShortSlices(t *testing.T) {
	set, err := For(Available()[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(p *PoolingGradientF32){
		"X":        func(p *PoolingGradientF32) { p.X, p.Weights = p.X[:len(p.X)-1], nil },
		"DY":       func(p *PoolingGradientF32) { p.DY = p.DY[:len(p.DY)-1] },
		"DX":       func(p *PoolingGradientF32) { p.DX = p.DX[:len(p.DX)-1] },
		"Weights":  func(p *PoolingGradientF32) { p.Weights = p.Weights[1:] },
		"Channels": func(p *PoolingGradientF32) { p.Channels-- },
	} {
		p := &PoolingGradientF32{
			Windows: windowsOf([11]int{1, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1}), Channels: 5, X: make([]float32, 45), Pitch: 5,
			DY: make([]float32, 45), PitchDY: 5, DX: make([]float32, 45), PitchDX: 5, Weights: make([]float32, 9),
		}
		set.PoolGradient(p, 0, 9, 0, 5)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s too short: no panic", name)
				}
			}()
			spoil(p)
			set.PoolGradient(p, 0, 9, 0, 5)
		}()
	}
}
