package step

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/seed-fb2c0fa6/inception/recipe"
)

// An optimizer tells from a gradient how a parameter changes.
type optimizer interface {
	// slots are its state beside each parameter, with the value that they begin with.
	slots() []slot
	// update returns what is subtracted from a parameter, and its slots' new values. All
	// nodes are of the parameter's shape.
	update(gradient, learningRate *graph.Node, slots []*graph.Node) (update *graph.Node, updated []*graph.Node)
}

type slot struct {
	name    string
	initial float32
}

func optimizerOf(o recipe.Optimizer) optimizer {
	if o.SGD != nil {
		return sgd(*o.SGD)
	}
	return rmsProp(*o.RMSProp)
}

// rmsProp is TensorFlow's: the mean square starts at 1, epsilon is inside the root, and
// the learning rate inside the momentum.
type rmsProp recipe.RMSProp

func (o rmsProp) slots() []slot { return []slot{{"mean_square", 1}, {"momentum", 0}} }

func (o rmsProp) update(gradient, learningRate *graph.Node, slots []*graph.Node) (*graph.Node, []*graph.Node) {
	meanSquare, momentum := slots[0], slots[1]
	meanSquare = graph.Add(graph.MulScalar(meanSquare, o.Decay), graph.MulScalar(graph.Mul(gradient, gradient), 1-o.Decay))
	update := graph.Div(graph.Mul(gradient, learningRate), graph.Sqrt(graph.AddScalar(meanSquare, o.Epsilon)))
	momentum = graph.Add(graph.MulScalar(momentum, o.Momentum), update)
	return momentum, []*graph.Node{meanSquare, momentum}
}

// sgd is TensorFlow's, with the learning rate outside the momentum.
type sgd recipe.SGD

func (o sgd) slots() []slot { return []slot{{"momentum", 0}} }

func (o sgd) update(gradient, learningRate *graph.Node, slots []*graph.Node) (*graph.Node, []*graph.Node) {
	momentum := graph.Add(graph.MulScalar(slots[0], o.Momentum), gradient)
	return graph.Mul(momentum, learningRate), []*graph.Node{momentum}
}
