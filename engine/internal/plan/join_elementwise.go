package plan

import "github.com/seed-fb2c0fa6/inception/engine/internal/tuning"

// joinElementwise computes an elementwise together with another that reads its results,
// where nothing needs them earlier: the update of a variable, with all its averages, is
// then one pass over memory.
func joinElementwise(p *Plan) error {
	position := map[Operation]int{}
	readers := map[*Tensor]map[Operation]bool{} // by memory
	writer := map[*Tensor]*Elementwise{}
	for at, o := range p.Operations {
		position[o] = at
		for _, t := range o.Reads() {
			t = t.Whole()
			if readers[t] == nil {
				readers[t] = map[Operation]bool{}
			}
			readers[t][o] = true
		}
		if e, ok := o.(*Elementwise); ok {
			writer[e.Results[0].Tensor] = e
		}
	}
	held := map[*Tensor]bool{}
	for _, t := range p.Held() {
		held[t.Whole()] = true
	}
	joined := map[Operation]bool{}
	for at, o := range p.Operations {
		e, ok := o.(*Elementwise)
		if !ok {
			continue
		}
		for i := 0; i < len(e.Operands); i++ {
			operand := e.Operands[i]
			before := writer[operand.Tensor]
			if operand.Tensor == nil || operand.Broadcast != Whole || before == nil || before == e || before.Dims != e.Dims ||
				len(before.Operands)+len(e.Operands) > tuning.ElementOperands || !e.readsAsIs(before) || !readLater(before, at, e, readers, position) {
				continue
			}
			for _, t := range before.Reads() {
				delete(readers[t.Whole()], before)
				readers[t.Whole()][e] = true
			}
			e.join(before, func(t *Tensor) bool {
				alone := len(readers[t.Whole()]) == 1 && readers[t.Whole()][e]
				return !alone || held[t.Whole()] || t.Whole() != t
			})
			for _, kept := range before.Results {
				delete(readers[kept.Tensor.Whole()], e)
			}
			for _, kept := range e.Results {
				writer[kept.Tensor] = e
			}
			joined[before] = true
			i = -1 // the operands have other places
		}
	}
	var left []Operation
	for _, o := range p.Operations {
		if !joined[o] {
			left = append(left, o)
		}
	}
	p.Operations = left
	return nil
}

// readLater reports whether nothing reads the results of an operation before another.
func readLater(o *Elementwise, at int, but Operation, readers map[*Tensor]map[Operation]bool, position map[Operation]int) bool {
	for _, kept := range o.Results {
		for reader := range readers[kept.Tensor.Whole()] {
			if reader != but && position[reader] <= at {
				return false
			}
		}
	}
	return true
}

// readsAsIs reports whether all that an operation reads of another's results is the same
// elements.
func (o *Elementwise) readsAsIs(before *Elementwise) bool {
	for _, operand := range o.Operands {
		for _, kept := range before.Results {
			if operand.Tensor != nil && operand.Tensor.Whole() == kept.Tensor.Whole() && (operand.Tensor != kept.Tensor || operand.Broadcast != Whole) {
				return false
			}
		}
	}
	return true
}

// join computes what before does ahead of the own instructions. Results that nothing
// else needs are not kept.
func (o *Elementwise) join(before *Elementwise, needed func(*Tensor) bool) {
	type source struct {
		tensor    *Tensor
		broadcast Broadcast
	}
	operands := before.Operands[:len(before.Operands):len(before.Operands)]
	places := map[source]int{}
	for i, operand := range operands {
		if operand.Tensor != nil {
			places[source{operand.Tensor, operand.Broadcast}] = i
		}
	}
	computed := map[*Tensor]int{} // register of before
	for _, kept := range before.Results {
		computed[kept.Tensor] = kept.Register - len(before.Operands)
	}
	// Where the registers of o are: operands, or registers that before has computed.
	type place struct {
		instruction bool
		index       int
	}
	var of []place
	for _, operand := range o.Operands {
		if i, ok := computed[operand.Tensor]; ok && operand.Tensor != nil && operand.Broadcast == Whole {
			of = append(of, place{true, i})
			continue
		}
		key := source{operand.Tensor, operand.Broadcast}
		i, ok := places[key]
		if !ok || operand.Tensor == nil {
			i = len(operands)
			operands = append(operands, operand)
			places[key] = i
		}
		of = append(of, place{false, i})
	}
	for i := range o.Code {
		of = append(of, place{true, len(before.Code) + i})
	}
	register := func(p place) int {
		if p.instruction {
			return len(operands) + p.index
		}
		return p.index
	}
	earlier := func(r int) int {
		if r >= len(before.Operands) {
			return r - len(before.Operands) + len(operands)
		}
		return r
	}
	var code []Instruction
	for _, c := range before.Code {
		code = append(code, Instruction{c.Op, earlier(c.A), earlier(c.B), earlier(c.C)})
	}
	for _, c := range o.Code {
		code = append(code, Instruction{c.Op, register(of[c.A]), register(of[c.B]), register(of[c.C])})
	}
	var results []Result
	for _, kept := range before.Results {
		if needed(kept.Tensor) {
			results = append(results, Result{Register: earlier(kept.Register), Tensor: kept.Tensor})
		}
	}
	for _, kept := range o.Results {
		results = append(results, Result{Register: register(of[kept.Register]), Tensor: kept.Tensor})
	}
	o.Operands, o.Code, o.Results = operands, code, results
}
