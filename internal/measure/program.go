package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/internal/device"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/train"
)

// A program is a network compiled for one batch size.
type program struct {
	run        func() error
	close      func()
	executable compute.Executable
	inputs     []compute.Buffer // of the executable; nil of a training step
	compiled   time.Duration
	warmUp     int // runs before the first that is measured
}

func (n *Network) compile(ctx context.Context, o Options) (*program, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Train {
		return n.training(o)
	}
	return n.inference(ctx, o.Batch)
}

// inference makes the program that classifies.
func (n *Network) inference(ctx context.Context, batch int) (*program, error) {
	store, err := n.randomWeights(ctx)
	if err != nil {
		return nil, err
	}
	shape := shapes.Make(dtypes.Float32, batch, n.size, n.size, 3)
	p := &program{warmUp: 2}
	start := time.Now()
	compiled, err := device.CompileOnly(n.backend, store, n.network.Name(), func(scope *model.Scope, g *graph.Graph) []*graph.Node {
		return []*graph.Node{n.network.Graph(scope, graph.Parameter(g, "images", shape)).Logits}
	})
	p.compiled = time.Since(start)
	if err != nil {
		return nil, err
	}
	p.executable, p.close = compiled.Executable(), compiled.Close
	pixels := make([]float32, shape.Size())
	fill(pixels)
	images, err := n.backend.BufferFromFlatData(0, pixels, shape)
	if err != nil {
		p.close()
		return nil, err
	}
	p.inputs = []compute.Buffer{images}
	p.run = func() error {
		outputs, err := compiled.Run(images)
		for _, o := range outputs {
			err = errors.Join(err, o.Finalize())
		}
		return err
	}
	return p, nil
}

// training makes the paper's training step (section 4), and does the first.
func (n *Network) training(o Options) (*program, error) {
	const classes = 1000
	options := n.network.Options()
	r := recipe.Training{
		Network: n.network.Name(), Width: options.Width, Blocks: options.Blocks, ResidualScales: options.ResidualScales,
		Size: n.size, Batch: o.Batch, Recompute: o.Recompute, Precision: string(options.Precision), Seed: 1,
		Optimizer:    recipe.Optimizer{RMSProp: &recipe.RMSProp{Decay: 0.9, Momentum: 0.9, Epsilon: 1}},
		LearningRate: recipe.LearningRate{Initial: 0.045},
		WeightDecay:  4e-5, LabelSmoothing: 0.1, AverageDecay: 0.9999,
	}
	step, err := train.NewProgram(n.backend, r, classes)
	if err != nil {
		return nil, err
	}
	images, err := step.Images(o.Batch)
	if err != nil {
		step.Close()
		return nil, err
	}
	fill(images)
	labels := make([]int32, o.Batch)
	for i := range labels {
		labels[i] = int32(i % classes)
	}
	steps := 0
	p := &program{warmUp: 1, close: step.Close}
	p.run = func() error {
		_, err := step.Step(steps, images, labels, images)
		steps++
		return err
	}
	start := time.Now()
	if err := p.run(); err != nil {
		step.Close()
		return nil, fmt.Errorf("train %s: %w", n.network.Name(), err)
	}
	if o.Ready != nil {
		o.Ready()
	}
	p.compiled, p.executable = time.Since(start), step.Executable()
	return p, nil
}
