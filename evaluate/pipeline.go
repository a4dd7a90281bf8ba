package evaluate

import (
	"context"
	"slices"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/ahead"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A pipeline prepares batches of views while networks run: workers decode and resize
// photographs ahead, place puts their views into batches in the order of the set.
type pipeline struct {
	set    *dataset.Set
	decode vision.DecodeOptions
	groups []*group

	batch int // views in a batch

	current []*batch // of each group: that which is being filled, or nil
	started []*photo // that no batch has named yet

	ready chan *batch   // for the caller
	empty []chan *batch // of each group
	err   error         // why ready was closed
}

// An appearance is what the groups see of a photograph.
type appearance struct {
	sights []sight // of each group
	err    error   // why it is unreadable
}

// A photo is one image on its way through the networks.
type photo struct {
	index int
	err   error // why it is unreadable

	left int         // views that have not been through all their networks
	sums [][]float64 // of each member: softmax over its views, by label
}

// A batch is the views that go through the networks of a group together. Views from
// len(views) on are zeros.
type batch struct {
	group   *group
	pixels  []float32 // [batch, Size, Size, 3]
	views   []view
	started []*photo // those that come next in the set's order

	logits [][]float32 // of the group's members, [batch, Classes], once done
	done   chan error
}

// A view is one in a batch.
type view struct {
	photo *photo
	count int // of the crops that it stands for
}

func newPipeline(set *dataset.Set, decode vision.DecodeOptions, groups []*group, batchSize, streams int) *pipeline {
	batches := streams + 1 // of each group: in the networks, and in the making
	p := &pipeline{
		set: set, decode: decode, groups: groups, batch: batchSize, current: make([]*batch, len(groups)),
		ready: make(chan *batch, batches*len(groups)+1),
	}
	for _, g := range groups {
		empty := make(chan *batch, batches)
		for range batches {
			empty <- &batch{group: g, pixels: make([]float32, batchSize*g.values()), done: make(chan error, 1)}
		}
		p.empty = append(p.empty, empty)
	}
	return p
}

// look decodes a photograph and resizes it.
func (p *pipeline) look(index int, a *appearance, reserve func(bytes int64)) {
	a.sights, a.err = p.sights(index, reserve)
	held := int64(0)
	for _, s := range a.sights {
		held += s.cuts.Bytes()
	}
	reserve(held)
}

func (p *pipeline) sights(index int, reserve func(bytes int64)) ([]sight, error) {
	file, err := p.set.Read(index)
	if err != nil {
		return nil, err
	}
	o := p.decode
	o.Reserve = reserve
	for _, g := range p.groups {
		o.ResizedTo = max(o.ResizedTo, g.resizedTo)
		o.Exact = o.Exact || g.preprocessing.Interpolation == vision.Nearest // which looks at single pixels
	}
	decoded := map[vision.Alpha]*vision.Image{}
	sights := make([]sight, len(p.groups))
	for i, g := range p.groups {
		o.Alpha = g.preprocessing.Alpha
		m := decoded[o.Alpha]
		if m == nil {
			if m, err = vision.Decode(file, o); err != nil {
				return nil, err
			}
			decoded[o.Alpha] = m
		}
		if sights[i], err = g.look(m); err != nil {
			return nil, err
		}
	}
	return sights, nil
}

// fill puts the views of all photographs of the given indexes into batches and closes
// ready.
func (p *pipeline) fill(ctx context.Context, indexes []int, workers int) {
	defer close(p.ready)
	p.err = ahead.Each(ctx, ahead.Options{Workers: workers}, slices.Values(indexes), p.look, func(index int, a *appearance) error {
		return p.place(ctx, index, a)
	})
	if p.err != nil {
		return
	}
	for i := range p.groups {
		if p.current[i] != nil {
			p.send(i)
		}
	}
	if p.started != nil { // without a view in a batch, since they are unreadable
		p.ready <- &batch{started: p.started, done: make(chan error, 1)} // for which ready has the last place
	}
}

// place puts the views of a photograph into batches.
func (p *pipeline) place(ctx context.Context, index int, a *appearance) error {
	f := &photo{index: index, err: a.err}
	p.started = append(p.started, f)
	for _, s := range a.sights {
		f.left += s.cuts.Len()
	}
	for i, s := range a.sights {
		g := p.groups[i]
		for at := range s.count {
			if p.current[i] == nil {
				select {
				case p.current[i] = <-p.empty[i]:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			b := p.current[i]
			pixels := b.pixels[len(b.views)*g.values():][:g.values()]
			if err := s.cuts.Normalize(pixels, at, g.preprocessing.Mean, g.preprocessing.Std); err != nil {
				return err
			}
			b.views = append(b.views, view{f, s.count[at]})
			if len(b.views) == p.batch {
				p.send(i)
			}
		}
	}
	a.sights = nil
	return nil
}

// send hands the batch of a group over as it is, with zeros behind its views.
func (p *pipeline) send(i int) {
	b := p.current[i]
	clear(b.pixels[len(b.views)*b.group.values():])
	b.started, p.started = p.started, nil
	p.ready <- b // never full: there are no more batches than it holds
	p.current[i] = nil
}

// release gives a batch back after its views went through the networks.
func (p *pipeline) release(b *batch) {
	b.views = b.views[:0]
	for i, g := range p.groups {
		if g == b.group {
			p.empty[i] <- b
		}
	}
}
