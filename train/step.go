package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/recipe"
)

// A stepper is the training step as a compiled program, with the state that it changes:
// the parameters, the optimiser's slots and the averages.
type stepper struct {
	backend    compute.Backend
	network    *arch.Network
	recipe     recipe.Training
	optimizer  optimizer
	parameters parameters
	store      *model.Store
	update     function // computes gradients and changes the parameters
	check      bool     // return the squares of each gradient
	accumulate function // only adds its gradients to those of the batch
	pictures   *tensors.Tensor
	pixels     []float32 // of pictures, where they can be written
}

// The scopes of variables that stand beside the parameters, each under its name; those
// of the optimiser are named after its slots.
const (
	averageScope  = "average"
	gradientScope = "gradient" // the sum over the parts of a batch
)

// newStepper makes the variables of a resolved recipe; values fills in what training begins with.
func newStepper(backend compute.Backend, network *arch.Network, r recipe.Training, p parameters, values func(dst []float32, p arch.Parameter) error, check bool) (*stepper, error) {
	s := &stepper{backend: backend, network: network, recipe: r, optimizer: optimizerOf(r.Optimizer), parameters: p, store: model.NewStore(), check: check}
	s.update = function{backend: backend, store: s.store, name: "step", build: s.updateGraph}
	s.accumulate = function{backend: backend, store: s.store, name: "part of a step", build: s.accumulateGraph}
	return s, s.create(values)
}

// create makes all variables, in the backend's memory alone: they may take most of what
// there is.
func (s *stepper) create(values func(dst []float32, p arch.Parameter) error) error {
	var all []error
	add := func(scope string, p arch.Parameter, flat []float32) {
		value, err := onBackend(s.backend, flat, p.Shape...)
		if err != nil {
			all = append(all, err)
			return
		}
		_, err = s.store.CreateVariable(scope+"/"+p.Name, value)
		all = append(all, err)
	}
	largest := 0
	for _, p := range s.parameters.all {
		largest = max(largest, p.Size())
	}
	scratch := make([]float32, largest)
	filled := func(value float32, p arch.Parameter) []float32 {
		flat := scratch[:p.Size()]
		for i := range flat {
			flat[i] = value
		}
		return flat
	}
	averaged := map[string]bool{}
	for _, p := range s.parameters.averaged() {
		averaged[p.Name] = true
	}
	for _, p := range s.parameters.all {
		flat := scratch[:p.Size()]
		if err := values(flat, p); err != nil {
			return err
		}
		add("", p, flat)
		if averaged[p.Name] {
			add(averageScope, p, flat)
		}
	}
	for _, p := range s.parameters.trained {
		for _, slot := range s.optimizer.slots() {
			add(slot.name, p, filled(slot.initial, p))
		}
		if s.recipe.MicroBatches > 1 {
			add(gradientScope, p, filled(0, p))
		}
	}
	return errors.Join(all...)
}

// onBackend returns a copy of values in the backend's memory.
func onBackend(backend compute.Backend, flat []float32, dims ...int) (*tensors.Tensor, error) {
	buffer, err := backend.BufferFromFlatData(0, flat, shapes.Make(dtypes.Float32, dims...))
	if err != nil {
		return nil, err
	}
	return tensors.FromBuffer(buffer)
}

// show puts a step's images into the backend's memory: into the same at each step, where
// that can be written, since they may take more than all else that a step leaves behind.
func (s *stepper) show(images []float32, shape shapes.Shape) error {
	if s.backend.HasSharedBuffers() {
		pixels, err := s.room(shape)
		copy(pixels, images)
		return err
	}
	if s.pictures != nil {
		if err := s.pictures.FinalizeAll(); err != nil {
			return err
		}
	}
	var err error
	s.pictures, err = onBackend(s.backend, images, shape.Dimensions...)
	return err
}

func imagesShape(batch, side int) shapes.Shape {
	return shapes.Make(dtypes.Float32, batch, side, side, 3)
}

// room returns the memory of a step's images on a backend that shares its own.
func (s *stepper) room(shape shapes.Shape) ([]float32, error) {
	if s.pictures != nil {
		if s.pictures.Shape().Equal(shape) {
			return s.pixels, nil
		}
		if err := s.pictures.FinalizeAll(); err != nil {
			return nil, err
		}
		s.pictures, s.pixels = nil, nil
	}
	buffer, flat, err := s.backend.NewSharedBuffer(0, shape)
	if err != nil {
		return nil, err
	}
	s.pictures, err = tensors.FromBuffer(buffer)
	s.pixels = flat.([]float32)
	return s.pixels, err
}

func (s *stepper) close() {
	if s.pictures != nil {
		_ = s.pictures.FinalizeAll()
	}
	s.update.close()
	s.accumulate.close()
	s.store.Finalize()
}

// variable returns that of a parameter in a scope; in the empty one, the parameter
// itself.
func (s *stepper) variable(scope string, p arch.Parameter) *model.Variable {
	return s.store.GetVariable(model.JoinPath("/", scope, p.Name))
}

// gradients returns the logits of a batch, [batch, classes], its loss and the loss's
// gradients with respect to the trained parameters. Those of replicas are averaged here.
func (s *stepper) gradients(scope *model.Scope, images, targets *graph.Node) (logits, loss *graph.Node, gradients []*graph.Node) {
	s.store.SetTraining(images.Graph(), true)
	outputs := s.network.Graph(scope, images)
	loss = crossEntropy(outputs.Logits, targets)
	if outputs.AuxiliaryLogits != nil {
		loss = graph.Add(loss, graph.MulScalar(crossEntropy(outputs.AuxiliaryLogits, targets), s.recipe.AuxiliaryWeight))
	}
	var trained []*graph.Node
	for _, p := range s.parameters.trained {
		trained = append(trained, s.variable("", p).NodeValue(loss))
	}
	return outputs.Logits, loss, graph.Gradient(loss, trained...)
}

// crossEntropy is the mean over a batch; targets are probabilities, [batch, classes].
func crossEntropy(logits, targets *graph.Node) *graph.Node {
	batch := logits.Shape().Dimensions[0]
	return graph.MulScalar(graph.ReduceAllSum(graph.Mul(targets, graph.LogSoftmax(logits))), -1/float64(batch))
}

// accumulateGraph adds the gradients of a part of a batch to their sums.
func (s *stepper) accumulateGraph(scope *model.Scope, arguments []*graph.Node) []*graph.Node {
	images, targets := arguments[0], arguments[1]
	logits, loss, gradients := s.gradients(scope, images, targets)
	for i, p := range s.parameters.trained {
		sum := s.variable(gradientScope, p)
		sum.SetNodeValue(graph.Add(sum.NodeValue(loss), gradients[i]))
	}
	return []*graph.Node{logits, loss}
}

// updateGraph makes the optimiser's step, and moves the averages. It returns the
// logits, the loss, and the L2 norm of the gradients before they are clipped; where they
// are to be checked, also the sum of the squares of each.
func (s *stepper) updateGraph(scope *model.Scope, arguments []*graph.Node) []*graph.Node {
	images, targets, rate, decay := arguments[0], arguments[1], arguments[2], arguments[3]
	logits, loss, gradients := s.gradients(scope, images, targets)
	for i, p := range s.parameters.trained {
		if n := s.recipe.MicroBatches; n > 1 {
			sum := s.variable(gradientScope, p)
			gradients[i] = graph.MulScalar(graph.Add(sum.NodeValue(loss), gradients[i]), 1/float64(n))
			sum.SetNodeValue(graph.ZerosLike(gradients[i]))
		}
		if decays(p) {
			gradients[i] = graph.Add(gradients[i], graph.MulScalar(s.variable("", p).NodeValue(loss), s.recipe.WeightDecay))
		}
	}
	squares := sumsOfSquares(gradients)
	norm := globalNorm(squares)
	clip := func(gradient *graph.Node) *graph.Node { return gradient }
	if limit := s.recipe.ClipNorm; limit > 0 {
		factor := graph.Div(graph.Scalar(norm.Graph(), norm.DType(), limit), graph.MaxScalar(norm, limit))
		clip = func(gradient *graph.Node) *graph.Node { return graph.Mul(gradient, spread(factor, gradient)) }
	}
	for i, p := range s.parameters.trained {
		var slots []*model.Variable
		var state []*graph.Node
		for _, slot := range s.optimizer.slots() {
			v := s.variable(slot.name, p)
			slots, state = append(slots, v), append(state, v.NodeValue(loss))
		}
		step, state := s.optimizer.step(clip(gradients[i]), spread(rate, gradients[i]), state)
		for j, v := range slots {
			v.SetNodeValue(state[j])
		}
		v := s.variable("", p)
		v.SetNodeValue(graph.Sub(v.NodeValue(loss), step))
	}
	rest := graph.OneMinus(decay)
	for _, p := range s.parameters.averaged() {
		average, value := s.variable(averageScope, p), s.variable("", p).NodeValue(loss)
		average.SetNodeValue(graph.Add(graph.Mul(average.NodeValue(loss), spread(decay, value)), graph.Mul(value, spread(rest, value))))
	}
	results := []*graph.Node{logits, loss, norm}
	if s.check {
		results = append(results, graph.Stack(squares, 0))
	}
	return results
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

// spread repeats a scalar in the shape of x.
func spread(scalar, x *graph.Node) *graph.Node {
	return graph.BroadcastToDims(scalar, x.Shape().Dimensions...)
}

// An outcome is what a step, or a part of it, computed.
type outcome struct {
	loss   float64
	norm   float64 // L2 of the gradients before clipping
	logits []float32
	wrong  string // the first parameter whose gradient has no finite L2, if they are checked
}

// add runs a part of a batch that is not its last.
func (s *stepper) add(step, part int, images []float32, labels []int32) (outcome, error) {
	return s.exec(&s.accumulate, step, part, images, labels)
}

// step runs a batch, or its last part, and changes the parameters.
func (s *stepper) step(step int, images []float32, labels []int32, rate, decay float64) (outcome, error) {
	return s.exec(&s.update, step, s.recipe.MicroBatches-1, images, labels, float32(rate), float32(decay))
}

func (s *stepper) exec(f *function, step, part int, images []float32, labels []int32, scalars ...float32) (outcome, error) {
	// Dropout follows from the seed, the step and the part.
	random := rand.New(rand.NewPCG(s.recipe.Seed, uint64(step)*uint64(s.recipe.MicroBatches)+uint64(part)))
	if err := s.store.SetRNGStateFromSeed(random.Int64()); err != nil {
		return outcome{}, err
	}
	batch, classes := len(labels), s.network.Options().Classes
	side := int(math.Sqrt(float64(len(images) / batch / 3)))
	// In the backend's memory alone, as the variables are.
	if err := s.show(images, imagesShape(batch, side)); err != nil {
		return outcome{}, err
	}
	wanted, err := onBackend(s.backend, targets(labels, classes, s.recipe.LabelSmoothing), batch, classes)
	if err != nil {
		return outcome{}, err
	}
	inputs := []*tensors.Tensor{s.pictures, wanted}
	for _, v := range scalars {
		inputs = append(inputs, tensors.FromScalar(v))
	}
	results, err := f.run(inputs...)
	if err != nil {
		return outcome{}, fmt.Errorf("step %d: %w", step+1, err)
	}
	var o outcome
	o.loss = float64(tensors.ToScalar[float32](results[1]))
	if len(results) > 2 {
		o.norm = float64(tensors.ToScalar[float32](results[2]))
	}
	if len(results) > 3 {
		squares, err := tensors.CopyFlatData[float32](results[3])
		if err != nil {
			return outcome{}, err
		}
		if i := slices.IndexFunc(squares, func(v float32) bool { return !finite(float64(v)) }); i >= 0 {
			o.wrong = s.parameters.trained[i].Name
		}
	}
	if o.logits, err = tensors.CopyFlatData[float32](results[0]); err != nil {
		return outcome{}, err
	}
	for _, t := range append(inputs[1:], results...) {
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
