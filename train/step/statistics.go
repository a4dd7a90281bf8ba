package step

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
)

// Batch norm's moving statistics are moved by every micro-batch of a step, one after the
// other. Replicas do that with those of all replicas, in the order of their ranks, so that
// they have the same, and what one replica with all micro-batches would have. Where batch norm
// is synchronised, a micro-batch of all replicas has one mean and one variance, which move them
// once.

// LeavesStatistics reports whether a Step of these options needs a network that leaves the
// moving statistics to it (arch.Options.LeaveStatistics).
func (o Options) LeavesStatistics() bool { return o.Reducer != nil }

// keepStatistics keeps those of a micro-batch, in the order of Parameters.Statistics.
func (s *Step) keepStatistics(results []*tensors.Tensor) error {
	for _, t := range results {
		values, err := tensors.CopyFlatData[float32](t)
		if err != nil {
			return err
		}
		s.statistics = append(s.statistics, values...)
	}
	return finalize(results)
}

// moveStatistics moves them by the step's micro-batches of all replicas.
func (s *Step) moveStatistics() error {
	all, err := s.options.Reducer.Gather(s.statistics)
	s.statistics = s.statistics[:0]
	if err != nil {
		return err
	}
	if s.synchronised() {
		all = all[:len(all)/s.options.Reducer.Size()]
	}
	for len(all) > 0 {
		var batch []*tensors.Tensor
		for _, p := range s.parameters.Statistics {
			t, err := onBackend(s.backend, all[:p.Size()], p.Shape...)
			if err != nil {
				return err
			}
			batch, all = append(batch, t), all[p.Size():]
		}
		if _, err := s.move.run(batch...); err != nil {
			return err
		}
		if err := finalize(batch); err != nil {
			return err
		}
	}
	return nil
}

// moveGraph moves the statistics by those of a micro-batch.
func (s *Step) moveGraph(_ *model.Scope, batch []*graph.Node) []*graph.Node {
	for i, p := range s.parameters.Statistics {
		v := s.variable("", p)
		v.SetNodeValue(arch.Moved(v.NodeValue(batch[i].Graph()), batch[i], s.network.Options().BatchNormDecay))
	}
	return nil
}

// statisticsOf returns what a network has of a batch.
func (s *Step) statisticsOf(outputs *arch.Outputs) []*graph.Node {
	if !s.options.LeavesStatistics() {
		return nil
	}
	var all []*graph.Node
	for _, p := range s.parameters.Statistics {
		all = append(all, outputs.Statistics[p.Name])
	}
	return all
}

// checkStatistics refuses a network that does otherwise than the options need.
func (s *Step) checkStatistics() error {
	if left := s.network.Options().LeaveStatistics; left != s.options.LeavesStatistics() {
		return fmt.Errorf("expected a network with LeaveStatistics %t, as there is a Reducer or none, found %t", !left, left)
	}
	return nil
}
