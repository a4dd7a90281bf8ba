package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/seed-fb2c0fa6/inception/engine/kernel/generic"
)

// Blocks in plain Go: what AMX's do, by the tiles of the generic set, so that what surrounds
// them is tested on every machine.

func blockI8InGo(m, n, steps int, a *uint8, lda int, b *int8, panel int, c *uint8, ldc int, cf *float32, ldf int,
	scale, bias, residual *float32, ldr int, floor, inverse, zeroPoint float32, _ *float32) {
	weights := make([]int8, 64*steps*4)
	for i := range m {
		for j := 0; j < n; j += 4 {
			width := min(4, n-j)
			from := unsafe.Slice((*int8)(unsafe.Add(unsafe.Pointer(b), j/32*panel)), 64*steps*32)
			for quad := range 16 * steps {
				copy(weights[quad*16:], from[(quad*32+j%32)*4:][:16])
			}
			generic.GemmI8_2x4(1, width, 16*steps, offset(a, i*lda), lda, &weights[0], nil, nil, offset(c, i*ldc+j), ldc, offset(cf, i*ldf+j), ldf,
				offset(scale, j), offset(bias, j), offset(residual, i*ldr+j), ldr, floor, inverse, zeroPoint, 0, 0)
		}
	}
}

func blockBF16InGo(m, n, steps int, a *uint16, lda int, b *uint16, panel int, c *uint16, cf *float32, ldc int,
	bias *float32, residual *uint16, ldr int, scale, floor float32, _ *float32) {
	weights := make([]uint16, 32*steps*4)
	for i := range m {
		for j := 0; j < n; j += 4 {
			width := min(4, n-j)
			from := unsafe.Slice(offset(b, j/32*panel), 32*steps*32)
			for pair := range 16 * steps {
				copy(weights[pair*8:], from[(pair*32+j%32)*2:][:8])
			}
			generic.GemmBF16_2x4(1, width, 16*steps, offset(a, i*lda), lda, &weights[0], offset(c, i*ldc+j), offset(cf, i*ldc+j), ldc,
				offset(bias, j), offset(residual, i*ldr+j), ldr, scale, floor, 0, 0)
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

func gatherInGo(m, taps, bytes int, a *byte, lda int, rows *int32, stride int, zero, to *byte, pitch, end int) {
	for i := range m {
		line := unsafe.Slice(offset(to, i*pitch), end)
		for tap := range taps {
			from := offset(a, i*lda)
			if rows != nil {
				if from = zero; *offset(rows, tap*stride+i) >= 0 {
					from = offset(a, int(*offset(rows, tap*stride+i))*lda)
				}
			}
			copy(line[tap*bytes:], unsafe.Slice(from, bytes))
		}
		clear(line[taps*bytes:])
	}
}

func gemmI8InGo() *GemmI8 {
	return &GemmI8{Name: "blocks of I8 in Go", NR: 32, rows: 5, indirectRows: 5, block: blockI8InGo, gather: gatherInGo}
}

func gemmBF16InGo() *GemmBF16 {
	return &GemmBF16{Name: "blocks of BF16 in Go", NR: 32, rows: 5, indirectRows: 5, block: blockBF16InGo, gather: gatherInGo}
}

// Gather copies what the loop that is its definition does, and touches nothing else.
func TestGather(t *testing.T) {
	eachSet(t, func(t *testing.T, set *Set) {
		if !set.GemmI8.Blocks() {
			t.Skipf("%s has no AMX", set.ISA)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, size := range []int{1, 2, 4, 63, 64, 65, 128, 200} {
			for taps := range 10 {
				for _, m := range []int{1, 2, 31, 32} {
					checkGather(t, set.GemmI8.gather, r, m, taps, size)
				}
			}
		}
	})
}

// checkGather compares rows of taps, or for 0 taps rows that are not looked up.
func checkGather(t *testing.T, gather gatherBytes, r *rand.Rand, m, taps, size int) {
	t.Helper()
	lda, stride := prime(size+1), m+3
	a := matrixU8(r, m+5, size, lda)
	zero := newGuardedOf[uint8](size)
	clear(zero.s)
	var rows *int32
	if taps > 0 {
		table := make([]int32, taps*stride)
		for i := range table {
			table[i] = int32(r.IntN(m+6)) - 1
		}
		rows = &table[0]
	}
	taps = max(taps, 1)
	end, pitch := wholeSteps(taps*size), gatherPitch(taps*size)
	got, want := newGuardedOf[uint8](m*pitch), newGuardedOf[uint8](m*pitch)
	gather(m, taps, size, &a.s[0], lda, rows, stride, &zero.s[0], &got.s[0], pitch, end)
	gatherInGo(m, taps, size, &a.s[0], lda, rows, stride, &zero.s[0], &want.s[0], pitch, end)
	what := fmt.Sprintf("%d rows of %d taps of %d", m, taps, size)
	if !bytes.Equal(got.s, want.s) {
		t.Fatalf("%s differ", what)
	}
	got.check(t, what)
}
