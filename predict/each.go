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
// that cannot be opened do not end it. Each ends with the names, with the first error of
// use or of the network, or with the context. Names may go on without end.
func (c *Classifier) Each(ctx context.Context, names iter.Seq[string], open func(name string) (*vision.Image, error), use func(Photo) error) error {
	type opened struct {
		name  string
		image *vision.Image
		err   error
	}
	var batch []opened
	finish := func() error {
		var images []*vision.Image
		for _, o := range batch {
			if o.err == nil {
				images = append(images, o.image)
			}
		}
		results, err := c.classify(ctx, images)
		if err != nil {
			return err
		}
		for _, o := range batch {
			p := Photo{Name: o.name, Err: o.err}
			if o.err == nil {
				if score.Finite(results[0].Logits) {
					p.Width, p.Height, p.Result = o.image.Width, o.image.Height, results[0]
				} else {
					p.Err = score.ErrNotFinite
				}
				results = results[1:]
			}
			if err := use(p); err != nil {
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	prepare := func(name string, o *opened) {
		o.name = name
		o.image, o.err = open(name)
	}
	// The one in use, and two batches: one waits whole while the other is decoded.
	err := ahead.Each(ctx, ahead.Options{Results: 1 + 2*c.batch}, names, prepare, func(_ string, o *opened) error {
		batch = append(batch, *o)
		o.image = nil // not to be kept until another takes its place
		if len(batch) < c.batch {
			return nil
		}
		return finish()
	})
	if err == nil && len(batch) > 0 {
		err = finish()
	}
	return err
}
