package plan

import "github.com/gomlx/compute/dtypes"

// projectFirst lets a convolution of single pixels go before the sums over windows that
// it reads, where it leaves fewer channels to sum. Both are linear, so the order does
// not matter; what else the convolution does is done to the sums. In other precisions than
// float32 it does, for what is between them is rounded.
func projectFirst(p *Plan) error {
	readers := p.readers()
	for _, t := range p.Held() {
		readers[t.Whole()] = append(readers[t.Whole()], len(p.Operations))
	}
	for at, o := range p.Operations {
		pool, ok := o.(*Pooling)
		if !ok || pool.Maximum || pool.In.DType != dtypes.Float32 || pool.Out.Whole() != pool.Out || pool.In.Pixels() != pool.Out.Pixels() || len(readers[pool.Out]) != 1 {
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
