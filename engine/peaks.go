package engine

import (
	"sync"
	"time"

	"github.com/gomlx/compute/dtypes"
)

// Peaks are the most that the machine does with the backend's kernels, measured: what the
// operations of programs are compared with.
type Peaks struct {
	// Threads is how many the backend has.
	Threads int `json:"threads"`
	// Float32, BFloat16 and Int8 are the operations a second of one thread, on registers
	// alone; a multiply-add is two. BFloat16 is 0 where the CPU has no instructions for it.
	Float32  float64 `json:"float32"`
	BFloat16 float64 `json:"bfloat16"`
	Int8     float64 `json:"int8"`
	// L1, L2 and Memory are the bytes a second that one thread loads from its first and
	// second cache and from memory; MemoryOfAll is what all threads load from memory
	// together.
	L1          float64 `json:"l1"`
	L2          float64 `json:"l2"`
	Memory      float64 `json:"memory"`
	MemoryOfAll float64 `json:"memory_of_all"`
	// Barrier is how long it takes all threads to begin and to end a piece of work.
	Barrier time.Duration `json:"barrier_ns"`
}

// Of returns the operations a second of all threads that multiply values of a type.
func (p Peaks) Of(d dtypes.DType) float64 {
	one := p.Float32
	switch d {
	case dtypes.BFloat16:
		one = p.BFloat16
	case dtypes.Int8:
		one = p.Int8
	}
	return one * float64(p.Threads)
}

// What is loaded to measure bandwidths: half of the smallest caches that CPUs with these
// instructions have, and more than they have at all.
const (
	inL1     = 16 << 10
	inL2     = 128 << 10
	inMemory = 192 << 20
)

// Peaks measures them, in about two seconds.
func (b *Backend) Peaks() Peaks {
	const each = 150 * time.Millisecond
	k := b.machine.Kernels
	p := Peaks{
		Threads: b.Threads(), Float32: 1e9 * k.PeakF32(each), Int8: 1e9 * k.PeakI8(each),
		L1: k.LoadBandwidth(inL1, each), L2: k.LoadBandwidth(inL2, each), Memory: k.LoadBandwidth(inMemory, each),
		Barrier: b.machine.Barrier(each),
	}
	if k.GemmBF16 != nil {
		p.BFloat16 = 1e9 * k.PeakBF16(each)
	}
	loaded := make([]float64, p.Threads)
	var running sync.WaitGroup
	for thread := range loaded {
		running.Go(func() { loaded[thread] = k.LoadBandwidth(inMemory/p.Threads, 2*each) })
	}
	running.Wait()
	for _, rate := range loaded {
		p.MemoryOfAll += rate
	}
	return p
}
