package quantize

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/device"
)

// Statistics are what a model computes on photographs, layer by layer.
type Statistics struct {
	// Images is how many there were.
	Images int
	layers []*layerStatistics // by index in arch.Description; nil of layers that are not observed
}

// layerStatistics are those of one layer's output.
type layerStatistics struct {
	sums   []float64 // by channel
	most   []float32 // the largest absolute values, by channel
	values int       // of each channel
	histogram
}

// means returns the mean of each channel.
func (s *layerStatistics) means() []float64 {
	means := make([]float64, len(s.sums))
	for c, sum := range s.sums {
		means[c] = sum / float64(max(s.values, 1))
	}
	return means
}

// Observe runs the model on images, each [size, size, 3] as its preprocessing makes them,
// and returns the statistics of its layers. An image may be written over when the next is
// asked for.
func (m *Model) Observe(ctx context.Context, backend compute.Backend, size int, images iter.Seq2[[]float32, error]) (*Statistics, error) {
	s := &Statistics{layers: make([]*layerStatistics, len(m.layers))}
	observed := m.observed()
	program, store, err := m.compile(backend, size, observed)
	if err != nil {
		return nil, err
	}
	defer store.Finalize()
	defer program.Close()
	shape := shapes.Make(dtypes.Float32, 1, size, size, 3)
	for _, i := range observed {
		channels := m.layers[i].Output[len(m.layers[i].Output)-1]
		s.layers[i] = &layerStatistics{sums: make([]float64, channels), most: make([]float32, channels)}
	}
	for pixels, err := range images {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		if err := s.add(backend, program, shape, pixels, observed); err != nil {
			return nil, fmt.Errorf("observe %s: %w", m.Network.Name(), err)
		}
	}
	if s.Images == 0 {
		return nil, fmt.Errorf("observe %s: expected photographs, found none", m.Network.Name())
	}
	return s, nil
}

// observed lists the layers whose values are looked at. Those of a concatenation are its
// inputs'.
func (m *Model) observed() []int {
	var all []int
	for i, layer := range m.layers {
		switch layer.Kind {
		case arch.Convolution, arch.MaxPool, arch.AveragePool, arch.Sum:
			all = append(all, i)
		}
	}
	return all
}

// compile makes the program whose outputs are those of the layers.
func (m *Model) compile(backend compute.Backend, size int, layers []int) (*device.Program, *model.Store, error) {
	store := model.NewStore()
	device.Place(backend, store)
	parameters, err := m.Network.Parameters()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range parameters {
		if _, err := store.CreateVariable(p.Name, tensors.FromFlatDataAndDimensions(m.Values[p.Name], p.Shape...)); err != nil {
			return nil, nil, err
		}
	}
	program, err := device.Compile(backend, store, m.Network.Name(), func(scope *model.Scope, g *graph.Graph) []*graph.Node {
		outputs := m.Network.Graph(scope, graph.Parameter(g, "images", shapes.Make(dtypes.Float32, 1, size, size, 3)))
		var nodes []*graph.Node
		for _, i := range layers {
			nodes = append(nodes, outputs.Layer(i))
		}
		return nodes
	})
	if err != nil {
		store.Finalize()
		return nil, nil, err
	}
	return program, store, nil
}

// add adds what a program computes of one image.
func (s *Statistics) add(backend compute.Backend, program *device.Program, shape shapes.Shape, pixels []float32, observed []int) (err error) {
	image, err := backend.BufferFromFlatData(0, pixels, shape)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, image.Finalize()) }()
	outputs, err := program.Run(image)
	if err != nil {
		return err
	}
	failed := make([]error, len(outputs))
	var running sync.WaitGroup
	for first := range workers {
		running.Go(func() {
			var values []float32
			for i := first; i < len(outputs); i += workers {
				layer := s.layers[observed[i]]
				size, err := outputs[i].Shape()
				if err == nil {
					values = slices.Grow(values[:0], size.Size())[:size.Size()]
					err = outputs[i].ToFlatData(values)
				}
				if err == nil {
					err = layer.add(values)
				}
				failed[i] = errors.Join(err, outputs[i].Finalize())
			}
		})
	}
	running.Wait()
	s.Images++
	return errors.Join(failed...)
}

// workers is how many goroutines look at a network's layers.
const workers = 4

var errNotFinite = errors.New("found activations that are not finite numbers; the network may have diverged in training")

// add adds the values of a layer, channels last.
func (s *layerStatistics) add(values []float32) error {
	channels := len(s.sums)
	largest := float32(0)
	for at := 0; at < len(values); at += channels {
		for c, v := range values[at : at+channels] {
			s.sums[c] += float64(v)
			if v < 0 {
				v = -v
			}
			s.most[c] = max(s.most[c], v)
		}
	}
	for _, v := range s.most {
		largest = max(largest, v)
	}
	if math.IsNaN(float64(largest)) || math.IsInf(float64(largest), 0) {
		return errNotFinite
	}
	s.values += len(values) / channels
	s.histogram.add(values, largest)
	return nil
}
