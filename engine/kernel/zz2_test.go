package kernel
import ("time"; "math")
func (w *WinogradF32) Timed(p *ConvolutionF32, t0, t1 int, scratch []float32, d *[3]time.Duration) {
	p.check(w, t0, t1, len(scratch))
	if t0 == t1 {
		return
	}
	now := time.Now()
	tiles, points := t1-t0, w.Points()
	l := w.layout(p.K, p.N, tiles)
	v, m := scratch[:points*l.pointsV], scratch[points*l.pointsV:]
	for t := 0; t < tiles; t += tilesPerCall {
		w.input(min(tilesPerCall, tiles-t), p.K, &p.X[0], p.Pitch, &p.Grid.in[(t0+t)*points], &p.Zero[0],
			&v[t*l.ldv], l.ldv, l.pointsV, &w.toPoints[0])
	}
	d[0] += time.Since(now); now = time.Now()
	panels := w.gemm.Panels(p.N)
	size := panels * p.K * w.gemm.NR
	for point := range points {
		w.gemm.Run(&ProductF32{
			M: tiles, N: p.N, K: p.K,
			A: v[point*l.pointsV:], LDA: l.ldv,
			B: p.B[point*size:],
			C: m[point*l.pointsM:], LDC: l.ldm,
		}, 0, tiles, 0, panels)
	}
	d[1] += time.Since(now); now = time.Now()
	floor := float32(math.Inf(-1))
	if p.ReLU {
		floor = 0
	}
	outputs := len(p.Grid.out) / p.Grid.Tiles
	for t := 0; t < tiles; t += tilesPerCall {
		w.output(min(tilesPerCall, tiles-t), p.N, &m[t*l.ldm], l.ldm, l.pointsM,
			&p.Y[0], p.PitchY, &p.Grid.out[(t0+t)*outputs],
			at(p.Bias, 0), at(p.Residual, 0), p.PitchR, p.Scale, floor, &w.fromPoints[0])
	}
	d[2] += time.Since(now)
}
