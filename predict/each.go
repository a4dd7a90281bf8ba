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
	crop  *vision.Image // nil where the photograph has an error
}

// each computes values of photographs in the order of their names, and calls use for each with
// its own: those of photographs with errors are nil, and those that are not finite become one.
func (c *Classifier) each(ctx context.Context, names iter.Seq[string], open func(name string, reserve func(bytes int64)) (*vision.Image, error), compute computation, use func(o opened, values []float32) error) error {
	var batch []opened
	crops, pixelValues := 0, c.preprocessing.Size*c.preprocessing.Size*3 // crops are those in pixels
	pixels := make([]float32, c.batch*pixelValues)
	finish := func() error {
		var all []float32
		if crops > 0 {
			clear(pixels[crops*pixelValues:])
			var err error
			if all, err = compute(ctx, pixels); err != nil {
				return err
			}
			crops = 0
		}
		size := len(all) / c.batch
		for _, o := range batch {
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
		batch = batch[:0]
		return nil
	}
	prepare := func(name string, o *opened, reserve func(bytes int64)) {
		*o = opened{photo: Photo{Name: name}}
		m, err := open(name, reserve)
		if err == nil {
			o.photo.Width, o.photo.Height = m.PhotoSize()
			o.crop, err = c.preprocessing.CentralCrop(m)
		}
		if err != nil {
			o.photo = Photo{Name: name, Err: err}
			reserve(0)
			return
		}
		reserve(int64(len(o.crop.Pix)))
	}
	// The one in use, and two batches: one waits whole while the other is decoded.
	err := ahead.Each(ctx, ahead.Options{Results: 1 + 2*c.batch}, names, prepare, func(_ string, o *opened) error {
		batch = append(batch, *o)
		if o.crop != nil {
			err := vision.Normalize(pixels[crops*pixelValues:][:pixelValues], o.crop, c.preprocessing.Mean, c.preprocessing.Std)
			if err != nil {
				return err
			}
			o.crop = nil // not to be kept until another takes its place
			crops++
		}
		if 0 < crops && crops < c.batch {
			return nil
		}
		return finish()
	})
	if err == nil && len(batch) > 0 {
		err = finish()
	}
	return err
}
