package step

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// lastGraph adds the gradients of the last micro-batch to those before, and applies them.
func (s *Step) lastGraph(scope *model.Scope, arguments []*graph.Node) []*graph.Node {
	images, targets, rate, decay := arguments[0], arguments[1], arguments[2], arguments[3]
	results, gradients, _ := s.gradients(scope, images, targets)
	norms := s.update(rate, decay, func(i int) *graph.Node {
		if !s.accumulates() {
			return gradients[i]
		}
		return graph.Add(s.variable(gradientScope, s.parameters.Trained[i]).NodeValue(images.Graph()), gradients[i])
	})
	return append(results, norms...)
}

// applyGraph applies the gradients that were accumulated.
func (s *Step) applyGraph(_ *model.Scope, arguments []*graph.Node) []*graph.Node {
	rate, decay := arguments[0], arguments[1]
	return s.update(rate, decay, func(i int) *graph.Node {
		return s.variable(gradientScope, s.parameters.Trained[i]).NodeValue(rate)
	})
}

// update lets the optimiser change the trained parameters, of which sum returns the sum
// of the gradients over the micro-batches, and moves the averages. It returns the L2
// norm of the gradients before they are clipped; where they are to be checked, also the
// sum of the squares of each.
func (s *Step) update(rate, decay *graph.Node, sum func(i int) *graph.Node) []*graph.Node {
	g := rate.Graph()
	gradients := make([]*graph.Node, len(s.parameters.Trained))
	for i, p := range s.parameters.Trained {
		gradients[i] = sum(i)
		if n := s.microBatches(); n > 1 {
			gradients[i] = graph.MulScalar(gradients[i], 1/float64(n))
		}
		if s.accumulates() {
			s.variable(gradientScope, p).SetNodeValue(graph.ZerosLike(gradients[i]))
		}
		if decays(p) {
			gradients[i] = graph.Add(gradients[i], graph.MulScalar(s.variable("", p).NodeValue(g), s.recipe.WeightDecay))
		}
	}
	squares := sumsOfSquares(gradients)
	norm := globalNorm(squares)
	clip := func(gradient *graph.Node) *graph.Node { return gradient }
	if limit := s.recipe.ClipNorm; limit > 0 {
		factor := graph.Div(graph.Scalar(g, norm.DType(), limit), graph.MaxScalar(norm, limit))
		clip = func(gradient *graph.Node) *graph.Node { return graph.Mul(gradient, broadcast(factor, gradient)) }
	}
	for i, p := range s.parameters.Trained {
		var slots []*model.Variable
		var state []*graph.Node
		for _, slot := range s.optimizer.slots() {
			v := s.variable(slot.name, p)
			slots, state = append(slots, v), append(state, v.NodeValue(g))
		}
		update, state := s.optimizer.update(clip(gradients[i]), broadcast(rate, gradients[i]), state)
		for j, v := range slots {
			v.SetNodeValue(state[j])
		}
		v := s.variable("", p)
		v.SetNodeValue(graph.Sub(v.NodeValue(g), update))
	}
	rest := graph.OneMinus(decay)
	for _, p := range s.parameters.averaged() {
		average, value := s.variable(averageScope, p), s.variable("", p).NodeValue(g)
		average.SetNodeValue(graph.Add(graph.Mul(average.NodeValue(g), broadcast(decay, value)), graph.Mul(value, broadcast(rest, value))))
	}
	if s.options.CheckGradients {
		return []*graph.Node{norm, graph.Stack(squares, 0)}
	}
	return []*graph.Node{norm}
}

func sumsOfSquares(all []*graph.Node) []*graph.Node {
	sums := make([]*graph.Node, len(all))
	for i, x := range all {
		sums[i] = graph.ReduceAllSum(graph.Mul(x, x))
	}
	return sums
}

// globalNorm returns the L2 norm of all tensors together, of their sums of squares.
func globalNorm(squares []*graph.Node) *graph.Node {
	sum := squares[0]
	for _, square := range squares[1:] {
		sum = graph.Add(sum, square)
	}
	return graph.Sqrt(sum)
}

// broadcast repeats a scalar in the shape of x.
func broadcast(scalar, x *graph.Node) *graph.Node {
	return graph.BroadcastToDims(scalar, x.Shape().Dimensions...)
}
