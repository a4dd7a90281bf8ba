package plan

import "github.com/seed-fb2c0fa6/inception/engine/internal/tuning"

// splitImages computes the first operations of a program for some images after the others,
// where what they read and write of all images is more than the level-2 caches hold: then
// each finds there what the one before it has left. Weights are read again for each part, so
// that it is for large images and few weights, as in a stem.
func splitImages(p *Plan) error {
	end, images, largest := 0, 0, 0
	for ; end < len(p.Operations); end++ {
		n, bytes, weights := imagesOf(p.Operations[end])
		if n < 2 || images > 0 && n != images || bytes/n < max(tuning.ImageBytes, tuning.ImageWeights*weights) {
			break
		}
		images, largest = n, max(largest, bytes/n)
	}
	if end < 2 {
		return nil
	}
	together := max(1, p.Caches/largest)
	if together >= images {
		return nil
	}
	first, rest := p.Operations[:end], p.Operations[end:]
	s := &splitter{shared: map[*Tensor]bool{}}
	for _, in := range p.Inputs {
		s.share(present(in.Tensor))
	}
	for _, o := range rest {
		s.share(o.Reads())
		s.share(o.Writes())
	}
	s.share(p.Held())
	p.Operations = nil
	for at := 0; at < images; at += together {
		s.first, s.images, s.parts = at, min(together, images-at), map[*Tensor]*Tensor{}
		for i, o := range first {
			part := s.operation(o)
			if at > 0 {
				part.Marked().Continues = p.Operations[i]
			}
			p.Operations = append(p.Operations, part)
		}
	}
	p.Operations = append(p.Operations, rest...)
	return nil
}

// imagesOf is how many images an operation computes of as many, each for itself, how many bytes it
// reads and writes of them, and of weights; 0 images where it is none of those.
func imagesOf(o Operation) (images, bytes, weights int) {
	var convolutions []*Convolution
	switch o := o.(type) {
	case *Convolution:
		convolutions = []*Convolution{o}
	case *Siblings:
		convolutions = o.Convolutions
	case *Pooling, *Conversion:
	default:
		return 0, 0, 0
	}
	for _, c := range convolutions {
		if c.Trained() {
			return 0, 0, 0
		}
		weights += c.Window.Kernel.Area() * c.In.C * c.Out.C * c.In.DType.Size()
	}
	for _, t := range append(o.Reads(), o.Writes()...) {
		if images > 0 && t.N != images {
			return 0, 0, 0
		}
		images = t.N
		bytes += t.Pixels() * t.C * t.DType.Size()
	}
	return images, bytes, weights
}

// A splitter makes operations of some images of operations of all.
type splitter struct {
	shared        map[*Tensor]bool // whole tensors that others than the split operations use
	first, images int
	parts         map[*Tensor]*Tensor // of these images
}

func (s *splitter) share(tensors []*Tensor) {
	for _, t := range tensors {
		s.shared[t.Whole()] = true
	}
}

// operation returns an operation for these images.
func (s *splitter) operation(o Operation) Operation {
	switch o := o.(type) {
	case *Convolution:
		return s.convolution(o)
	case *Siblings:
		part := *o
		part.Convolutions = nil
		for _, c := range o.Convolutions {
			part.Convolutions = append(part.Convolutions, s.convolution(c))
		}
		return &part
	case *Pooling:
		part := *o
		part.In, part.Out = s.tensor(o.In), s.tensor(o.Out)
		return &part
	case *Conversion:
		part := *o
		part.In, part.Out = s.tensor(o.In), s.tensor(o.Out)
		return &part
	}
	panic("plan: an operation that is not computed image by image")
}

func (s *splitter) convolution(o *Convolution) *Convolution {
	part := *o
	part.In, part.Out, part.Residual, part.Quantized = s.tensor(o.In), s.tensor(o.Out), s.tensor(o.Residual), s.tensor(o.Quantized)
	return &part
}

// tensor returns the tensor of these images: some of a shared one, or one of their own.
func (s *splitter) tensor(t *Tensor) *Tensor {
	if t == nil {
		return nil
	}
	if part, ok := s.parts[t]; ok {
		return part
	}
	part := *t
	part.N = s.images
	if s.shared[t.Whole()] {
		part.Place = Images{t, s.first}
	} else if place, ok := t.Place.(Part); ok {
		part.Place = Part{s.tensor(place.Of), place.Channel}
	}
	s.parts[t] = &part
	return &part
}
