package engine

// joinElementwise computes an elementwise together with another that reads its results,
// where nothing needs them earlier: the update of a variable, with all its averages, is
// then one pass over memory. The outputs are read after the last operation.
func joinElementwise(operations []operation, outputs []*tensor) []operation {
	position := map[operation]int{}
	readers := map[*tensor]map[operation]bool{} // by memory
	writer := map[*tensor]*elementwise{}
	for at, o := range operations {
		position[o] = at
		for _, t := range o.reads() {
			t = t.whole()
			if readers[t] == nil {
				readers[t] = map[operation]bool{}
			}
			readers[t][o] = true
		}
		if e, ok := o.(*elementwise); ok {
			writer[e.results[0].tensor] = e
		}
	}
	held := map[*tensor]bool{}
	for _, t := range outputs {
		held[t.whole()] = true
	}
	joined := map[operation]bool{}
	for at, o := range operations {
		e, ok := o.(*elementwise)
		if !ok {
			continue
		}
		for i := 0; i < len(e.operands); i++ {
			operand := e.operands[i]
			before := writer[operand.tensor]
			if operand.tensor == nil || operand.spread != whole || before == nil || before == e || before.pixels != e.pixels ||
				len(before.operands)+len(e.operands) > mostOperands || !e.readsAsIs(before) || !readLater(before, at, e, readers, position) {
				continue
			}
			for _, t := range before.reads() {
				delete(readers[t.whole()], before)
				readers[t.whole()][e] = true
			}
			e.join(before, func(t *tensor) bool {
				alone := len(readers[t.whole()]) == 1 && readers[t.whole()][e]
				return !alone || held[t.whole()] || t.within != nil
			})
			for _, kept := range before.results {
				delete(readers[kept.tensor.whole()], e)
			}
			for _, kept := range e.results {
				writer[kept.tensor] = e
			}
			joined[before] = true
			i = -1 // the operands have other places
		}
	}
	var left []operation
	for _, o := range operations {
		if !joined[o] {
			left = append(left, o)
		}
	}
	return left
}

// mostOperands limits how many streams of memory one pass has.
const mostOperands = 16

// readLater reports whether nothing reads the results of an operation before another.
func readLater(o *elementwise, at int, but operation, readers map[*tensor]map[operation]bool, position map[operation]int) bool {
	for _, kept := range o.results {
		for reader := range readers[kept.tensor.whole()] {
			if reader != but && position[reader] <= at {
				return false
			}
		}
	}
	return true
}

// readsAsIs reports whether all that an operation reads of another's results is the same
// elements.
func (o *elementwise) readsAsIs(before *elementwise) bool {
	for _, operand := range o.operands {
		for _, kept := range before.results {
			if operand.tensor != nil && operand.tensor.whole() == kept.tensor.whole() && (operand.tensor != kept.tensor || operand.spread != whole) {
				return false
			}
		}
	}
	return true
}

// join computes what before does ahead of the own instructions. Results that nothing
// else needs are not kept.
func (o *elementwise) join(before *elementwise, needed func(*tensor) bool) {
	type source struct {
		tensor *tensor
		spread spread
	}
	operands := before.operands[:len(before.operands):len(before.operands)]
	places := map[source]int{}
	for i, operand := range operands {
		if operand.tensor != nil {
			places[source{operand.tensor, operand.spread}] = i
		}
	}
	computed := map[*tensor]int{} // register of before
	for _, kept := range before.results {
		computed[kept.tensor] = kept.register - len(before.operands)
	}
	// Where the registers of o are: operands, or registers that before has computed.
	type place struct {
		instruction bool
		index       int
	}
	var of []place
	for _, operand := range o.operands {
		if i, ok := computed[operand.tensor]; ok && operand.tensor != nil && operand.spread == whole {
			of = append(of, place{true, i})
			continue
		}
		key := source{operand.tensor, operand.spread}
		i, ok := places[key]
		if !ok || operand.tensor == nil {
			i = len(operands)
			operands = append(operands, operand)
			places[key] = i
		}
		of = append(of, place{false, i})
	}
	for i := range o.code {
		of = append(of, place{true, len(before.code) + i})
	}
	register := func(p place) int {
		if p.instruction {
			return len(operands) + p.index
		}
		return p.index
	}
	earlier := func(r int) int {
		if r >= len(before.operands) {
			return r - len(before.operands) + len(operands)
		}
		return r
	}
	var code []instruction
	for _, c := range before.code {
		code = append(code, instruction{c.op, earlier(c.a), earlier(c.b), earlier(c.c)})
	}
	for _, c := range o.code {
		code = append(code, instruction{c.op, register(of[c.a]), register(of[c.b]), register(of[c.c])})
	}
	var results []result
	for _, kept := range before.results {
		if needed(kept.tensor) {
			results = append(results, result{register: earlier(kept.register), tensor: kept.tensor})
		}
	}
	for _, kept := range o.results {
		results = append(results, result{register: register(of[kept.register]), tensor: kept.tensor})
	}
	o.operands, o.code, o.results = operands, code, results
}
