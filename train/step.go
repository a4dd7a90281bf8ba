package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A stepper is the training step as a compiled program, with the state that it changes:
// the parameters, the optimiser's slots and the averages.
type stepper struct {
	network    *arch.Network
	recipe     recipe.Training
	optimizer  optimizer
	parameters parameters
	store      *model.Store
	update     *model.Exec // computes gradients and changes the parameters
	accumulate *model.Exec // only adds its gradients to those of the batch
}

// Names of the vectors beside the parameters in the store.
const (
	averageName  = "train/average"
	gradientName = "train/gradient"
)

func slotName(s slot) string { return "train/" + s.name }

func microBatches(r recipe.Training) int { return max(1, r.MicroBatches) }

// newStepper makes the programs. The parameters are those of the network; values fills
// in what training begins with.
func newStepper(backend compute.Backend, network *arch.Network, r recipe.Training, p parameters, values func(dst []float32, p arch.Parameter) error) (*stepper, error) {
	s := &stepper{network: network, recipe: r, optimizer: optimizerOf(r.Optimizer), parameters: p, store: model.NewStore()}
	create := func(name string, value *tensors.Tensor) error {
		_, err := s.store.CreateVariable(name, value)
		return err
	}
	initial := map[string][]float32{}
	for _, a := range p.all {
		flat := make([]float32, a.Size())
		if err := values(flat, a); err != nil {
			return nil, err
		}
		initial[a.Name] = flat
		if err := create(a.Name, tensors.FromFlatDataAndDimensions(flat, a.Shape...)); err != nil {
			return nil, err
		}
	}
	var average []float32
	for _, a := range p.averaged() {
		average = append(average, initial[a.Name]...)
	}
	if err := create(averageName, tensors.FromFlatDataAndDimensions(average, len(average))); err != nil {
		return nil, err
	}
	trained := size(p.trained)
	for _, slot := range s.optimizer.slots() {
		if err := create(slotName(slot), filled(slot.initial, trained)); err != nil {
			return nil, err
		}
	}
	var err error
	if s.update, err = model.NewExec(backend, s.store, func(scope *model.Scope, images, targets, rate, decay *graph.Node) []*graph.Node {
		return s.updateGraph(scope, images, targets, rate, decay)
	}); err != nil {
		return nil, err
	}
	if microBatches(r) == 1 {
		return s, nil
	}
	if err := create(gradientName, filled(0, trained)); err != nil {
		return nil, err
	}
	s.accumulate, err = model.NewExec(backend, s.store, func(scope *model.Scope, images, targets *graph.Node) []*graph.Node {
		logits, loss, gradient := s.gradientGraph(scope, images, targets)
		sum := s.store.GetVariable("/" + gradientName)
		sum.SetNodeValue(graph.Add(sum.NodeValue(loss), gradient))
		return []*graph.Node{logits, loss}
	})
	return s, err
}

func filled(value float32, n int) *tensors.Tensor {
	flat := make([]float32, n)
	for i := range flat {
		flat[i] = value
	}
	return tensors.FromFlatDataAndDimensions(flat, n)
}

func (s *stepper) close() {
	s.update.Finalize()
	if s.accumulate != nil {
		s.accumulate.Finalize()
	}
	s.store.Finalize()
}

// gradientGraph returns the logits of a batch, [batch, classes], its loss and the
// loss's gradient with respect to the trained parameters, joined. Gradients of replicas
// are averaged here.
func (s *stepper) gradientGraph(scope *model.Scope, images, targets *graph.Node) (logits, loss, gradient *graph.Node) {
	s.store.SetTraining(images.Graph(), true)
	outputs := s.network.Graph(scope, images)
	loss = crossEntropy(outputs.Logits, targets)
	if outputs.AuxiliaryLogits != nil {
		loss = graph.Add(loss, graph.MulScalar(crossEntropy(outputs.AuxiliaryLogits, targets), s.recipe.AuxiliaryWeight))
	}
	return outputs.Logits, loss, join(graph.Gradient(loss, s.nodes(images, s.parameters.trained)...))
}

// nodes returns the values of parameters in a graph.
func (s *stepper) nodes(g graph.GraphProvider, some []arch.Parameter) []*graph.Node {
	values := make([]*graph.Node, len(some))
	for i, p := range some {
		values[i] = s.store.GetVariable("/" + p.Name).NodeValue(g)
	}
	return values
}

// crossEntropy is the mean over a batch; targets are probabilities, [batch, classes].
func crossEntropy(logits, targets *graph.Node) *graph.Node {
	batch := logits.Shape().Dimensions[0]
	return graph.MulScalar(graph.ReduceAllSum(graph.Mul(targets, graph.LogSoftmax(logits))), -1/float64(batch))
}

// updateGraph makes the optimiser's step, and moves the averages. It returns the
// logits, the loss, and the L2 norm of the gradient before it is clipped.
func (s *stepper) updateGraph(scope *model.Scope, images, targets, rate, decay *graph.Node) []*graph.Node {
	logits, loss, gradient := s.gradientGraph(scope, images, targets)
	if n := microBatches(s.recipe); n > 1 {
		sum := s.store.GetVariable("/" + gradientName)
		gradient = graph.DivScalar(graph.Add(sum.NodeValue(loss), gradient), float64(n))
		sum.SetNodeValue(graph.ZerosLike(gradient))
	}
	p := &s.parameters
	values := join(s.nodes(loss, p.trained))
	if s.recipe.WeightDecay > 0 && p.decayed > 0 {
		gradient = decayWeights(gradient, values, s.recipe.WeightDecay, size(p.trained[:p.decayed]))
	}
	norm := l2(gradient)
	// Scalars are spread by hand: operations on equal shapes are what backends fuse.
	spread := func(scalar *graph.Node, like *graph.Node) *graph.Node {
		return graph.BroadcastToDims(scalar, like.Shape().Dimensions...)
	}
	if limit := s.recipe.ClipNorm; limit > 0 {
		factor := graph.Div(graph.Scalar(norm.Graph(), norm.DType(), limit), graph.MaxScalar(norm, limit))
		gradient = graph.Mul(gradient, spread(factor, gradient))
	}
	var slots []*model.Variable
	var state []*graph.Node
	for _, slot := range s.optimizer.slots() {
		v := s.store.GetVariable("/" + slotName(slot))
		slots, state = append(slots, v), append(state, v.NodeValue(loss))
	}
	step, state := s.optimizer.step(gradient, spread(rate, gradient), state)
	for i, v := range slots {
		v.SetNodeValue(state[i])
	}
	values = graph.Sub(values, step)
	for i, v := range split(values, p.trained) {
		s.store.GetVariable("/" + p.trained[i].Name).SetNodeValue(v)
	}
	if len(p.statistics) > 0 {
		values = join([]*graph.Node{values, join(s.nodes(loss, p.statistics))})
	}
	average := s.store.GetVariable("/" + averageName)
	old, weight := average.NodeValue(loss), spread(decay, values)
	average.SetNodeValue(graph.Add(graph.Mul(old, weight), graph.Mul(values, spread(graph.OneMinus(decay), values))))
	return []*graph.Node{logits, loss, norm}
}

// decayWeights adds the gradient of factor/2 times the squares of the first count values.
func decayWeights(gradient, values *graph.Node, factor float64, count int) *graph.Node {
	first, rest := graph.AxisRange(0, count), graph.AxisRange(count)
	decayed := graph.Add(graph.Slice(gradient, first), graph.MulScalar(graph.Slice(values, first), factor))
	if count == gradient.Shape().Size() {
		return decayed
	}
	return graph.Concatenate([]*graph.Node{decayed, graph.Slice(gradient, rest)}, 0)
}

// l2 returns the norm of a vector. It sums in rows first, which keeps the rounding of
// long sums small.
func l2(v *graph.Node) *graph.Node {
	n := v.Shape().Size()
	columns := int(math.Ceil(math.Sqrt(float64(n))))
	rows := (n + columns - 1) / columns
	squares := graph.Mul(v, v)
	if missing := rows*columns - n; missing > 0 {
		squares = graph.Pad(squares, graph.ScalarZero(v.Graph(), v.DType()), compute.PadAxis{End: missing})
	}
	return graph.Sqrt(graph.ReduceAllSum(graph.ReduceSum(graph.Reshape(squares, rows, columns), 1)))
}

// An outcome is what a step, or a part of it, computed.
type outcome struct {
	loss   float64
	norm   float64 // L2 of the gradient before clipping
	logits []float32
}

// add runs a part of a batch that is not its last.
func (s *stepper) add(step, part int, images []float32, labels []int32) (outcome, error) {
	return s.exec(s.accumulate, step, part, images, labels)
}

// step runs a batch, or its last part, and changes the parameters.
func (s *stepper) step(step int, images []float32, labels []int32, rate, decay float64) (outcome, error) {
	return s.exec(s.update, step, microBatches(s.recipe)-1, images, labels, float32(rate), float32(decay))
}

func (s *stepper) exec(program *model.Exec, step, part int, images []float32, labels []int32, scalars ...float32) (outcome, error) {
	random := rand.New(rand.NewPCG(s.recipe.Seed, uint64(step)*uint64(microBatches(s.recipe))+uint64(part)))
	if err := s.store.SetRNGStateFromSeed(random.Int64()); err != nil {
		return outcome{}, err
	}
	batch := len(labels)
	side := int(math.Sqrt(float64(len(images) / batch / 3)))
	inputs := []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(images, batch, side, side, 3),
		tensors.FromFlatDataAndDimensions(targets(labels, s.network.Options().Classes, s.recipe.LabelSmoothing), batch, s.network.Options().Classes),
	}
	for _, v := range scalars {
		inputs = append(inputs, tensors.FromScalar(v))
	}
	args := make([]any, len(inputs))
	for i, t := range inputs {
		args[i] = t
	}
	results, err := program.Exec(args...)
	if err != nil {
		return outcome{}, fmt.Errorf("step %d: %w", step+1, err)
	}
	var o outcome
	o.loss = float64(tensors.ToScalar[float32](results[1]))
	if len(results) > 2 {
		o.norm = float64(tensors.ToScalar[float32](results[2]))
	}
	if o.logits, err = tensors.CopyFlatData[float32](results[0]); err != nil {
		return outcome{}, err
	}
	for _, t := range append(inputs, results...) {
		if err := t.FinalizeAll(); err != nil {
			return outcome{}, err
		}
	}
	return o, nil
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
