package step

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
)

// synchronised reports whether batch norm is that of several replicas.
func (s *Step) synchronised() bool {
	return s.options.Gather != nil && s.options.Reducer != nil && s.options.Reducer.Size() > 1
}

// checkGather refuses what cannot be synchronised.
func (s *Step) checkGather() error {
	if s.options.Gather != nil && s.options.Reducer == nil {
		return errors.New("to gather for batch norm needs a Reducer of several replicas, found none")
	}
	if !s.synchronised() {
		return nil
	}
	if b, ok := s.backend.(interface{ RunsTogether() bool }); !ok || !b.RunsTogether() {
		return fmt.Errorf("batch norm cannot be synchronised over replicas on the backend %s, which gives a step to its device as one program that stops nowhere to hear of the others; expected the backend cpu, or batch norm of each replica's part", s.backend.Name())
	}
	return nil
}

// sameGathers is an error where replicas compute their layers in another order, as programs
// that are planned for other instruction sets may.
func (s *Step) sameGathers(gathers []int) error {
	hash := fnv.New64a()
	fmt.Fprint(hash, gathers)
	own := make([]float32, 4) // 16 bits each, which float32 holds exactly
	for i := range own {
		own[i] = float32(uint16(hash.Sum64() >> (16 * i)))
	}
	all, err := s.options.Gather(own)
	if err != nil {
		return err
	}
	for rank := range len(all) / len(own) {
		if !slices.Equal(all[rank*len(own):][:len(own)], all[:len(own)]) {
			return fmt.Errorf("replica %d computes the network's layers in another order than the first, so that batch norm cannot be synchronised; expected machines with the same instruction set, or --backend cpu:isa=avx2 on all", rank)
		}
	}
	return nil
}
