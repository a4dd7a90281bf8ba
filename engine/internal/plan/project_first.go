package plan

// projectFirst lets a convolution of single pixels go before the sums over windows that
// it reads, where it leaves fewer channels to sum. Both are linear, so the order does
// not matter, but for what is between them being rounded: of bfloat16 it is in either order,
// and an average of rounded values is the nearer one. What else the convolution does is done
// to the sums. Integers are rounded to a scale that is known for the order in the graph alone.
func projectFirst(p *Plan) error {
	readers := p.readers()
	for _, t := range p.Held() {
		readers[t.Whole()] = append(readers[t.Whole()], len(p.Operations))
	}
	for at, o := range p.Operations {
		pool, ok := o.(*Pooling)
		if !ok || pool.Maximum || !pool.In.DType.IsFloat() || pool.Out.Whole() != pool.Out || pool.In.Pixels() != pool.Out.Pixels() || len(readers[pool.Out]) != 1 {
			continue
		}
		reader := readers[pool.Out][0]
		if reader == len(p.Operations) {
			continue
		}
		c, ok := p.Operations[reader].(*Convolution)
		if !ok || c.In != pool.Out || !c.Product() || c.Trained() || c.Out.C >= pool.Out.C {
			continue
		}
		projected, pooled := *c, *pool
		between := pool.In.Like(c.Out.C)
		projected.In, projected.Out = pool.In, between
		projected.Bias, projected.ReLU = nil, false
		pooled.In, pooled.Out = between, c.Out
		pooled.Bias, pooled.ReLU = c.Bias, c.ReLU
		projected.Implementation, pooled.Implementation = nil, nil
		p.Operations[at], p.Operations[reader] = &projected, &pooled
	}
	return nil
}

// readers lists the operations that read a tensor's memory, by that memory.
func (p *Plan) readers() map[*Tensor][]int {
	readers := map[*Tensor][]int{}
	for at, o := range p.Operations {
		for _, t := range o.Reads() {
			readers[t.Whole()] = append(readers[t.Whole()], at)
		}
	}
	return readers
}
