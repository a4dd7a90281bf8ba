package predict

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// decode decodes waiting files, the first first, until the Batcher is drained.
func (b *Batcher) decode() {
	for {
		m, memory := b.nextFile()
		if m == nil {
			return
		}
		began := time.Now()
		photo, crop := b.crop(m.input)
		took := time.Since(began)

		b.mu.Lock()
		b.decoding -= memory
		b.stats.Decoding += took
		b.stats.Queued += began.Sub(m.since)
		m.since = began.Add(took)
		m.call.photos[m.index] = photo
		m.crop, m.state = crop, ready
		m.input.Encoded = nil
		if photo.Err != nil || m.call.over() {
			b.waiting = slices.DeleteFunc(b.waiting, func(w *image) bool { return w == m })
			b.answer(m)
		}
		b.changed.Broadcast()
		b.mu.Unlock()
	}
}

// nextFile waits for a file, and for the memory that it takes to decode it; nil at the end.
func (b *Batcher) nextFile() (m *image, memory int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		b.dropLeft()
		for _, next := range b.waiting {
			if next.state != encoded {
				continue
			}
			memory = next.memory
			if b.decoding > 0 && b.decoding+memory > b.options.DecodeBytes {
				break // those behind it wait too, or it might wait for ever
			}
			b.decoding += memory
			next.state = inDecoder
			return next, memory
		}
		if b.draining && len(b.waiting) == 0 {
			return nil, 0
		}
		b.changed.Wait()
	}
}

// crop decodes a file and takes the part that the network sees.
func (b *Batcher) crop(in Input) (photo Photo, crop *vision.Image) {
	err := caught(func() error {
		m, err := vision.Decode(in.Encoded, b.options.Decode)
		if err != nil {
			return err
		}
		photo.Width, photo.Height = m.PhotoSize()
		if crop, err = b.classifier.preprocessing.CentralCrop(m); err == nil && in.Seen != nil {
			in.Seen(crop)
		}
		return err
	})
	if err != nil {
		return Photo{Err: err}, nil
	}
	return photo, crop
}

// A PanicError is a fault of this program, not of what it was given.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// caught returns a panic as a PanicError.
func caught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	return f()
}

// compute runs batches until the Batcher is drained.
func (b *Batcher) compute() {
	for b.awaitReady() {
		threads := b.options.Turns.take(b.options.Threads)
		batch := b.nextBatch()
		if len(batch) > 0 {
			b.run(batch)
		}
		b.options.Turns.give(threads)
	}
}

// awaitReady waits until a batch may begin; false at the end.
func (b *Batcher) awaitReady() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := time.Now()
	for {
		b.dropLeft()
		count, undecoded := 0, 0
		var first time.Time // when the first that is ready was
		for _, m := range b.waiting {
			if m.state != ready {
				undecoded++
				continue
			}
			if count == 0 {
				first = m.since
			}
			count++
		}
		var wait time.Duration
		if count > 0 {
			wait = b.options.Delay - time.Since(first)
			if first.Before(free) {
				first = free
			}
			wait = max(wait, b.worthWaiting(count, undecoded+b.returns.coming())-time.Since(first))
		}
		switch {
		case count >= b.options.Batch, count > 0 && (wait <= 0 || b.draining):
			return true
		case b.draining && len(b.waiting) == 0:
			return false
		case count > 0:
			timer := time.AfterFunc(wait, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.changed.Broadcast()
			})
			b.changed.Wait()
			timer.Stop()
		default:
			b.changed.Wait()
		}
	}
}

// waitingShare is the part of a batch's time that it waits at most for images that are
// coming: those that are there and not decoded yet, and those that senders send when they get
// an answer. Eight senders then have batches of eight. Without waiting, the first image that
// is decoded is computed alone, the others are decoded on the threads of the network
// meanwhile, and the groups that have come about stay apart.
const waitingShare = 1.0 / 16

// worthWaiting is how long ready images wait at most for others that are coming, where these
// would make the batch larger.
func (b *Batcher) worthWaiting(ready, coming int) time.Duration {
	size := b.sizeOf(ready)
	if size == b.sizeOf(ready+coming) {
		return 0
	}
	return time.Duration(waitingShare * float64(b.took[size]))
}

// returns are how many images come soon after a batch has been answered.
type returns struct {
	until  time.Time // which is soon
	came   int       // after the last batch
	before int       // after the batch before it
}

// answered begins to count those after a batch that took so long.
func (r *returns) answered(took time.Duration) {
	*r = returns{until: time.Now().Add(time.Duration(waitingShare * float64(took))), before: r.came}
}

func (r *returns) add(images int, now time.Time) {
	if now.Before(r.until) {
		r.came += images
	}
}

// coming are those to be expected still, if as many come as after the batch before.
func (r *returns) coming() int { return max(0, r.before-r.came) }

// sizeOf is the largest size of a batch of no more than some images; 0 of none.
func (b *Batcher) sizeOf(images int) int {
	fits := slices.IndexFunc(b.sizes, func(size int) bool { return size <= images })
	if fits < 0 {
		return 0
	}
	return b.sizes[fits]
}

// nextBatch takes the images that have waited longest, as many as one of the sizes.
func (b *Batcher) nextBatch() []*image {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropLeft()
	count := 0
	for _, m := range b.waiting {
		if m.state == ready {
			count++
		}
	}
	size := b.sizeOf(count)
	if size == 0 {
		return nil
	}
	batch := make([]*image, 0, size)
	now := time.Now()
	b.waiting = slices.DeleteFunc(b.waiting, func(m *image) bool {
		taken := m.state == ready && len(batch) < size
		if taken {
			b.stats.Queued += now.Sub(m.since)
			batch = append(batch, m)
		}
		return taken
	})
	return batch
}

// run classifies a batch. An image that cannot be written gets its error, and is zeros in
// the batch.
func (b *Batcher) run(batch []*image) {
	began := time.Now()
	values, faults, err := b.values(batch)
	took := time.Since(began)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.took[len(batch)] = took
	b.returns.answered(took)
	b.stats.Batches[len(batch)]++
	b.stats.Images += uint64(len(batch))
	b.stats.BatchTimes[len(batch)] += took
	b.stats.Computing += took * time.Duration(len(batch))
	features := b.Features()
	for i, m := range batch {
		photo := &m.call.photos[m.index]
		switch {
		case err != nil:
			if m.call.err == nil {
				m.call.err = err
			}
		case faults[i] != nil:
			*photo = Photo{Err: faults[i]}
		default:
			of := len(values) / len(batch)
			own := values[i*of:][:of:of]
			photo.Result = b.classifier.result(own[: of-features : of-features])
			photo.Result.Features = own[of-features:]
			if !score.Finite(own) {
				*photo = Photo{Err: score.ErrNotFinite}
			}
		}
		b.answer(m)
	}
}

// values computes the logits of a batch, and features after those of each image, and says
// which images are faulty.
func (b *Batcher) values(batch []*image) (all []float32, faults []error, err error) {
	in, err := b.input(len(batch))
	if err != nil {
		return nil, nil, err
	}
	p := b.classifier.preprocessing
	pixels := p.Size * p.Size * 3
	faults = make([]error, len(batch))
	for i, m := range batch {
		dst := in.pixels[i*pixels:][:pixels:pixels]
		faults[i] = caught(func() error {
			if m.crop != nil {
				return vision.Normalize(dst, m.crop, p.Mean, p.Std)
			}
			if err := m.input.Write(dst); err != nil {
				return err
			}
			return checkFinite(dst)
		})
		if faults[i] != nil {
			clear(dst)
		}
	}
	err = caught(func() (err error) {
		all, err = b.classifier.programs.runInput(context.Background(), b.output(), in)
		return err
	})
	return all, faults, err
}

// checkFinite refuses what a network's activations might hide: the larger of zero and what
// is not a number may be zero.
func checkFinite(pixels []float32) error {
	for i, v := range pixels {
		if v-v != 0 {
			return fmt.Errorf("value %d of the image is %v, expected a finite number", i, v)
		}
	}
	return nil
}

// input returns the input of batches of a size, which are used again.
func (b *Batcher) input(size int) (*input, error) {
	if in, ok := b.inputs[size]; ok {
		return in, nil
	}
	in, err := b.classifier.programs.newInput(size)
	if err == nil {
		b.inputs[size] = in
	}
	return in, err
}

// Warm compiles the network for every size of a batch and runs each once, so that no image
// waits for that. It takes the time of a few batches, and is called before Classify or not
// at all.
func (b *Batcher) Warm(ctx context.Context) error {
	for _, size := range b.sizes {
		in, err := b.input(size)
		if err != nil {
			return err
		}
		if _, err := b.classifier.programs.find(ctx, programKey{output: b.output(), batch: size}); err != nil {
			return err
		}
		// Others that compute wait for no more than one batch.
		threads := b.options.Turns.take(b.options.Threads)
		began := time.Now()
		err = caught(func() error {
			_, err := b.classifier.programs.runInput(ctx, b.output(), in)
			return err
		})
		b.took[size] = time.Since(began)
		b.options.Turns.give(threads)
		if err != nil {
			return err
		}
	}
	return nil
}

// An input holds the pixels of a batch where the backend reads them.
type input struct {
	batch  int
	pixels []float32 // [batch, size, size, 3]
	// buffer is over pixels, or nil on a backend that does not share memory.
	buffer compute.Buffer
}

func (p *programs) newInput(batch int) (*input, error) {
	if !p.backend.HasSharedBuffers() {
		return &input{batch: batch, pixels: make([]float32, batch*p.imageValues())}, nil
	}
	buffer, flat, err := p.backend.NewSharedBuffer(0, p.shape(batch))
	if err != nil {
		return nil, err
	}
	pixels, ok := flat.([]float32)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the backend shares a buffer of float32 as %T", flat), buffer.Finalize())
	}
	return &input{batch: batch, pixels: pixels, buffer: buffer}, nil
}

func (in *input) close() {
	if in.buffer != nil {
		_ = in.buffer.Finalize()
	}
}

// runInput returns the values of an input that run returns.
func (p *programs) runInput(ctx context.Context, of output, in *input) (values []float32, err error) {
	if in.buffer == nil {
		return p.run(ctx, of, in.pixels, nil)
	}
	compiled, err := p.find(ctx, programKey{output: of, batch: in.batch})
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	thrown := exceptions.TryCatch[error](func() { values, err = outputOf(compiled, in.buffer) })
	if err = errors.Join(thrown, err); err != nil {
		return nil, fmt.Errorf("run %s: %w", p.network.Name(), err)
	}
	return values, nil
}
