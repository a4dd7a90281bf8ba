package run

import "github.com/seed-fb2c0fa6/inception/engine/internal/plan"

// A registerPlan is where the registers of an elementwise operation are: the operands where
// they are, the results in their tensors where no instruction still reads what is in their
// place, and the others in slots, tiles of a thread's memory.
type registerPlan struct {
	slot   []int // by instruction: the slot, or -1 where it is in the result's tensor
	result []int // by instruction: that result, or -1
	pixel  []int // by operand: the slot of one that is repeated in a pixel, or -1
	slots  int
}

// allocate gives the registers their places.
func allocate(o *plan.Elementwise) registerPlan {
	p := registerPlan{slot: make([]int, len(o.Code)), result: make([]int, len(o.Code)), pixel: make([]int, len(o.Operands))}
	last := make([]int, len(o.Operands)+len(o.Code)) // instruction that reads the register
	for i, c := range o.Code {
		for _, from := range c.Operands() {
			last[from] = i
		}
	}
	for i, operand := range o.Operands {
		p.pixel[i] = -1
		if operand.Broadcast == plan.ByPixel {
			p.pixel[i] = p.slots
			p.slots++
		}
	}
	for i := range p.result {
		p.result[i] = -1
	}
	held := make([]bool, len(o.Code)) // what is in the result's place is still read
	for i, kept := range o.Results {
		at := kept.Register - len(o.Operands)
		p.result[at] = i
		over, ok := o.Overwritten(i)
		held[at] = ok && last[over] > at
	}
	var free []int
	for i, c := range o.Code {
		p.slot[i] = -1
		if p.result[i] < 0 || held[i] {
			if len(free) == 0 {
				free = append(free, p.slots)
				p.slots++
			}
			p.slot[i] = free[len(free)-1]
			free = free[:len(free)-1]
		}
		// The register itself is not given back before the next instruction: a kernel's
		// result and operands do not overlap in part.
		freed := map[int]bool{}
		for _, from := range c.Operands() {
			at := from - len(o.Operands)
			if at >= 0 && last[from] == i && p.slot[at] >= 0 && !held[at] && !freed[at] {
				freed[at] = true
				free = append(free, p.slot[at])
			}
		}
	}
	return p
}
