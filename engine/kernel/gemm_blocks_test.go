package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// Blocks in plain Go: what AMX's do, by the tiles of the generic set, so that what surrounds
// them is tested on every machine.

func blockI8InGo(m, n, steps int, a *uint8, lda int, offsets *int32, b *int8, panel int, c *uint8, ldc int, cb *uint16, ldcb int, places *int32,
	scale, bias *float32, residual *uint16, ldr int, floor, inverse, zeroPoint float32, _ *float32, _ int, _ uintptr, _ int) {
	weights, values := make([]int8, 64*steps*4), make([]uint8, 64*steps)
	for i := range m {
		row := int(*offset(places, i))
		if row < 0 {
			continue
		}
		for step := range steps {
			copy(values[64*step:], unsafe.Slice(offset(a, i*lda+int(*offset(offsets, step))), 64))
		}
		for j := 0; j < n; j += 4 {
			width := min(4, n-j)
			from := unsafe.Slice((*int8)(unsafe.Add(unsafe.Pointer(b), j/32*panel)), 64*steps*32)
			for quad := range 16 * steps {
				copy(weights[quad*16:], from[(quad*32+j%32)*4:][:16])
			}
			generic.GemmI8_2x4(1, width, 16*steps, &values[0], 0, &weights[0], nil, nil, offset(c, row*ldc+j), ldc, offset(cb, row*ldcb+j), ldcb,
				offset(scale, j), offset(bias, j), offset(residual, row*ldr+j), ldr, floor, inverse, zeroPoint, 0, 0)
		}
	}
}

func blockBF16InGo(m, n, steps int, a *uint16, lda int, offsets *int32, b *uint16, panel int, c *uint16, cf *float32, ldc int, places *int32,
	bias *float32, residual *uint16, ldr int, scale, floor float32, sums *float32, _ int, _ uintptr, _, part int) {
	values := make([]uint16, 32*steps)
	for i := range m {
		for step := range steps {
			copy(values[32*step:], unsafe.Slice(offset(a, i*lda+int(*offset(offsets, step))/2), 32))
		}
		for j := range n {
			weights := unsafe.Slice(offset(b, j/32*panel), 32*steps*32)
			sum, acc := offset(sums, 0), float32(0)
			if part != 0 {
				sum = offset(sums, (j/32*32+i)*32+j%32)
			}
			if part&2 != 0 {
				acc = *sum
			}
			for p, v := range values {
				acc += FromBF16(v) * FromBF16(weights[(p/2*32+j%32)*2+p%2])
			}
			row := int(*offset(places, i))
			switch {
			case part&1 != 0:
				*sum = acc
				continue
			case row < 0:
				continue
			}
			if bias != nil {
				acc += *offset(bias, j)
			}
			if residual != nil {
				acc = FromBF16(*offset(residual, row*ldr+j)) + scale*acc
			}
			if !(acc > floor) && acc == acc {
				acc = floor
			}
			if cf == nil {
				*offset(c, row*ldc+j) = ToBF16(acc)
				continue
			}
			if c != nil {
				acc = FromBF16(ToBF16(acc))
			}
			*offset(cf, row*ldc+j) = acc
		}
	}
}

// offset is the address of a later element, nil of nil.
func offset[T any](p *T, elements int) *T {
	if p == nil {
		return nil
	}
	return (*T)(unsafe.Add(unsafe.Pointer(p), elements*int(unsafe.Sizeof(*p))))
}

func copyRowsInGo(m, bytes int, a *byte, lda int, rows *int32, zero, to *byte, pitch int) {
	for i := range m {
		from := offset(a, i*lda)
		if rows != nil {
			if from = zero; *offset(rows, i) >= 0 {
				from = offset(a, int(*offset(rows, i))*lda)
			}
		}
		line := unsafe.Slice(offset(to, i*pitch), wholeSteps(bytes))
		copy(line, unsafe.Slice(from, bytes))
		clear(line[bytes:])
	}
}

func gemmI8InGo() *GemmI8 {
	return &GemmI8{Name: "blocks of I8 in Go", NR: 32, rows: 5, indirectRows: 5, block: blockI8InGo, copyRows: copyRowsInGo}
}

func gemmBF16InGo() *GemmBF16 {
	packing := packingInGo()
	return &GemmBF16{Name: "blocks of BF16 in Go", NR: 32, rows: 5, indirectRows: 5, block: blockBF16InGo, copyRows: copyRowsInGo,
		packing: &packing, convert: conversionBF16{generic.SliceToBF16, generic.SliceFromBF16}}
}

// CopyRows copies what the loop that is its definition does, and touches nothing else.
func TestCopyRows(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		if !set.GemmI8.Blocks() {
			t.Skipf("%s has no AMX", set.ISA)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, size := range []int{1, 2, 4, 63, 64, 65, 128, 200} {
			for _, m := range []int{1, 2, 31, 32, 100} {
				checkCopyRows(t, set.GemmI8.copyRows, r, m, size, false)
				checkCopyRows(t, set.GemmI8.copyRows, r, m, size, true)
			}
		}
	})
}

// checkCopyRows compares rows of a table, or those that follow one another.
func checkCopyRows(t *testing.T, copyRows copyRows, r *rand.Rand, m, size int, table bool) {
	t.Helper()
	lda := prime(size + 1)
	a := matrixU8(r, m+5, size, lda)
	zero := newGuardedOf[uint8](size)
	clear(zero.s)
	var rows *int32
	if table {
		all := make([]int32, m)
		for i := range all {
			all[i] = int32(r.IntN(m+6)) - 1
		}
		rows = &all[0]
	}
	pitch := copyPitch(size)
	got, want := newGuardedOf[uint8](m*pitch), newGuardedOf[uint8](m*pitch)
	copyRows(m, size, &a.s[0], lda, rows, &zero.s[0], &got.s[0], pitch)
	copyRowsInGo(m, size, &a.s[0], lda, rows, &zero.s[0], &want.s[0], pitch)
	what := fmt.Sprintf("%d rows of %d", m, size)
	if !bytes.Equal(got.s, want.s) {
		t.Fatalf("%s differ", what)
	}
	got.check(t, what)
}

// besides is the geometry of a row of m pixels under a window of so many.
func besides(m, taps int) Geometry {
	window := Sliding(Pair{1, taps})
	window.Padding.X = min(1, taps-1)
	return Geometry{Window: window, Images: 1, In: Pair{1, m}, Out: Pair{1, m}}
}

// rowsUnder lists, tap after tap, the pixel that each output pixel reads, or -1.
func rowsUnder(g Geometry) (rows []int32) {
	coordinate := func(i, tap, stride, dilation, padding, apart, size int) int {
		at := i*stride + tap*dilation - padding
		if at < 0 || at%apart != 0 || at/apart >= size {
			return -1
		}
		return at / apart
	}
	for ky := range g.Kernel.Y {
		for kx := range g.Kernel.X {
			for image := range g.Images {
				for y := range g.Out.Y {
					for x := range g.Out.X {
						sy := coordinate(y, ky, g.Stride.Y, g.Dilation.Y, g.Padding.Y, g.InputDilation.Y, g.In.Y)
						sx := coordinate(x, kx, g.Stride.X, g.Dilation.X, g.Padding.X, g.InputDilation.X, g.In.X)
						if sy < 0 || sx < 0 {
							rows = append(rows, -1)
							continue
						}
						rows = append(rows, int32((image*g.In.Y+sy)*g.In.X+sx))
					}
				}
			}
		}
	}
	return rows
}

// walked are geometries of all kinds: those of the networks, and odd ones.
func walked() (all []Geometry) {
	of := func(images int, in, out, kernel, stride, padding Pair, change func(*Window)) {
		w := Sliding(kernel)
		w.Stride, w.Padding = stride, padding
		if change != nil {
			change(&w)
		}
		all = append(all, Geometry{Window: w, Images: images, In: in, Out: out})
	}
	one, two := Square(1), Square(2)
	of(1, Pair{17, 17}, Pair{17, 17}, Square(3), one, one, nil)
	of(2, Pair{9, 13}, Pair{7, 11}, Square(3), one, Pair{}, nil)
	of(2, Pair{35, 35}, Pair{17, 17}, Square(3), two, Pair{}, nil)
	of(3, Pair{8, 9}, Pair{4, 5}, Square(3), two, one, nil)
	of(3, Pair{17, 17}, Pair{17, 17}, Pair{1, 7}, one, Pair{0, 3}, nil)
	of(3, Pair{17, 17}, Pair{17, 17}, Pair{7, 1}, one, Pair{3, 0}, nil)
	of(5, Pair{8, 8}, Pair{8, 8}, Pair{1, 3}, one, Pair{0, 1}, nil)
	of(5, Pair{8, 8}, Pair{8, 8}, Pair{3, 1}, one, Pair{1, 0}, nil)
	of(2, Pair{12, 10}, Pair{12, 10}, Square(5), one, two, nil)
	of(2, Pair{7, 6}, Pair{4, 3}, one, two, Pair{}, nil)
	of(2, Pair{1, 1}, Pair{1, 1}, Square(3), one, one, nil)
	of(1, Pair{2, 3}, Pair{2, 3}, Square(7), one, Square(3), nil)
	of(1, Pair{4, 40}, Pair{3, 20}, Pair{2, 4}, Pair{1, 2}, Pair{0, 1}, nil)
	of(2, Pair{11, 12}, Pair{7, 8}, Square(3), one, Pair{}, func(w *Window) { w.Dilation = two })
	of(2, Pair{11, 12}, Pair{5, 4}, Square(3), Pair{2, 3}, one, func(w *Window) { w.Dilation = Pair{2, 1} })
	of(2, Pair{8, 8}, Pair{17, 17}, Square(3), one, two, func(w *Window) { w.InputDilation = two })
	of(2, Pair{9, 9}, Pair{7, 8}, Square(3), one, Pair{-1, 0}, nil)  // cut off above, padded below
	of(1, Pair{60, 300}, Pair{58, 298}, Square(3), one, Pair{}, nil) // more than is copied at a time
	return all
}

// Under a window blocks read what it tells, whatever rows and panels are asked for at a time, and
// bring it to its place.
func TestWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	eachGemmBF16(t, func(t *testing.T, g *GemmBF16) {
		if !g.Blocks() {
			t.Skip("only blocks walk: other kernels read by Rows")
		}
		for _, geometry := range walked() {
			for _, k := range []int{2, 32, 80, 256 + 64*r.IntN(2)} {
				if geometry.In.Area() > 2000 && k > 32 || testing.Short() && k > 80 {
					continue
				}
				p := newProductBF16(g, productCase{m: geometry.Images * geometry.Out.Area(), n: 1 + r.IntN(2*g.NR), k: k, bias: true,
					residual: r.IntN(2) == 0, relu: true, walk: &geometry}, r)
				what := fmt.Sprintf("%s, %+v of %d channels", g.Name, geometry, k)
				eachPart(r, p.M, g.Panels(p.N), func(i0, i1, p0, p1 int) { p.runBoth(g, i0, i1, p0, p1) })
				for i := range p.M {
					for j := 0; j < p.N; j += 1 + r.IntN(20) {
						p.compare(t, what, i, j, p.residual.s, i*p.LDC+j)
					}
				}
				p.scratch.check(t, what+": Scratch")
				p.c.checkGaps(t, what+": C", p.M, p.N, p.LDC)
			}
		}
	})
	eachGemmI8(t, func(t *testing.T, g *GemmI8) {
		if !g.Blocks() {
			t.Skip("only blocks walk: other kernels read by Rows")
		}
		for _, geometry := range walked() {
			for _, k := range []int{4, 64, 80, 512 + 64*r.IntN(2)} {
				if geometry.In.Area() > 2000 && k > 64 || testing.Short() && k > 80 {
					continue
				}
				pc := randomI8(r, geometry.Images*geometry.Out.Area(), 1+r.IntN(2*g.NR), k, 0)
				pc.walk, pc.inPlace = &geometry, false
				p := newProductI8(g, pc, r)
				what := fmt.Sprintf("%s, %+v, %+v", g.Name, geometry, pc)
				eachPart(r, p.M, g.Panels(p.N), func(i0, i1, p0, p1 int) { g.Run(&p.ProductI8, i0, i1, p0, p1) })
				for i := range p.M {
					for j := 0; j < p.N; j += 1 + r.IntN(20) {
						p.compare(t, what, i, j, i*p.LDR+j, i*p.LDC+j, i*p.LDCB+j)
					}
				}
				p.scratch.check(t, what+": Scratch")
			}
		}
	})
}

// eachPart cuts rows and panels into parts at random.
func eachPart(r *rand.Rand, rows, panels int, do func(i0, i1, p0, p1 int)) {
	cuts := func(n int) []int {
		all := []int{0, n}
		for range r.IntN(3) {
			all = append(all, r.IntN(n+1))
		}
		slices.Sort(all)
		return all
	}
	byRow, byPanel := cuts(rows), cuts(panels)
	for i := range len(byRow) - 1 {
		for j := range len(byPanel) - 1 {
			if byPanel[j] < byPanel[j+1] {
				do(byRow[i], byRow[i+1], byPanel[j], byPanel[j+1])
			}
		}
	}
}
