package evaluate

import (
	"context"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// A pipeline prepares batches of views while networks run: workers decode and resize
// photographs in any order, fill puts their views into batches in the order of the set.
type pipeline struct {
	set    *dataset.Set
	groups []*group

	batch int // views in a batch

	free    chan struct{} // a place for each photograph that may be in the making
	todo    chan *photo   // for the workers
	inOrder chan *photo   // for fill
	ready   chan *batch   // for the caller
	empty   []chan *batch // of each group
	err     error         // why ready was closed
}

// A photo is one image on its way through the pipeline.
type photo struct {
	index  int
	sights []sight // of each group; nil once their views are in batches
	err    error   // why it is unreadable
	done   chan struct{}

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
}

// A view is one in a batch.
type view struct {
	photo *photo
	count int // of the crops that it stands for
}

func newPipeline(set *dataset.Set, groups []*group, batchSize, workers int) *pipeline {
	const batches = 2 // of each group: in the networks, and in the making
	photos := 2 * workers
	p := &pipeline{
		set: set, groups: groups, batch: batchSize,
		free: make(chan struct{}, photos), todo: make(chan *photo, photos), inOrder: make(chan *photo, photos),
		ready: make(chan *batch, batches*len(groups)+1),
	}
	for _, g := range groups {
		empty := make(chan *batch, batches)
		for range batches {
			empty <- &batch{group: g, pixels: make([]float32, batchSize*g.values())}
		}
		p.empty = append(p.empty, empty)
	}
	return p
}

// dispatch walks through the images of the given indexes.
func (p *pipeline) dispatch(ctx context.Context, indexes []int) {
	defer close(p.inOrder)
	defer close(p.todo)
	for _, index := range indexes {
		select {
		case p.free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		f := &photo{index: index, done: make(chan struct{})}
		p.inOrder <- f // never full: there are no more photographs than it holds
		p.todo <- f
	}
}

// work decodes photographs and resizes them until there are no more.
func (p *pipeline) work() {
	for f := range p.todo {
		f.sights, f.err = p.look(f.index)
		close(f.done)
	}
}

func (p *pipeline) look(index int) ([]sight, error) {
	file, err := p.set.Read(index)
	if err != nil {
		return nil, err
	}
	m, err := vision.Decode(file, vision.DecodeOptions{})
	if err != nil {
		return nil, err
	}
	sights := make([]sight, len(p.groups))
	for i, g := range p.groups {
		if sights[i], err = g.look(m); err != nil {
			return nil, err
		}
	}
	return sights, nil
}

// fill puts the views of all photographs into batches and closes ready.
func (p *pipeline) fill(ctx context.Context) {
	defer close(p.ready)
	current := make([]*batch, len(p.groups))
	var started []*photo
	send := func(i int) {
		b := current[i]
		clear(b.pixels[len(b.views)*b.group.values():])
		b.started, started = started, nil
		p.ready <- b // never full: there are no more batches than it holds
		current[i] = nil
	}
	for f := range p.inOrder {
		select {
		case <-f.done:
		case <-ctx.Done():
			p.err = context.Cause(ctx)
			return
		}
		started = append(started, f)
		for _, s := range f.sights {
			f.left += s.cuts.Len()
		}
		for i, s := range f.sights {
			g := p.groups[i]
			for at := range s.count {
				if current[i] == nil {
					select {
					case current[i] = <-p.empty[i]:
					case <-ctx.Done():
						p.err = context.Cause(ctx)
						return
					}
				}
				b := current[i]
				place := b.pixels[len(b.views)*g.values():][:g.values()]
				if p.err = s.cuts.Normalize(place, at, g.preprocessing.Mean, g.preprocessing.Std); p.err != nil {
					return
				}
				b.views = append(b.views, view{f, s.count[at]})
				if len(b.views) == p.batch {
					send(i)
				}
			}
		}
		f.sights = nil
		<-p.free
	}
	if ctx.Err() != nil {
		p.err = context.Cause(ctx)
		return
	}
	for i := range p.groups {
		if current[i] != nil {
			send(i)
		}
	}
	if started != nil { // without a view in a batch, since they are unreadable
		p.ready <- &batch{started: started} // for which ready has the last place
	}
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
