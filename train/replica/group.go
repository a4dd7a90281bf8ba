package replica

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// A Wire is how gradients are sent.
type Wire int

const (
	// Float32 is exact.
	Float32 Wire = iota
	// BFloat16 halves what is sent: each replica's gradients are rounded, and so are their
	// sums, which are made in float32.
	BFloat16
)

var wires = []string{"float32", "bfloat16"}

// String returns float32 or bfloat16.
func (w Wire) String() string { return wires[w] }

// ParseWire takes what String returns.
func ParseWire(name string) (Wire, error) {
	for i, known := range wires {
		if name == known {
			return Wire(i), nil
		}
	}
	return 0, fmt.Errorf("gradients are sent as float32 or bfloat16, found %q", name)
}

// A Group is a replica's view of all. Its methods are called by all replicas in the same
// order, from one goroutine at a time.
type Group struct {
	transport Transport
	wire      Wire
	sum       []float32 // of the part that this replica adds up
	received  []float32
	bits      [3][]uint16 // what is sent, received, and added up, as bfloat16
}

// New returns the group of a transport's replicas.
func New(t Transport, wire Wire) *Group { return &Group{transport: t, wire: wire} }

// Rank is the number of this replica, from 0, of Size.
func (g *Group) Rank() int { return g.transport.Rank() }

// Size is the number of replicas.
func (g *Group) Size() int { return g.transport.Size() }

// First reports whether this replica has the rank 0, and so what there is one of.
func (g *Group) First() bool { return g.Rank() == 0 }

// Sum replaces values by their sums over all replicas, added in the order of the ranks:
// (v0 + v1) + v2. Each replica adds up a part, which all then collect. It waits for all
// without keeping a core busy, which may be computing the next gradients.
func (g *Group) Sum(values []float32) error {
	if g.Size() == 1 && g.wire == Float32 {
		return nil
	}
	if err := g.transport.Wait(); err != nil {
		return g.failed("wait for the others' gradients", err)
	}
	sizes := make([]int, g.Size())
	for r := range sizes {
		sizes[r] = (r+1)*len(values)/g.Size() - r*len(values)/g.Size()
	}
	if g.wire == BFloat16 {
		return g.sumRounded(values, sizes)
	}
	own := sizes[g.Rank()]
	g.received, g.sum = room(g.received, own*g.Size()), room(g.sum, own)
	if err := g.transport.Exchange(bytesOf(values), times(4, sizes), bytesOf(g.received), same(4*own, g.Size())); err != nil {
		return g.failed("exchange gradients", err)
	}
	copy(g.sum, g.received[:own])
	for r := 1; r < g.Size(); r++ {
		for i, v := range g.received[r*own:][:own] {
			g.sum[i] += v
		}
	}
	return g.failed("collect gradients", g.transport.Collect(bytesOf(g.sum), bytesOf(values), times(4, sizes)))
}

// sumRounded is Sum with bfloat16 on the wire. A replica's own part is rounded as well, so
// that the sum does not depend on who makes it.
func (g *Group) sumRounded(values []float32, sizes []int) error {
	own := sizes[g.Rank()]
	g.bits[0], g.bits[1], g.bits[2] = room(g.bits[0], len(values)), room(g.bits[1], own*g.Size()), room(g.bits[2], own)
	all, received, sum := g.bits[0], g.bits[1], g.bits[2]
	round(all, values)
	if err := g.transport.Exchange(bytesOf(all), times(2, sizes), bytesOf(received), same(2*own, g.Size())); err != nil {
		return g.failed("exchange gradients", err)
	}
	g.sum = room(g.sum, own)
	widen(g.sum, received[:own])
	for r := 1; r < g.Size(); r++ {
		for i, v := range received[r*own:][:own] {
			g.sum[i] += wide(v)
		}
	}
	round(sum, g.sum)
	if err := g.transport.Collect(bytesOf(sum), bytesOf(all), times(2, sizes)); err != nil {
		return g.failed("collect gradients", err)
	}
	widen(values, all)
	return nil
}

// Gather returns the values of all replicas, of which each has as many, by rank.
func (g *Group) Gather(own []float32) ([]float32, error) { return g.gather(g.transport, own) }

func (g *Group) gather(from Collector, own []float32) ([]float32, error) {
	all := make([]float32, len(own)*g.Size())
	err := from.Collect(bytesOf(own), bytesOf(all), same(4*len(own), g.Size()))
	return all, g.failed("gather values", err)
}

// Beside returns a Gather that has an order of its own among all replicas: it may be called
// while the group's methods are.
func (g *Group) Beside() (gather func(own []float32) ([]float32, error), err error) {
	if err := g.transport.Wait(); err != nil {
		return nil, g.failed("wait for the others", err)
	}
	beside, err := g.transport.Beside()
	if err != nil {
		return nil, g.failed("open a second way to gather values", err)
	}
	return func(own []float32) ([]float32, error) { return g.gather(beside, own) }, nil
}

// Agree reports whether any replica says yes. It waits for all without keeping a core busy.
func (g *Group) Agree(yes bool) (bool, error) {
	if err := g.transport.Wait(); err != nil {
		return false, g.failed("wait for the others", err)
	}
	own := []float32{0}
	if yes {
		own[0] = 1
	}
	all, err := g.Gather(own)
	for _, v := range all {
		yes = yes || v != 0
	}
	return yes, err
}

// Texts returns a text of each replica, by rank.
func (g *Group) Texts(own string) ([]string, error) {
	lengths := make([]byte, 8*g.Size())
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(own)))
	if err := g.transport.Collect(length, lengths, same(8, g.Size())); err != nil {
		return nil, g.failed("gather texts", err)
	}
	sizes, total := make([]int, g.Size()), 0
	for r := range sizes {
		sizes[r] = int(binary.LittleEndian.Uint64(lengths[8*r:]))
		total += sizes[r]
	}
	data := make([]byte, total)
	if err := g.transport.Collect([]byte(own), data, sizes); err != nil {
		return nil, g.failed("gather texts", err)
	}
	texts := make([]string, g.Size())
	for r, size := range sizes {
		texts[r], data = string(data[:size]), data[size:]
	}
	return texts, nil
}

// TextOfFirst returns the first replica's text. The first may have taken long to come to it.
func (g *Group) TextOfFirst(own string) (string, error) {
	if err := g.transport.Wait(); err != nil {
		return "", g.failed("wait for the first", err)
	}
	if !g.First() {
		own = ""
	}
	texts, err := g.Texts(own)
	if err != nil {
		return "", err
	}
	return texts[0], nil
}

// TakeFirst replaces values by those of the first replica.
func (g *Group) TakeFirst(values []float32) error {
	return g.failed("take the first replica's values", g.transport.Broadcast(bytesOf(values)))
}

func (g *Group) failed(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("replica %d of %d: %s: %w", g.Rank(), g.Size(), what, err)
	}
	return err
}

func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func times(factor int, sizes []int) []int {
	all := make([]int, len(sizes))
	for i, n := range sizes {
		all[i] = factor * n
	}
	return all
}

func same(size, n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = size
	}
	return all
}

// bytesOf is the memory of values, which machines that train together hold alike.
func bytesOf[T float32 | uint16](values []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(*new(T))))
}
