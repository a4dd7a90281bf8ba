package engine_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// source is bytes as numbers, zeros after its end.
type source []byte

// from returns one of the choices: the byte itself where it is one, or there are none.
func (s *source) from(choices ...int) int {
	b := 0
	if len(*s) > 0 {
		b, *s = int((*s)[0]), (*s)[1:]
	}
	if len(choices) == 0 || slices.Contains(choices, b) {
		return b
	}
	return choices[b%len(choices)]
}

// What may follow a convolution.
const (
	ends = iota
	bias
	residual
	shortcut // the sum with an earlier value
	relu
	norm
	maxPool     // window, stride and padding follow
	averagePool // the same
	withImages
	withItself
	withConvolution // a pointwise one of it
	twoConvolutions // of it, pointwise, one of twice the channels, and nothing else
	convolution     // one of these alone
	isOutput        // beside the last
	stepKinds
)

// A convolutionCase is a convolution of x, [batch, height, width, in], and what follows.
type convolutionCase struct {
	batch, height, width, in, out, groups      int
	window, strides, dilations, inputDilations []int // height and width; nil where the operation has a default
	paddings                                   [][2]int
	transposed, reversed                       bool // the window, as in gradients
	after                                      source
}

func newConvolutionCase(shape, window, after []byte) convolutionCase {
	var (
		channels = []int{1, 2, 3, 5, 7, 8, 13, 16, 31, 32, 47, 64}
		side     = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 20, 24}
		sizes    = []int{1, 2, 3, 4, 5, 6, 7}
		edge     = []int{0, 1, 2, 3, 4, 5, 6, 7, -1}
	)
	s, w := source(shape), source(window)
	c := convolutionCase{after: after}
	c.batch, c.height, c.width = s.from(1, 2, 3), s.from(side...), s.from(side...)
	c.in, c.out, c.groups = s.from(channels...), s.from(channels...), s.from(1, 2, 4)
	c.window = []int{w.from(sizes...), w.from(sizes...)}
	c.strides = []int{w.from(1, 2, 3), w.from(1, 2, 3)}
	c.dilations = []int{w.from(1, 2), w.from(1, 2)}
	c.paddings = [][2]int{{w.from(edge...), w.from(edge...)}, {w.from(edge...), w.from(edge...)}}
	c.transposed, c.reversed = w.from(0, 1) == 1, w.from(0, 1) == 1
	c.inputDilations = []int{w.from(1, 2), w.from(1, 2)}
	if slices.Equal(c.strides, []int{1, 1}) {
		c.strides = nil
	}
	if slices.Equal(c.dilations, []int{1, 1}) {
		c.dilations = nil
	}
	if slices.Equal(c.inputDilations, []int{1, 1}) {
		c.inputDilations = nil
	}
	if slices.Equal(c.paddings, [][2]int{{}, {}}) {
		c.paddings = nil
	}
	for c.batch*c.height*c.width*c.window[0]*c.window[1]*c.in*c.out > 6e6 { // the go backend's speed is 1e9/s
		if c.height > c.width {
			c.height--
		} else {
			c.width--
		}
	}
	return c
}

// A recording is a program that is built with generated data.
type recording struct {
	compute.Function
	random    *rand.Rand
	constants bool // weights are constants, not parameters
	absolute  bool // all data are made positive: what the sums are of, without their signs
	given     []tensorData
	roundings int // at most, in a value of the last output
}

type tensorData struct {
	flat  []float32
	shape shapes.Shape
}

func (r *recording) data(dims []int) tensorData {
	d := tensorData{shape: shapes.Make(dtypes.Float32, dims...)}
	d.flat = make([]float32, d.shape.Size())
	for i := range d.flat {
		v := r.random.NormFloat64()
		if r.absolute {
			v = math.Abs(v)
		}
		d.flat[i] = float32(v)
	}
	return d
}

func (r *recording) images(dims ...int) (compute.Value, error) {
	d := r.data(dims)
	r.given = append(r.given, d)
	return r.Parameter(fmt.Sprintf("#%d", len(r.given)), d.shape, nil)
}

func (r *recording) weights(dims ...int) (compute.Value, error) {
	if !r.constants {
		return r.images(dims...)
	}
	return r.Constant(r.data(dims).flat, dims...)
}

// binary applies an operation with weights for each channel.
func (r *recording) binary(do func(lhs, rhs compute.Value) (compute.Value, error), v compute.Value, channels int) (compute.Value, error) {
	w, err := r.weights(1, 1, 1, channels)
	if err != nil {
		return nil, err
	}
	r.roundings += 2
	return do(v, w)
}

// nhwc is the axes of convolutions of [n, h, w, c] by [h, w, in, out].
func nhwc() compute.ConvolveAxesConfig {
	return compute.ConvolveAxesConfig{
		InputChannels: 3, InputSpatial: []int{1, 2}, OutputChannels: 3, OutputSpatial: []int{1, 2},
		KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
	}
}

func (r *recording) convolve(v compute.Value, c convolutionCase) (compute.Value, error) {
	axes := nhwc()
	dims := []int{c.window[0], c.window[1], max(1, c.in/c.groups), c.out}
	if c.transposed {
		axes.KernelInputChannels, axes.KernelOutputChannels = 3, 2
		dims[2], dims[3] = dims[3], dims[2]
	}
	w, err := r.weights(dims...)
	if err != nil {
		return nil, err
	}
	if c.reversed {
		if w, err = r.Reverse(w, 0, 1); err != nil {
			return nil, err
		}
	}
	r.roundings += c.window[0]*c.window[1]*c.in + 2
	return r.ConvGeneral(v, w, axes, c.strides, c.paddings, c.inputDilations, c.dilations, c.groups, 1)
}

// pool appends a window of maxima, or of averages over the cells inside the image.
func (r *recording) pool(v compute.Value, dims []int, maximum bool, s *source) (compute.Value, error) {
	size, stride := s.from(1, 2, 3), s.from(0, 1, 2)
	padding := s.from(0, 1)
	if padding == size {
		padding = 0
	}
	window := []int{1, size, size, 1}
	var strides []int // nil is the window
	if stride > 0 {
		strides = []int{1, stride, stride, 1}
	}
	paddings := [][2]int{{}, {padding, padding}, {padding, padding}, {}}
	reduce := func(v compute.Value, reduction compute.ReduceOpType) (compute.Value, error) {
		return r.ReduceWindow(v, reduction, window, strides, nil, nil, paddings)
	}
	if maximum {
		return reduce(v, compute.ReduceOpMax)
	}
	r.roundings += size*size + 1
	cells, err := r.Constant(slices.Repeat([]float32{1}, dims[1]*dims[2]), 1, dims[1], dims[2], 1)
	if err != nil {
		return nil, err
	}
	if cells, err = reduce(cells, compute.ReduceOpSum); err != nil {
		return nil, err
	}
	if v, err = reduce(v, compute.ReduceOpSum); err != nil {
		return nil, err
	}
	return r.Div(v, cells)
}

// record builds the program of a case and returns its outputs.
func (r *recording) record(c convolutionCase) ([]compute.Value, error) {
	x, err := r.images(c.batch, c.height, c.width, c.in)
	if err != nil {
		return nil, err
	}
	v, err := r.convolve(x, c)
	if err != nil {
		return nil, err
	}
	earlier := []compute.Value{x}
	var outputs []compute.Value
	after := c.after
	for range 8 {
		shape, err := r.Shape(v)
		if err != nil {
			return nil, err
		}
		dims := shape.Dimensions
		channels := dims[3]
		before := v
		pointwise := convolutionCase{window: []int{1, 1}, in: channels, out: c.out, groups: 1}
		kind := after.from() % stepKinds
		switch kind {
		case ends:
			return append(outputs, v), nil
		case bias:
			v, err = r.binary(r.Add, v, channels)
		case norm:
			if v, err = r.binary(r.Mul, v, channels); err == nil {
				v, err = r.binary(r.Add, v, channels)
			}
		case residual:
			var w compute.Value
			if w, err = r.images(dims...); err == nil {
				r.roundings++
				v, err = r.Add(v, w)
			}
		case shortcut:
			for _, w := range slices.Backward(earlier) {
				if s, _ := r.Shape(w); s.Equal(shape) {
					r.roundings++
					v, err = r.Add(w, v)
					break
				}
			}
		case relu:
			var zero compute.Value
			if zero, err = r.Constant([]float32{0}); err == nil {
				v, err = r.Max(v, zero)
			}
		case maxPool, averagePool:
			v, err = r.pool(v, dims, kind == maxPool, &after)
		case withImages:
			var w compute.Value
			if w, err = r.images(dims[0], dims[1], dims[2], 5); err == nil {
				v, err = r.Concatenate(3, w, v)
			}
		case withItself:
			v, err = r.Concatenate(3, v, v)
		case withConvolution:
			var w compute.Value
			if w, err = r.convolve(v, pointwise); err == nil {
				v, err = r.Concatenate(3, v, w)
			}
		case twoConvolutions:
			var u, w compute.Value
			if u, err = r.convolve(v, pointwise); err != nil {
				break
			}
			if u, err = r.binary(r.Add, u, pointwise.out); err != nil {
				break
			}
			pointwise.out *= 2
			if w, err = r.convolve(v, pointwise); err == nil {
				v, err = r.Concatenate(3, u, w)
			}
		case convolution:
			v, err = r.convolve(v, pointwise)
		case isOutput:
			outputs = append(outputs, v)
		}
		if err != nil {
			return nil, err
		}
		earlier = append(earlier, before)
	}
	return append(outputs, v), nil
}

// compile builds the program of a case and makes the buffers that it takes.
func (c convolutionCase) compile(backend compute.Backend, constants, absolute bool) (program compute.Executable, inputs []compute.Buffer, roundings int, err error) {
	b := backend.Builder("fuzz")
	r := &recording{Function: b.Main(), random: rand.New(rand.NewPCG(1, 2)), constants: constants, absolute: absolute}
	values, err := r.record(c)
	if err != nil {
		return nil, nil, 0, err
	}
	if err := r.Return(values, nil); err != nil {
		return nil, nil, 0, err
	}
	if program, err = b.Compile(); err != nil {
		return nil, nil, 0, err
	}
	inputs = make([]compute.Buffer, len(r.given))
	for i, d := range r.given {
		if inputs[i], err = backend.BufferFromFlatData(0, d.flat, d.shape); err != nil {
			return nil, nil, 0, err
		}
	}
	return program, inputs, r.roundings, nil
}

// run returns the outputs of a case, and how often each of their values was rounded.
func (c convolutionCase) run(backend compute.Backend, constants, absolute bool) (outputs [][]float32, roundings int, err error) {
	program, inputs, roundings, err := c.compile(backend, constants, absolute)
	if err != nil {
		return nil, 0, err
	}
	defer program.Finalize()
	var buffers []compute.Buffer
	for range 2 { // the second time, memory has values in it
		if buffers, err = program.Execute(inputs, nil, 0); err != nil {
			return nil, 0, err
		}
	}
	for i, shape := range program.Outputs() {
		flat := make([]float32, shape.Size())
		if err := buffers[i].ToFlatData(flat); err != nil {
			return nil, 0, err
		}
		outputs = append(outputs, flat)
	}
	return outputs, roundings, nil
}

// A variant is a backend with options.
type variant struct {
	compute.Backend
	config   string
	winograd bool
}

// variants have every instruction set, with Winograd's algorithm and without.
func variants() ([]variant, error) {
	var all []variant
	for _, isa := range kernel.Available() {
		for _, winograd := range []bool{true, false} {
			v := variant{config: fmt.Sprintf("threads=2,isa=%s,winograd=%s", isa, map[bool]string{true: "on", false: "off"}[winograd]), winograd: winograd}
			var err error
			if v.Backend, err = engine.New(v.config); err != nil {
				return nil, err
			}
			all = append(all, v)
		}
	}
	return all, nil
}

// winogradError is how far, relative to the root mean square of the outputs, those of
// Winograd's algorithm may be from exact sums: three times the largest that was
// measured, with 224 channels and normal data.
const winogradError = 66e-6

// differ returns an error where values differ by more than their roundings account
// for, in sums of the magnitudes given, and the share of the root mean square.
func differ(got, want, magnitudes []float32, roundings int, share float64) error {
	squares := 0.0
	for _, v := range want {
		squares += float64(v) * float64(v)
	}
	share *= math.Sqrt(squares / float64(len(want)))
	for i, v := range want {
		// Both sides have rounded.
		bound := share + 2*float64(roundings)*0x1p-24*float64(magnitudes[i])
		if d := math.Abs(float64(got[i]) - float64(v)); !(d <= bound) {
			return fmt.Errorf("element %d of %d is %g, want %g within %g", i, len(want), got[i], v, bound)
		}
	}
	return nil
}

// check compares the program of a case on our backends with that on theirs.
func (c convolutionCase) check(t *testing.T, theirs compute.Backend, ours []variant) (refused bool) {
	t.Helper()
	for _, constants := range []bool{false, true} {
		want, roundings, refusal := c.run(theirs, constants, false)
		magnitudes, _, _ := c.run(theirs, constants, true)
		for _, v := range ours {
			got, _, err := c.run(v, constants, false)
			if (err == nil) != (refusal == nil) {
				t.Fatalf("%s, %+v: error is %v, the go backend's is %v", v.config, c, err, refusal)
			}
			share := 0.0
			if v.winograd && (constants || c.reversed) {
				share = winogradError // also of trained weights, as a gradient
			}
			for i := range want {
				if err := differ(got[i], want[i], magnitudes[i], roundings, share); err != nil {
					t.Fatalf("%s, constant weights: %t, %+v: output %d: %v", v.config, constants, c, i, err)
				}
			}
		}
		refused = refusal != nil
	}
	return refused
}

// FuzzConvolution compares convolutions, and what is fused with them, with the go
// backend: the results, or that there is an error.
func FuzzConvolution(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed[0], seed[1], seed[2])
	}
	theirs, err := gobackend.New("ops_sequential")
	if err != nil {
		f.Fatal(err)
	}
	ours, err := variants()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, shape, window, after []byte) {
		newConvolutionCase(shape, window, after).check(t, theirs, ours)
	})
}

// TestSeeds checks that the seeds use each algorithm, so that the comparison is one.
func TestSeeds(t *testing.T) {
	backend := newBackend(t, "threads=2")
	missing := map[string]bool{
		"direct": true, "WinogradF32_3x3": true, "WinogradF32_1x3": true, "WinogradF32_3x1": true, "WinogradF32_1x7": true, "WinogradF32_7x1": true,
		"max pool": true, "sum pool": true, "copy": true,
	}
	for _, seed := range seeds() {
		program, _, _, err := newConvolutionCase(seed[0], seed[1], seed[2]).compile(backend, true, false)
		if err != nil {
			continue
		}
		steps, err := engine.Operations(program)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			algorithm, _, _ := strings.Cut(s.Algorithm, " ")
			delete(missing, s.Name)
			delete(missing, algorithm)
		}
	}
	for what := range missing {
		t.Errorf("no seed uses %s", what)
	}
}

// seeds are shapes, windows and what follows. Shapes are batch, height, width,
// channels of input and output, groups; windows are their size, strides, distances of
// their pixels and padding (8 is -1), whether they are transposed and reversed, and the
// distances of the input's pixels.
func seeds() [][3][]byte {
	return [][3][]byte{
		{{1, 1, 1, 1, 1, 1}, {1, 1}, {}},
		{{2, 7, 5, 3, 31, 1}, {3, 3, 2, 2}, {norm, relu}},
		{{1, 17, 17, 3, 32, 1}, {3, 3, 2, 2}, {bias, relu, maxPool, 3, 2, 0}},
		{{2, 13, 13, 32, 64, 1}, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {norm, residual, relu}},
		{{1, 17, 17, 32, 47, 1}, {1, 7, 1, 1, 1, 1, 0, 0, 3, 3}, {norm, relu, withConvolution}},
		{{2, 17, 13, 64, 32, 1}, {7, 1, 1, 1, 1, 1, 3, 3, 0, 0}, {withItself, relu}},
		{{3, 17, 13, 47, 32, 1}, {1, 3, 1, 1, 1, 1, 0, 0, 1, 1}, {norm, relu, averagePool, 3, 1, 1}},
		{{3, 13, 17, 32, 32, 1}, {3, 1, 1, 1, 1, 1, 1, 1}, {residual, isOutput, relu}},
		{{1, 20, 20, 32, 32, 1}, {3, 3}, {residual, residual, relu}},
		{{1, 20, 20, 32, 32, 1}, {3, 3, 1, 1, 1, 1, 2, 0, 0, 2}, {relu, residual, norm}},
		{{2, 9, 9, 13, 7, 1}, {5, 5, 1, 1, 1, 1, 2, 2, 2, 2}, {norm, relu, maxPool, 3, 1, 1, withImages}},
		{{1, 20, 20, 32, 32, 1}, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {norm, shortcut, relu, isOutput, convolution, shortcut, relu}},
		{{2, 5, 6, 7, 7, 1}, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {relu, convolution, norm, shortcut, convolution, shortcut, withItself, relu}},
		{{2, 9, 9, 8, 8, 2}, {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {bias, relu}},
		{{1, 9, 9, 16, 16, 4}, {3, 3, 2, 2}, {norm, convolution, relu}},
		{{1, 9, 9, 5, 8, 2}, {3, 3}, {}},
		{{1, 9, 9, 8, 5, 4}, {3, 3}, {}},
		{{1, 2, 2, 5, 5, 1}, {3, 3}, {}},
		{{1, 2, 2, 5, 5, 1}, {3, 3, 1, 1, 1, 1, 1, 0, 1, 0}, {relu}},
		{{1, 11, 12, 7, 16, 1}, {7, 6, 3, 2, 2, 1, 5, 1, 0, 6}, {norm, relu, averagePool, 2, 2, 1}},
		{{2, 8, 8, 31, 2, 1}, {2, 4, 1, 3, 1, 2, 0, 7, 7, 0}, {bias, isOutput, withConvolution, relu}},
		{{1, 9, 9, 5, 7, 1}, {3, 3, 1, 1, 1, 1, 8, 8, 1, 8}, {bias}},
		{{1, 6, 6, 7, 13, 1}, {3, 3, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2}, {relu}},
		{{2, 5, 4, 16, 7, 1}, {3, 2, 1, 1, 1, 1, 2, 1, 1, 2, 1, 0, 2, 1}, {norm}},
		{{1, 24, 24, 2, 3, 1}, {1, 1, 3, 3}, {maxPool, 2, 1, 1, withItself, convolution, residual, relu}},
		{{2, 10, 10, 64, 32, 1}, {1, 1}, {norm, relu, withConvolution, convolution, residual, isOutput, relu}},
		{{1, 12, 12, 1, 1, 1}, {6, 6, 1, 1, 1, 1, 3, 2, 2, 3}, {norm, residual, norm, relu}},
		{{1, 17, 17, 3, 32, 1}, {2, 3, 2, 1}, {maxPool, 2, 0, 0, averagePool, 2, 0, 0}},
		{{2, 9, 7, 13, 47, 1}, {1, 1}, {relu, twoConvolutions, relu, twoConvolutions, norm}},
		{{1, 11, 9, 16, 31, 1}, {3, 3}, {relu, withItself, averagePool, 3, 1, 1, convolution, norm, relu}},
		{{1, 11, 9, 16, 31, 1}, {3, 3}, {relu, twoConvolutions, averagePool, 3, 1, 1, convolution, relu, isOutput, norm}},
	}
}
