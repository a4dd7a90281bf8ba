package predict

import (
	"context"
	"iter"

	"github.com/seed-fb2c0fa6/inception/internal/ahead"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A Photo is one of many that are classified one after the other.
type Photo struct {
	Name string
	// Width and Height are those of the photograph in pixels, as it is seen upright.
	Width, Height int
	Result        Result
	// Err is why the photograph could not be opened, or score.ErrNotFinite; the other fields but
	// Name are zero then.
	Err error
}

// Each classifies photographs in the order of their names, and calls use for each. open is
// called for the next ones, from several goroutines, while the network runs: photographs
// that cannot be opened do not end it. It is given what vision.DecodeOptions call Reserve,
// so that those that are open at a time do not take more memory than there is for them. Each
// ends with the names, with the first error of use or of the network, or with the context.
// Names may go on without end.
//
// All run through one program of Config.Batch images, with zeros where photographs do not
// suffice. So the logits of one do not depend on which others there are, nor on how many.
func (c *Classifier) Each(ctx context.Context, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), use func(Photo) error) error {
	if err := c.checkClasses(); err != nil {
		return err
	}
	return c.each(ctx, names, open, c.Logits, func(o opened, logits []float32) error {
		if o.photo.Err == nil {
			o.photo.Result = c.result(logits)
		}
		return use(o.photo)
	})
}

// opened is a photograph that waits for its turn.
type opened struct {
	photo Photo
	// crop, or pixels where something else prepares them, are nil where the photograph has an
	// error.
	crop   *vision.Image
	pixels []float32
}

// photos are those of a batch.
type photos struct {
	batch  []opened
	crops  int       // of those that could be opened
	pixels []float32 // of the crops, [batch, size, size, 3]
	values []float32 // that the network made of them, once done
	done   chan error
}

// each computes values of photographs in the order of their names, and calls use for each with
// its own: those of photographs with errors are nil, and those that are not finite become one.
func (c *Classifier) each(ctx context.Context, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), compute computation, use func(o opened, values []float32) error) error {
	return c.eachPrepared(ctx, c.batch, names, open, nil, compute, use)
}

// eachPrepared is each for batches of a size, with what prepares photographs, the preprocessing
// where it is nil.
func (c *Classifier) eachPrepared(ctx context.Context, batch int, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error),
	prepareAs func(dst []float32, m *vision.Image) error, compute computation, use func(o opened, values []float32) error) error {
	pixelValues := c.preprocessing.Size * c.preprocessing.Size * 3
	free := make([]*photos, c.Streams())
	for i := range free {
		free[i] = &photos{pixels: make([]float32, batch*pixelValues), done: make(chan error, 1)}
	}
	var started []*photos // in order
	// The first of those that run must end before anything that is seen of this call does.
	defer func() {
		for _, b := range started {
			<-b.done
		}
	}()
	finish := func() error {
		b := started[0]
		started = started[1:]
		if err := <-b.done; err != nil {
			return err
		}
		size := len(b.values) / batch
		all := b.values
		for _, o := range b.batch {
			var values []float32
			if o.photo.Err == nil {
				values, all = all[:size:size], all[size:]
				if !score.Finite(values) {
					o, values = opened{photo: Photo{Name: o.photo.Name, Err: score.ErrNotFinite}}, nil
				}
			}
			if err := use(o, values); err != nil {
				return err
			}
		}
		b.batch, b.crops, b.values = b.batch[:0], 0, nil
		free = append(free, b)
		return nil
	}
	start := func() {
		b := free[0]
		free = free[1:]
		started = append(started, b)
		if b.crops == 0 { // none could be opened
			b.done <- nil
			return
		}
		clear(b.pixels[b.crops*pixelValues:])
		go func() {
			var err error
			b.values, err = compute(ctx, b.pixels)
			b.done <- err
		}()
	}
	prepare := func(name string, o *opened, reserve func(bytes int64)) {
		*o = opened{photo: Photo{Name: name}}
		m, err := open(name, reserve)
		if err == nil {
			o.photo.Width, o.photo.Height = m.PhotoSize()
			if prepareAs == nil {
				o.crop, err = c.preprocessing.CentralCrop(m)
			} else {
				o.pixels = make([]float32, pixelValues)
				err = prepareAs(o.pixels, m)
			}
		}
		if err != nil {
			*o = opened{photo: Photo{Name: name, Err: err}}
			reserve(0)
			return
		}
		if o.crop != nil {
			reserve(int64(len(o.crop.Pix)))
		} else {
			reserve(4 * int64(len(o.pixels)))
		}
	}
	// The one in use, and two batches: one waits whole while the other is decoded.
	err := ahead.Each(ctx, ahead.Options{Results: 1 + 2*batch}, names, prepare, func(_ string, o *opened) error {
		b := free[0]
		b.batch = append(b.batch, opened{photo: o.photo, crop: o.crop})
		if o.crop != nil {
			err := vision.Normalize(b.pixels[b.crops*pixelValues:][:pixelValues], o.crop, c.preprocessing.Mean, c.preprocessing.Std)
			if err != nil {
				return err
			}
			o.crop = nil // not to be kept until another takes its place
			b.crops++
		} else if o.pixels != nil {
			copy(b.pixels[b.crops*pixelValues:][:pixelValues], o.pixels)
			o.pixels = nil
			b.crops++
		}
		if 0 < b.crops && b.crops < batch {
			return nil
		}
		if start(); len(free) == 0 {
			return finish()
		}
		return nil
	})
	if err == nil && len(free[0].batch) > 0 {
		start()
	}
	for err == nil && len(started) > 0 {
		err = finish()
	}
	return err
}
