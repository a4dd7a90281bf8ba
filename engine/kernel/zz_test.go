package kernel
import ("testing";"time";"fmt")
func TestZZ(t *testing.T) {
 for _, isa := range []ISA{AVX512,AVX2} {
 set,_ := For(isa)
 for _, cs := range []struct{size,kh,kw,k,n int}{{35,3,3,96,96},{17,1,7,224,256},{8,1,3,384,256}} {
  w := set.Winograd(cs.kh,cs.kw)
  m := cs.size*cs.size; k,n := cs.k,cs.n; pitch:=k+16
		p := &ConvolutionF32{
			Grid: w.Grid(1, cs.size, cs.size, cs.kh/2, cs.kw/2, cs.size, cs.size), K: k, N: n,
			X: random(m * pitch), Pitch: pitch, Zero: make([]float32, k),
			B: w.Pack(random(cs.kh*cs.kw*k*n), k, n),
			Y: make([]float32, m*n), PitchY: n, Bias: random(n), ReLU: true,
		}
  for _, T := range []int{14,28,42,56,p.Grid.Tiles} {
    if T > p.Grid.Tiles {continue}
    scratch := make([]float32, w.Scratch(k,n,T))
    best := [4]time.Duration{1e9,1e9,1e9,1e9}
    bestPeak := 0.0
    for range 60 {
      bestPeak = max(bestPeak, set.PeakF32(1))
      var d [3]time.Duration
      for t0 := 0; t0 < p.Grid.Tiles; t0 += T {
        w.Timed(p, t0, min(t0+T,p.Grid.Tiles), scratch, &d)
      }
      tot := d[0]+d[1]+d[2]
      for i:= range d { best[i]=min(best[i],d[i]) }
      best[3]=min(best[3],tot)
    }
    ops := 2*float64(m*cs.kh*cs.kw*k*n)
    gops := 2*float64(p.Grid.Tiles*w.Points()*k*n)
    fmt.Printf("%s %s T=%d in %v mul %v out %v total %v: %.0f%% of peak %.0f, gemm at %.0f%%\n", isa, w.Name, T, best[0],best[1],best[2],best[3], 100*ops/float64(best[3].Nanoseconds())/bestPeak, bestPeak, 100*gops/float64(best[1].Nanoseconds())/bestPeak)
  }
 }}
}
