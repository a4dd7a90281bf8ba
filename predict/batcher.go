package predict

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Batcher classifies images that many goroutines bring, together: those that are waiting
// when the network is free are the next batch. It waits a moment, a part of the batch's own
// time, until the files that are there are decoded, and for the senders that come again when
// they have their answers. Several goroutines decode. Images whose context is over leave before
// they are decoded, and before each batch.
type Batcher struct {
	classifier *Classifier
	options    BatcherOptions
	sizes      []int // of batches, from the largest
	inputs     map[int]*input
	running    sync.WaitGroup

	mu       sync.Mutex
	changed  sync.Cond
	waiting  []*image // by priority and then in the order they came, without those of the batch that runs
	images   int      // admitted and not answered
	bytes    int64    // that these hold
	decoding int64    // bytes that decoding takes
	draining bool
	stats    BatcherStats
	took     map[int]time.Duration // by the last batch of each size
	returns  returns
}

// BatcherOptions bound what a Batcher takes. The zero value has the defaults.
type BatcherOptions struct {
	// Batch is the largest number of images that run through the network at a time;
	// DefaultBatch when zero. Smaller batches are of 1, 2, 4, ... images, so that the
	// network is compiled for few sizes.
	Batch int
	// Features makes the network answer Result.Features, too. A network without classes has
	// nothing else, in Result.Logits, whatever this says.
	Features bool
	// Delay is how long an image waits at most for others that are not to be expected yet; 0
	// by default, as batches are hardly faster for each image than single ones.
	Delay time.Duration
	// Images is how many may be there at a time, waiting or running, before others are
	// refused; DefaultImages when zero.
	Images int
	// Bytes is how much memory these may hold, as Input says; DefaultBytes when zero.
	Bytes int64
	// Decoders is how many goroutines decode; GOMAXPROCS when zero.
	Decoders int
	// DecodeBytes is how much memory decoding may take at a time before files wait; a file
	// that takes more is decoded alone. DefaultDecodeBytes when zero.
	DecodeBytes int64
	// Decode is how files are decoded. ResizedTo and Alpha are the classifier's.
	Decode vision.DecodeOptions
	// Turns, where it is not nil, is shared with other Batchers that compute on the same
	// processors: they take turns, a batch each.
	Turns *Turns
	// Threads is how many of those of Turns the classifier's backend computes with; all when
	// zero. Batchers of few threads compute side by side.
	Threads int
}

// The defaults of BatcherOptions.
const (
	DefaultBatch       = 8
	DefaultImages      = 256
	DefaultBytes       = 512 << 20
	DefaultDecodeBytes = 512 << 20
)

// ErrBusy is why an image is refused while too many are waiting; it may be tried again.
var ErrBusy = errors.New("too many images are waiting; try again later")

// ErrDraining is why an image is refused after Drain.
var ErrDraining = errors.New("no more images are taken, as the classifier is stopping")

// ErrTooMany is why images are refused that would not even be taken if none were waiting.
var ErrTooMany = errors.New("the images are more than are taken at a time")

// An Input is one image: a file, or what the network takes.
type Input struct {
	// Encoded is a file of one of vision.Formats.
	Encoded []byte
	// Seen, where it is not nil, is called with what the network sees of Encoded, once it is
	// decoded, by another goroutine and before its Photo is returned. The image must not be
	// changed.
	Seen func(*vision.Image)
	// Write, where Encoded is nil, writes what the network takes to dst, [size, size, 3],
	// straight into the batch: finite numbers. It is called once, or not at all; an error is
	// the image's.
	Write func(dst []float32) error
	// Bytes is the memory that Write keeps from being released.
	Bytes int64
	// Priority puts it before those that wait with a smaller one.
	Priority int
}

// An image is an Input on its way.
type image struct {
	call   *call
	index  int // in the call
	input  Input
	bytes  int64
	memory int64     // that decoding takes
	since  time.Time // it came, and then it was decoded
	state  state
	crop   *vision.Image
}

type state int

const (
	encoded state = iota // waits to be decoded
	inDecoder
	ready // waits for a batch
)

// A call is the images of one Classify.
type call struct {
	ctx    context.Context
	photos []Photo
	left   int   // images without an answer
	err    error // of the network
	done   chan struct{}
}

// over reports whether nobody waits for the call's answer any more.
func (c *call) over() bool { return c.err != nil || c.ctx.Err() != nil }

// NewBatcher returns a Batcher that runs until Close.
func NewBatcher(c *Classifier, o BatcherOptions) (*Batcher, error) {
	o.Batch = cmp.Or(o.Batch, DefaultBatch)
	o.Images = cmp.Or(o.Images, DefaultImages)
	o.Bytes = cmp.Or(o.Bytes, DefaultBytes)
	o.Decoders = cmp.Or(o.Decoders, runtime.GOMAXPROCS(0))
	o.DecodeBytes = cmp.Or(o.DecodeBytes, DefaultDecodeBytes)
	if o.Batch < 1 || o.Images < 1 || o.Bytes < 1 || o.Decoders < 1 || o.DecodeBytes < 1 || o.Delay < 0 || o.Threads < 0 {
		return nil, fmt.Errorf("a batcher needs a batch, images, bytes and decoders of at least 1 and no negative delay or threads, found %d, %d, %d, %d, %v and %d",
			o.Batch, o.Images, min(o.Bytes, o.DecodeBytes), o.Decoders, o.Delay, o.Threads)
	}
	if o.Turns == nil {
		o.Turns = NewTurns(1)
	}
	o.Decode.ResizedTo, o.Decode.Alpha = c.preprocessing.ResizedTo(), c.preprocessing.Alpha
	b := &Batcher{classifier: c, options: o, sizes: batchSizes(o.Batch), inputs: map[int]*input{}, took: map[int]time.Duration{}}
	b.changed.L = &b.mu
	b.stats.Batches = make(map[int]uint64, len(b.sizes))
	b.stats.BatchTimes = make(map[int]time.Duration, len(b.sizes))
	for range o.Decoders {
		b.running.Go(b.decode)
	}
	b.running.Go(b.compute)
	return b, nil
}

// batchSizes are the largest and the powers of two below it, from the largest.
func batchSizes(largest int) []int {
	power := 1
	for power*2 < largest {
		power *= 2
	}
	sizes := []int{largest}
	for ; power >= 1 && power < largest; power /= 2 {
		sizes = append(sizes, power)
	}
	return sizes
}

// Classifier returns what the Batcher runs.
func (b *Batcher) Classifier() *Classifier { return b.classifier }

// Features is how many Result.Features has; 0 where there are none.
func (b *Batcher) Features() int {
	if !b.options.Features || !b.classifier.network.Options().HasClasses() {
		return 0
	}
	shape, err := b.classifier.EndPointShape(Pooled)
	if err != nil {
		panic(err) // every network has the stage
	}
	return shape[len(shape)-1]
}

// output is what programs are to compute.
func (b *Batcher) output() output {
	if b.Features() > 0 {
		return toLogitsAndPooled{}
	}
	return toLogits{}
}

// Classify classifies images and returns a Photo for each in their order, without a name.
// What is wrong with an image is its Photo's Err. The images are taken together or not at
// all: ErrBusy, ErrDraining and ErrTooMany say that they were not. Classify returns as soon
// as the context ends, with its cause; what an Input holds may be in use for a moment
// longer. Other errors are the network's.
func (b *Batcher) Classify(ctx context.Context, inputs ...Input) ([]Photo, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if len(inputs) == 0 {
		return nil, nil
	}
	c := &call{ctx: ctx, photos: make([]Photo, len(inputs)), left: len(inputs), done: make(chan struct{})}
	if err := b.admit(c, inputs); err != nil {
		return nil, err
	}
	select {
	case <-c.done:
		return c.photos, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// admit makes images wait, unless they are too many.
func (b *Batcher) admit(c *call, inputs []Input) error {
	crop := int64(3 * b.classifier.preprocessing.Size * b.classifier.preprocessing.Size)
	now := time.Now()
	all := make([]*image, len(inputs))
	var bytes int64
	for i, in := range inputs {
		m := &image{call: c, index: i, input: in, bytes: in.Bytes, since: now, state: ready}
		if in.Write == nil {
			m.state, m.bytes = encoded, in.Bytes+max(crop, int64(len(in.Encoded)))
			if err := caught(func() error { m.memory = vision.Memory(in.Encoded, b.options.Decode); return nil }); err != nil {
				return err
			}
		}
		all[i] = m
		bytes += m.bytes
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.draining:
		return ErrDraining
	case len(inputs) > b.options.Images:
		return fmt.Errorf("%w: expected at most %d, found %d; divide them among several requests", ErrTooMany, b.options.Images, len(inputs))
	case bytes > b.options.Bytes:
		return fmt.Errorf("%w: expected at most %d bytes, found %d; divide them among several requests", ErrTooMany, b.options.Bytes, bytes)
	}
	if b.full(len(inputs), bytes) {
		if b.dropLeft(); b.full(len(inputs), bytes) {
			b.stats.Refused += uint64(len(inputs))
			return ErrBusy
		}
	}
	b.images += len(all)
	b.bytes += bytes
	b.returns.add(len(all), now)
	for _, m := range all {
		at := len(b.waiting)
		for at > 0 && b.waiting[at-1].input.Priority < m.input.Priority {
			at--
		}
		b.waiting = slices.Insert(b.waiting, at, m)
	}
	b.changed.Broadcast()
	return nil
}

func (b *Batcher) full(images int, bytes int64) bool {
	return b.images+images > b.options.Images || b.bytes+bytes > b.options.Bytes
}

// dropLeft drops the waiting images of calls that are over, but for those that are being
// decoded.
func (b *Batcher) dropLeft() {
	b.waiting = slices.DeleteFunc(b.waiting, func(m *image) bool {
		over := m.state != inDecoder && m.call.over()
		if over {
			b.stats.Left++
			b.answer(m)
		}
		return over
	})
}

// answer ends an image's way: its Photo, or its call's error, is there.
func (b *Batcher) answer(m *image) {
	b.images--
	b.bytes -= m.bytes
	m.crop, m.input = nil, Input{}
	if m.call.left--; m.call.left == 0 {
		close(m.call.done)
	}
	b.changed.Broadcast()
}

// Drain refuses further images and returns when those that are there have their answers,
// or when the context ends, with its cause.
func (b *Batcher) Drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changed.Broadcast()
	})
	defer stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draining = true
	b.changed.Broadcast()
	for b.images > 0 && ctx.Err() == nil {
		b.changed.Wait()
	}
	if b.images > 0 {
		return context.Cause(ctx)
	}
	return nil
}

// Close refuses further images, gives those that wait ErrDraining and returns when nothing
// runs any more. The classifier stays open.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.draining = true
	for _, m := range b.waiting {
		m.call.err = ErrDraining
	}
	b.dropLeft()
	b.changed.Broadcast()
	b.mu.Unlock()
	b.running.Wait()
	for _, in := range b.inputs {
		in.close()
	}
	b.inputs = nil
}

// BatcherStats are what a Batcher has done since it was made, and what waits.
type BatcherStats struct {
	// Waiting is how many images are waiting or running, and WaitingBytes what they hold.
	Waiting      int
	WaitingBytes int64
	// Images is how many have gone through the network, and Batches in how many batches of
	// each size, which took BatchTimes.
	Images     uint64
	Batches    map[int]uint64
	BatchTimes map[int]time.Duration
	// Left is how many images left before the network ran as their context was over, and
	// Refused how many were not taken.
	Left, Refused uint64
	// Decoding, Queued and Computing are the times that images were decoded, waited to be
	// and then for a batch, and were in the network: the sums over images.
	Decoding, Queued, Computing time.Duration
}

// Plus returns the sums of two Batchers' figures.
func (s BatcherStats) Plus(o BatcherStats) BatcherStats {
	sum := BatcherStats{
		Waiting: s.Waiting + o.Waiting, WaitingBytes: s.WaitingBytes + o.WaitingBytes, Images: s.Images + o.Images,
		Batches: map[int]uint64{}, BatchTimes: map[int]time.Duration{}, Left: s.Left + o.Left, Refused: s.Refused + o.Refused,
		Decoding: s.Decoding + o.Decoding, Queued: s.Queued + o.Queued, Computing: s.Computing + o.Computing,
	}
	for _, batches := range []map[int]uint64{s.Batches, o.Batches} {
		for size, n := range batches {
			sum.Batches[size] += n
		}
	}
	for _, times := range []map[int]time.Duration{s.BatchTimes, o.BatchTimes} {
		for size, took := range times {
			sum.BatchTimes[size] += took
		}
	}
	return sum
}

// Stats returns the Batcher's figures.
func (b *Batcher) Stats() BatcherStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Waiting, s.WaitingBytes = b.images, b.bytes
	s.Batches, s.BatchTimes = maps.Clone(b.stats.Batches), maps.Clone(b.stats.BatchTimes)
	return s
}
