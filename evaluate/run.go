package evaluate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/shard"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// DefaultBatch is the number of views that go through a network at a time where none is
// set.
const DefaultBatch = 16

// Options says how members are evaluated. The zero value evaluates all images on a
// single crop.
type Options struct {
	// Crops is how many parts of each photograph are looked at; Crops1 when zero.
	Crops vision.Crops
	// Batch is how many views go through a network at a time; DefaultBatch when zero,
	// and no more than there are views. It changes the speed, not the result.
	Batch int
	// Limit is how many images are evaluated, spread evenly over the set; all when zero.
	Limit int
	// Decode says how the photographs are read; what becomes of transparency, each member's
	// preprocessing.
	Decode vision.DecodeOptions
	// Exclude are indexes of images that are left out, such as those of a blacklist.
	Exclude []int
	// Classes is how the classes of the data go with those of the members; Same when empty.
	Classes Matching
	// ByNumber takes the data's class i for the members' class i, rather than compare names.
	ByNumber bool
	// SkipUnreadable leaves out images that cannot be read or decoded, however many.
	// Otherwise more than the share MaxUnreadable of the images to evaluate, from 0 to 1, are
	// an *UnreadableError.
	SkipUnreadable bool
	MaxUnreadable  float64
	// Unreadable is told of each image that was left out as unreadable; it may be nil.
	Unreadable func(name string, err error)
	// Progress is told how many of the images are done, from the start on; it may be
	// nil.
	Progress func(done, total int)
	// Predictions is the path of a CSV file, to which the predictions of each image are
	// appended. Those that it holds are taken for done, so that an evaluation that was
	// interrupted goes on with the next image. Empty for none.
	Predictions string
	// Workers is the number of goroutines that decode; GOMAXPROCS when zero.
	Workers int
}

// An UnreadableError says that an image cannot be read or decoded: one more than may be.
type UnreadableError struct {
	Name string
	Err  error
	// Limit is how many may be, Of the images to evaluate.
	Limit, Of int
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s cannot be evaluated, and at most %d of the %d images may be unreadable; repair or remove it, skip unreadable images, or raise max_unreadable (--max-unreadable), the share that may be: %v", e.Name, e.Limit, e.Of, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// Run evaluates the members on a set, and all together as an ensemble where there are
// several. Members whose classes are not those of the set are a *ClassesError. The
// context is looked at before each batch; its error leaves the file of predictions
// whole.
func Run(ctx context.Context, members []Member, set *dataset.Set, o Options) (*Report, error) {
	p, err := RunPart(ctx, members, set, shard.Whole(), o)
	if err != nil {
		return nil, err
	}
	r, err := p.setup.report(p.predictions, p.unreadable)
	if err != nil {
		return nil, err
	}
	r.Speed = p.Speed
	return r, nil
}

// RunPart evaluates what one shard has of the images. Its numbers are those that Run has for
// these images; MaxUnreadable is a share of the images of all shards.
func RunPart(ctx context.Context, members []Member, set *dataset.Set, part shard.Shard, o Options) (*Part, error) {
	if err := part.Check(); err != nil {
		return nil, err
	}
	if o.Crops == 0 {
		o.Crops = vision.Crops1
	}
	if o.Batch == 0 {
		o.Batch = DefaultBatch
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Classes == "" {
		o.Classes = Same
	}
	if !slices.Contains(Matchings(), o.Classes) || !(o.MaxUnreadable >= 0 && o.MaxUnreadable <= 1) {
		return nil, fmt.Errorf("found the matching of classes %q and a share of %g that may be unreadable, expected one of %q and a share from 0 to 1", o.Classes, o.MaxUnreadable, Matchings())
	}
	if o.Batch < 1 || o.Limit < 0 || o.Workers < 1 {
		return nil, fmt.Errorf("found a batch of %d, a limit of %d and %d workers, expected none negative", o.Batch, o.Limit, o.Workers)
	}
	e := &evaluation{members: members, set: set, o: o}
	if err := e.checkMembers(); err != nil {
		return nil, err
	}
	groups, err := groupsOf(members, o.Crops)
	if err != nil {
		return nil, err
	}
	indexes, excluded, err := selection(set.Len(), o.Exclude, o.Limit)
	if err != nil {
		return nil, err
	}
	if e.setup, err = e.setUp(indexes, excluded); err != nil {
		return nil, err
	}
	from, to := part.Range(len(indexes))
	e.indexes = indexes[from:to]
	if o.Predictions != "" {
		if e.log, e.done, err = openLog(e); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	err = e.run(ctx, groups)
	if e.log != nil {
		err = errors.Join(err, e.log.Close())
	}
	if err != nil {
		return nil, err
	}
	e.speed.Seconds = time.Since(start).Seconds()
	slices.SortFunc(e.done, func(a, b Prediction) int { return a.Index - b.Index })
	return &Part{Shard: part, Speed: e.speed, setup: e.setup, predictions: e.done, unreadable: e.unreadable}, nil
}

// An evaluation is one call of RunPart.
type evaluation struct {
	members []Member
	set     *dataset.Set
	o       Options
	classes []string
	labels  []int   // of each of the set's: its place in classes
	orders  [][]int // of each member: the place in classes of each of its logits, or absent
	indexes []int   // of the shard's images, in the order of the set
	setup   *setup
	log     *predictionLog
	done    []Prediction

	unreadable []failure
	speed      Speed
	scratch    []float64
	some       []float32 // of a member's logits
	someOrder  []int
}

func (e *evaluation) checkMembers() error {
	if len(e.members) == 0 {
		return errors.New("expected at least one network to evaluate, found none")
	}
	names := map[string]bool{}
	for i := range e.members {
		m := &e.members[i]
		if m.Name == "" || names[m.Name] || m.Name == ensemble {
			return fmt.Errorf("network %d is called %q, expected a name that no other has, nor the %s", i+1, m.Name, ensemble)
		}
		names[m.Name] = true
		if m.Labels != nil && len(m.Labels) != m.Classes {
			return fmt.Errorf("%s has %d classes, but %d labels", m.Name, m.Classes, len(m.Labels))
		}
	}
	return e.settleClasses()
}

// selection returns the indexes that are evaluated, of n, and how many are left out.
func selection(n int, exclude []int, limit int) (indexes []int, left int, err error) {
	excluded := make(map[int]bool, len(exclude))
	for _, index := range exclude {
		if index < 0 || index >= n {
			return nil, 0, fmt.Errorf("image %d is to be left out, expected an index from 0 to %d", index, n-1)
		}
		excluded[index] = true
	}
	var all []int
	for i := range n {
		if !excluded[i] {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("all %d images are left out, expected at least one to evaluate", n)
	}
	if limit == 0 || limit >= len(all) {
		return all, len(excluded), nil
	}
	spread := make([]int, limit)
	for i := range spread {
		spread[i] = all[i*len(all)/limit]
	}
	return spread, len(excluded), nil
}

// run evaluates the images that are not done yet.
func (e *evaluation) run(ctx context.Context, groups []*group) error {
	done := make(map[int]bool, len(e.done))
	for _, p := range e.done {
		done[p.Index] = true
	}
	e.speed.Resumed = len(done)
	todo := slices.DeleteFunc(slices.Clone(e.indexes), func(i int) bool { return done[i] })
	// Of all images, since another size of batches may be computed by other algorithms: not of
	// those of a shard, or that an interruption has left.
	batchSize := min(e.o.Batch, e.setup.Images*int(e.o.Crops))
	e.progress(len(done))
	if len(todo) == 0 {
		return nil
	}
	streams := 1
	for _, m := range e.members {
		streams = max(streams, m.Streams)
	}
	p := newPipeline(e.set, e.o.Decode, groups, batchSize, streams)
	inner, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { p.fill(inner, todo, e.o.Workers) })

	var computing []*batch // in the networks, in their order
	var started []*photo   // that are not finished, in the order of the set
	defer func() {
		for _, b := range computing {
			<-b.done
		}
	}()
	finished := len(done)
	settle := func() error {
		b := computing[0]
		computing = computing[1:]
		if err := <-b.done; err != nil {
			return err
		}
		started = append(started, b.started...)
		if err := e.classify(b); err != nil {
			return err
		}
		for len(started) > 0 && started[0].left == 0 {
			if err := e.finish(started[0]); err != nil {
				return err
			}
			started = started[1:]
			finished++
			e.progress(finished)
		}
		if b.group != nil {
			p.release(b)
		}
		return nil
	}
	for {
		waiting := time.Now()
		b, ok := <-p.ready
		e.speed.Waited += time.Since(waiting).Seconds()
		if !ok {
			break
		}
		computing = append(computing, b)
		go func() { b.done <- e.compute(ctx, b, batchSize) }()
		if len(computing) < streams {
			continue
		}
		if err := settle(); err != nil {
			return err
		}
	}
	for p.err == nil && len(computing) > 0 {
		if err := settle(); err != nil {
			return err
		}
	}
	return p.err
}

func (e *evaluation) progress(done int) {
	if e.o.Progress != nil {
		e.o.Progress(done, len(e.indexes))
	}
}

// compute runs a batch through the networks of its group.
func (e *evaluation) compute(ctx context.Context, b *batch, size int) error {
	b.logits = b.logits[:0]
	if b.group == nil {
		return nil
	}
	for _, member := range b.group.members {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		m := &e.members[member]
		logits, err := m.Logits(ctx, b.pixels, size)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if len(logits) != size*m.Classes {
			return fmt.Errorf("%s: found %d logits for %d images, expected %d for each", m.Name, len(logits), size, m.Classes)
		}
		b.logits = append(b.logits, logits)
	}
	return nil
}

// classify adds the softmax of each view of a batch to its photograph's sums.
func (e *evaluation) classify(b *batch) error {
	if b.group == nil {
		return nil
	}
	for i, member := range b.group.members {
		m, logits := &e.members[member], b.logits[i]
		for i, v := range b.views {
			f := v.photo
			if f.sums == nil {
				f.sums = make([][]float64, len(e.members))
			}
			if f.sums[member] == nil {
				f.sums[member] = make([]float64, len(e.classes))
			}
			own := logits[i*m.Classes:][:m.Classes]
			if !score.Finite(own) {
				return fmt.Errorf("%s, %s: %w", m.Name, e.set.Name(f.index), score.ErrNotFinite)
			}
			order := e.orders[member]
			own, order = e.competing(own, order)
			e.scratch = score.Softmax(e.scratch, own)
			for class, share := range e.scratch {
				f.sums[member][order[class]] += float64(v.count) * share
			}
		}
		e.speed.Views += len(b.views)
	}
	for _, v := range b.views {
		v.photo.left--
	}
	return nil
}

// competing returns the logits of classes that the report has, and their places.
func (e *evaluation) competing(logits []float32, order []int) ([]float32, []int) {
	if !slices.Contains(order, absent) {
		return logits, order
	}
	e.some, e.someOrder = e.some[:0], e.someOrder[:0]
	for i, place := range order {
		if place != absent {
			e.some, e.someOrder = append(e.some, logits[i]), append(e.someOrder, place)
		}
	}
	return e.some, e.someOrder
}

// finish turns the sums of a photograph into its prediction.
func (e *evaluation) finish(f *photo) error {
	if f.err != nil {
		name := e.set.Name(f.index)
		e.unreadable = append(e.unreadable, failure{f.index, printable.UTF8(name), printable.UTF8(f.err.Error())})
		if len(e.unreadable) > e.setup.MostUnreadable {
			return &UnreadableError{name, f.err, e.setup.MostUnreadable, e.setup.Images}
		}
		if e.o.Unreadable != nil {
			e.o.Unreadable(name, f.err)
		}
		return nil
	}
	prediction := e.prediction(f.index)
	for _, sums := range f.sums {
		for i := range sums {
			sums[i] /= float64(e.o.Crops)
		}
		prediction.Top = append(prediction.Top, top(sums))
	}
	last := f.sums[len(f.sums)-1]
	if len(e.members) > 1 {
		mean := make([]float64, len(e.classes))
		for _, sums := range f.sums {
			for i, v := range sums {
				mean[i] += v
			}
		}
		for i := range mean {
			mean[i] /= float64(len(e.members))
		}
		prediction.Top = append(prediction.Top, top(mean))
		last = mean
	}
	if prediction.Label >= 0 {
		prediction.Logs = logsOf(last)
	}
	f.sums = nil
	e.done = append(e.done, prediction)
	if e.log != nil {
		return e.log.append(prediction)
	}
	return nil
}
