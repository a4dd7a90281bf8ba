package predict

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/internal/device"
)

// programs are a network compiled up to an output, for a number of images. Each is compiled
// when it is first asked for, once, and kept.
type programs struct {
	backend compute.Backend
	network *arch.Network
	store   *model.Store // of all parameters
	size    int          // side of the images in pixels
	only    bool         // the first program takes the parameters

	mutex  sync.Mutex
	taken  bool // the parameters, by a program
	all    map[programKey]*program
	closed bool
}

type programKey struct {
	output output
	batch  int
	shares bool // of logits are an input
}

// An output is what a program computes of a batch, comparable. shares is nil, or what part
// each logit has in the sum that a gradient is of, shaped [batch, classes].
type output interface {
	node(o *arch.Outputs, shares *graph.Node) (*graph.Node, error)
}

type toLogits struct{}

func (toLogits) node(o *arch.Outputs, _ *graph.Node) (*graph.Node, error) { return o.Logits, nil }

type toEndPoint struct{ name string }

func (to toEndPoint) node(o *arch.Outputs, _ *graph.Node) (*graph.Node, error) {
	return o.EndPoint(to.name)
}

// A program is compiled, or being compiled until done is closed.
type program struct {
	done     chan struct{}
	compiled *device.Program
	err      error
}

var errClosed = errors.New("the classifier has been closed")

func newPrograms(backend compute.Backend, network *arch.Network, store *model.Store, size int) *programs {
	device.Place(backend, store)
	return &programs{backend: backend, network: network, store: store, size: size, all: map[programKey]*program{}}
}

// imageValues is how many values an image has.
func (p *programs) imageValues() int { return p.size * p.size * 3 }

// run returns the values, batch first, that a program makes of pixels, [batch, size,
// size, 3], and of shares, [batch, classes], for outputs that take them. Several goroutines may
// call it.
func (p *programs) run(ctx context.Context, of output, pixels, shares []float32) ([]float32, error) {
	if len(pixels) == 0 || len(pixels)%p.imageValues() != 0 {
		return nil, fmt.Errorf("run %s: found %d values, expected %d for each image and at least one image", p.network.Name(), len(pixels), p.imageValues())
	}
	key := programKey{output: of, batch: len(pixels) / p.imageValues(), shares: shares != nil}
	compiled, err := p.find(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var values []float32
	err = exceptions.TryCatch[error](func() {
		var err error
		if values, err = p.execute(compiled, key, pixels, shares); err != nil {
			panic(err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", p.network.Name(), err)
	}
	return values, nil
}

func (p *programs) execute(compiled *device.Program, key programKey, pixels, shares []float32) (values []float32, err error) {
	images, err := p.backend.BufferFromFlatData(0, pixels, p.shape(key.batch))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, images.Finalize()) }()
	if !key.shares {
		return outputOf(compiled, images)
	}
	of, err := p.backend.BufferFromFlatData(0, shares, p.sharesShape(key.batch))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, of.Finalize()) }()
	return outputOf(compiled, images, of)
}

// outputOf runs a program and returns its output's values.
func outputOf(compiled *device.Program, inputs ...compute.Buffer) (values []float32, err error) {
	outputs, err := compiled.Run(inputs...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, outputs[0].Finalize()) }()
	shape, err := outputs[0].Shape()
	if err != nil {
		return nil, err
	}
	values = make([]float32, shape.Size())
	return values, outputs[0].ToFlatData(values)
}

func (p *programs) shape(batch int) shapes.Shape {
	return shapes.Make(dtypes.Float32, batch, p.size, p.size, 3)
}

func (p *programs) sharesShape(batch int) shapes.Shape {
	return shapes.Make(dtypes.Float32, batch, p.network.Options().Classes)
}

// find returns a program, compiled here or by another goroutine, which is waited for.
func (p *programs) find(ctx context.Context, key programKey) (*device.Program, error) {
	p.mutex.Lock()
	if p.closed {
		p.mutex.Unlock()
		return nil, errClosed
	}
	found, ok := p.all[key]
	if !ok {
		found = &program{done: make(chan struct{})}
		p.all[key] = found
	}
	p.mutex.Unlock()
	if !ok {
		p.fill(key, found)
	}
	select {
	case <-found.done:
		return found.compiled, found.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fill compiles a program, and forgets it where that fails. Those who wait for it get an
// error also where compiling panics.
func (p *programs) fill(key programKey, found *program) {
	found.err = fmt.Errorf("compile %s: another goroutine's compilation of the same program panicked", p.network.Name())
	defer func() {
		if found.err != nil {
			p.mutex.Lock()
			delete(p.all, key)
			p.mutex.Unlock()
		}
		close(found.done)
	}()
	found.compiled, found.err = p.compile(key)
}

func (p *programs) compile(key programKey) (*device.Program, error) {
	compile := device.Compile
	if p.only {
		p.mutex.Lock()
		taken := p.taken
		p.taken = true
		p.mutex.Unlock()
		if taken {
			return nil, fmt.Errorf("compile %s: the classifier was opened for one program, which has been compiled; open it without Config.OnlyProgram for more than one batch size or end point", p.network.Name())
		}
		compile = device.CompileOnly
	}
	return compile(p.backend, p.store, p.network.Name(), func(scope *model.Scope, g *graph.Graph) []*graph.Node {
		images := graph.Parameter(g, "images", p.shape(key.batch))
		var shares *graph.Node
		if key.shares {
			shares = graph.Parameter(g, "shares", p.sharesShape(key.batch))
		}
		node, err := key.output.node(p.network.Graph(scope, images), shares)
		if err != nil {
			panic(err)
		}
		return []*graph.Node{node}
	})
}

// close releases all programs, also those that are being compiled, and the parameters.
func (p *programs) close() {
	p.mutex.Lock()
	all, closed := p.all, p.closed
	p.all, p.closed = nil, true
	p.mutex.Unlock()
	if closed {
		return
	}
	for _, program := range all {
		<-program.done
		if program.err == nil {
			program.compiled.Close()
		}
	}
	if !p.taken {
		p.store.Finalize()
	}
}
