package dataset

import (
	"context"
	"math/rand/v2"
)

// A pipeline prepares images in parallel: dispatch names them in the order of the
// stream, workers prepare them in any order, and inOrder has them in the stream's.
type pipeline struct {
	set        *Set
	o          LoaderOptions
	size       int // values in an image
	unreadable *register

	free    chan *job // those that hold no image, which bounds the memory
	todo    chan *job
	inOrder chan *job
}

// A job is one image in the pipeline. Its buffer is used for one image after another.
type job struct {
	index int      // in the set
	epoch int      // of the randomness
	after Position // where the stream goes on
	image []float32
	err   error         // why it is unreadable
	done  chan struct{} // receives a value when image and err are set
}

func newPipeline(s *Set, o LoaderOptions) *pipeline {
	jobs := 2 * o.Workers
	side := o.Preparation.Side()
	p := &pipeline{
		set: s, o: o, size: side * side * 3,
		unreadable: newRegister(s.Len(), o.MaxUnreadable, o.Unreadable),
		free:       make(chan *job, jobs), todo: make(chan *job, jobs), inOrder: make(chan *job, jobs),
	}
	for range jobs {
		p.free <- &job{done: make(chan struct{}, 1)}
	}
	return p
}

// dispatch walks through the stream until its end or the context's.
func (p *pipeline) dispatch(ctx context.Context) {
	defer close(p.inOrder)
	defer close(p.todo)
	at := p.o.Start
	for ; p.o.Epochs == 0 || at.Epoch < p.o.Epochs; at = (Position{at.Epoch + 1, 0}) {
		var order []int
		if !p.o.Sequential {
			order = p.set.Order(p.o.Seed, at.Epoch)
		}
		for ; at.Index < p.set.Len(); at.Index++ {
			var j *job
			select {
			case j = <-p.free:
			case <-ctx.Done():
				return
			}
			j.index, j.epoch, j.after = at.Index, at.Epoch, Position{at.Epoch, at.Index + 1}
			if order != nil {
				j.index = order[at.Index]
			}
			if j.after.Index == p.set.Len() {
				j.after = Position{at.Epoch + 1, 0}
			}
			p.inOrder <- j // never full: there are no more jobs than it holds
			p.todo <- j
		}
	}
}

// work prepares images until there are no more.
func (p *pipeline) work() {
	for j := range p.todo {
		j.err = p.prepare(j)
		j.done <- struct{}{}
	}
}

func (p *pipeline) prepare(j *job) error {
	file, err := p.set.Read(j.index)
	if err != nil {
		return err
	}
	if j.image == nil {
		j.image = make([]float32, p.size)
	}
	random := rand.New(randomSource(p.o.Seed, j.epoch, p.set.items[j.index].key))
	return p.o.Preparation.Prepare(j.image, file, random)
}
