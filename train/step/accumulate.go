package step

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// gradients returns the logits of a micro-batch, [batch, classes], and its loss, the loss's
// gradients with respect to the trained parameters, and for replicas the batch's statistics.
func (s *Step) gradients(scope *model.Scope, images, targets *graph.Node) (results, gradients, statistics []*graph.Node) {
	s.store.SetTraining(images.Graph(), true)
	outputs := s.network.Graph(scope, images)
	loss := crossEntropy(outputs.Logits, targets)
	if outputs.AuxiliaryLogits != nil {
		loss = graph.Add(loss, graph.MulScalar(crossEntropy(outputs.AuxiliaryLogits, targets), s.recipe.AuxiliaryWeight))
	}
	var trained []*graph.Node
	for _, p := range s.parameters.Trained {
		trained = append(trained, s.variable("", p).NodeValue(loss))
	}
	return []*graph.Node{outputs.Logits, loss}, graph.Gradient(loss, trained...), s.statisticsOf(outputs)
}

// crossEntropy is the mean over a batch; targets are probabilities, [batch, classes].
func crossEntropy(logits, targets *graph.Node) *graph.Node {
	batch := logits.Shape().Dimensions[0]
	return graph.MulScalar(graph.ReduceAllSum(graph.Mul(targets, graph.LogSoftmax(logits))), -1/float64(batch))
}

// accumulateGraph adds the gradients of a micro-batch to their sums.
func (s *Step) accumulateGraph(scope *model.Scope, arguments []*graph.Node) []*graph.Node {
	images, targets := arguments[0], arguments[1]
	results, gradients, statistics := s.gradients(scope, images, targets)
	for i, p := range s.parameters.Trained {
		sum := s.variable(gradientScope, p)
		sum.SetNodeValue(graph.Add(sum.NodeValue(images.Graph()), gradients[i]))
	}
	return append(results, statistics...)
}

// targets returns the probabilities that the network is to learn, [labels, classes]
// (label smoothing, Szegedy et al., arXiv 1512.00567, section 7).
func targets(labels []int32, classes int, smoothing float64) []float32 {
	t := make([]float32, len(labels)*classes)
	for i := range t {
		t[i] = float32(smoothing / float64(classes))
	}
	for i, label := range labels {
		t[i*classes+int(label)] += float32(1 - smoothing)
	}
	return t
}
