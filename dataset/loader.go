package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/ahead"
)

// A Preparation turns the bytes of an image file into a network's input; those of
// package vision are Distortion, PadCrop and Preprocessing. It is called from several
// goroutines at once.
type Preparation interface {
	// Side is the height and width of the input in pixels.
	Side() int
	// Prepare writes the input, [Side, Side, 3], to dst. What it draws from random is
	// the only thing by which two results of one file may differ.
	Prepare(dst []float32, file []byte, random *rand.Rand) error
	// Memory is how many bytes Prepare takes for a file, beside it and dst.
	Memory(file []byte) int64
}

// A Position is a place in the stream of images: the epoch, and the index in its
// order, both from 0.
type Position struct{ Epoch, Index int }

// LoaderOptions says what a Loader returns. Batch and Preparation have no default.
type LoaderOptions struct {
	// Batch is the number of images in a batch, at most those of the set.
	Batch int
	// Preparation turns files into inputs.
	Preparation Preparation
	// Seed determines the order and the distortion of the images.
	Seed uint64
	// Sequential keeps the order of the set; otherwise it is Order(Seed, epoch).
	Sequential bool
	// Epochs is how often every image is returned; without end when zero. Only the
	// last batch of the last epoch may be smaller: others go on in the next epoch.
	Epochs int
	// Start is where the stream begins: the End of a batch, for a run that resumes
	// after it.
	Start Position
	// Share is which images of the stream are loaded; all where it is left out.
	Share Share
	// Workers is the number of goroutines that decode; GOMAXPROCS when zero.
	Workers int
	// MaxUnreadable is the share of the set's images, from 0 to 1, that may be
	// unreadable; DefaultMaxUnreadable when zero, none when negative.
	MaxUnreadable float64
	// Unreadable is told once of each image that cannot be read or decoded, in the
	// order of the stream, from a goroutine of the loader; it may be nil.
	Unreadable func(name string, err error)
	// Limit is shared with other loaders, in the place of MaxUnreadable and Unreadable; it
	// may be nil.
	Limit *UnreadableLimit
}

// A Share is what one of several loaders takes of a stream that they divide among them: of
// every Of images those from From up to To, which are a number of whole batches. All have
// the same other options; the End of the last batch of a share is where Of images end.
//
// An unreadable image is then replaced by the image before it in the batch, or the next, so
// that the loaders keep step without knowing of each other; without a share the stream goes
// on, and later images move up.
type Share struct{ Of, From, To int }

func (s Share) check(batch int) error {
	if s == (Share{}) || s.From >= 0 && s.From < s.To && s.To <= s.Of && (s.To-s.From)%batch == 0 {
		return nil
	}
	return fmt.Errorf("the share is %d to %d of %d images, expected a part of them of whole batches of %d", s.From, s.To, s.Of, batch)
}

// A Batch is a number of images as a network reads them.
type Batch struct {
	// Images is [len(Labels), Side, Side, 3].
	Images []float32
	Labels []int32
	// Indexes are the images' places in the set.
	Indexes []int
	// End is the position after the last image.
	End Position
}

// Stats are what a Loader has done so far.
type Stats struct {
	// Images is the number returned in batches.
	Images int
	// Unreadable is the number of images found unreadable, of all loaders that share a limit.
	Unreadable int
	// Waited is the time that Next spent waiting for images to be decoded.
	Waited time.Duration
}

// A Loader reads, decodes and prepares images in parallel, in batches whose content
// and order do not depend on the number of workers. It holds two images per worker and
// three batches. Its methods are for one goroutine, except for Stats.
type Loader struct {
	set        *Set
	o          LoaderOptions
	size       int // values in an image
	unreadable *UnreadableLimit

	ready    chan *Batch
	free     chan *Batch
	returned *Batch
	err      error // why ready was closed
	stop     context.CancelFunc
	running  sync.WaitGroup

	images, waited atomic.Int64
}

// NewLoader starts to load batches of a set. The caller closes the loader, then the
// set.
func NewLoader(s *Set, o LoaderOptions) (*Loader, error) {
	if err := o.check(s); err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.path, err)
	}
	const batches = 3 // with the caller, ready, and in the making
	ctx, stop := context.WithCancel(context.Background())
	side := o.Preparation.Side()
	l := &Loader{
		set: s, o: o, size: side * side * 3, unreadable: o.limit(s.Len()),
		ready: make(chan *Batch, 1), free: make(chan *Batch, batches), stop: stop,
	}
	for range batches {
		l.free <- &Batch{}
	}
	l.running.Go(func() {
		l.err = l.assemble(ctx)
		close(l.ready)
		stop()
	})
	return l, nil
}

// limit is that of a loader of a number of images.
func (o *LoaderOptions) limit(images int) *UnreadableLimit {
	if o.Limit != nil {
		return o.Limit
	}
	share := max(0, o.MaxUnreadable)
	if o.MaxUnreadable == 0 {
		share = DefaultMaxUnreadable
	}
	return NewUnreadableLimit(images, share, o.Unreadable)
}

func (o *LoaderOptions) check(s *Set) error {
	if o.Preparation == nil || o.Preparation.Side() < 1 {
		return errors.New("expected a preparation with a side of at least one pixel")
	}
	if o.Batch < 1 || o.Batch > s.Len() {
		return fmt.Errorf("the batch is %d images, expected from 1 to the %d of the set; choose a smaller batch or add images", o.Batch, s.Len())
	}
	if o.Epochs < 0 || o.Workers < 0 || math.IsNaN(o.MaxUnreadable) || o.MaxUnreadable > 1 {
		return fmt.Errorf("found %d epochs, %d workers and a share of %g that may be unreadable, expected none negative and a share of at most 1", o.Epochs, o.Workers, o.MaxUnreadable)
	}
	if err := o.Share.check(o.Batch); err != nil {
		return err
	}
	start := o.Start
	if start.Epoch < 0 || start.Index < 0 || start.Index >= s.Len() {
		return fmt.Errorf("the start is epoch %d, image %d, expected an image from 0 to %d; was the run begun with another set?", start.Epoch, start.Index, s.Len()-1)
	}
	return nil
}

// Next returns the next batch, which is valid until the following call. At the end of
// the last epoch it returns io.EOF. When too many images are unreadable, the error is
// an *UnreadableError.
func (l *Loader) Next(ctx context.Context) (*Batch, error) {
	if l.returned != nil {
		l.free <- l.returned
		l.returned = nil
	}
	begin := time.Now()
	defer func() { l.waited.Add(int64(time.Since(begin))) }()
	select {
	case batch, ok := <-l.ready:
		if !ok {
			return nil, l.err
		}
		l.returned = batch
		l.images.Add(int64(len(batch.Labels)))
		return batch, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Stats returns what was done so far.
func (l *Loader) Stats() Stats {
	return Stats{int(l.images.Load()), l.unreadable.Count(), time.Duration(l.waited.Load())}
}

// Close stops the loader and waits for its goroutines. Batches become invalid.
func (l *Loader) Close() {
	l.stop()
	l.running.Wait()
}

// assemble puts the images of the stream into batches, in order.
func (l *Loader) assemble(ctx context.Context) error {
	batch, err := l.empty(ctx)
	if err != nil {
		return err
	}
	var missing []Position // where unreadable images of a share end, which are to be replaced
	add := func(image []float32, label int32, index int, end Position) (err error) {
		batch.End = end
		batch.Images = append(batch.Images, image...)
		batch.Labels = append(batch.Labels, label)
		batch.Indexes = append(batch.Indexes, index)
		if len(batch.Labels) == l.o.Batch {
			batch, err = l.exchange(ctx, batch)
		}
		return err
	}
	err = ahead.Each(ctx, ahead.Options{Workers: l.o.Workers}, l.stream(), l.prepare, func(p place, image *prepared) (err error) {
		if image.err != nil {
			err := l.unreadable.Add(l.set, p.index, image.err)
			if err != nil {
				return fmt.Errorf("data set %s: %w", l.set.path, err)
			}
			n := len(batch.Labels)
			switch {
			case l.o.Share == (Share{}):
				batch.End = p.after
			case n > 0:
				return add(batch.Images[(n-1)*l.size:], batch.Labels[n-1], batch.Indexes[n-1], p.after)
			default:
				missing = append(missing, p.after)
			}
			return nil
		}
		for _, end := range append(missing, p.after) {
			if err := add(image.image, l.set.items[p.index].label, p.index, end); err != nil {
				return err
			}
		}
		missing = missing[:0]
		return nil
	})
	if ctx.Err() != nil {
		return errClosed
	}
	if err != nil {
		return err
	}
	if len(batch.Labels) > 0 {
		if _, err = l.exchange(ctx, batch); err != nil {
			return err
		}
	}
	return io.EOF
}

var errClosed = errors.New("the loader is closed")

// exchange hands a batch over for an empty one.
func (l *Loader) exchange(ctx context.Context, full *Batch) (*Batch, error) {
	select {
	case l.ready <- full:
	case <-ctx.Done():
		return nil, errClosed
	}
	return l.empty(ctx)
}

// empty waits for a batch without images.
func (l *Loader) empty(ctx context.Context) (*Batch, error) {
	select {
	case batch := <-l.free:
		if batch.Images == nil {
			batch.Images = make([]float32, 0, l.o.Batch*l.size)
		}
		batch.Images, batch.Labels, batch.Indexes = batch.Images[:0], batch.Labels[:0], batch.Indexes[:0]
		return batch, nil
	case <-ctx.Done():
		return nil, errClosed
	}
}
