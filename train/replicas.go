package train

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/train/replica"
	"github.com/seed-fb2c0fa6/inception/train/step"
)

// A run of several replicas is one training in several processes. Each has the recipe, the
// images and the state, and computes the gradients of its part of every batch. The first
// replica alone has the run's folder: it logs and saves, while the others wait.

// replicas are those of a run: one without a group.
type replicas struct{ group *replica.Group }

func (r replicas) size() int {
	if r.group == nil {
		return 1
	}
	return r.group.Size()
}

func (r replicas) rank() int {
	if r.group == nil {
		return 0
	}
	return r.group.Rank()
}

func (r replicas) first() bool { return r.rank() == 0 }

// agree reports whether any replica says yes.
func (r replicas) agree(yes bool) (bool, error) {
	if r.group == nil {
		return yes, nil
	}
	return r.group.Agree(yes)
}

// reducer is nil for one replica without a group.
func (r replicas) reducer() step.Reducer {
	if r.group == nil {
		return nil
	}
	return r.group
}

// agreeOnRecipe returns the first replica's recipe, which all follow.
func (r replicas) agreeOnRecipe(own recipe.Training) (recipe.Training, error) {
	if r.group == nil {
		return own, nil
	}
	text, err := own.Encode()
	if err != nil {
		return own, err
	}
	first, err := r.group.TextOfFirst(string(text))
	if err != nil {
		return own, err
	}
	return recipe.ParseTraining([]byte(first))
}

// A partition is how the batches of a run are divided from a step on. Its parts run through
// the network one by one, on as many replicas: each with batch-norm statistics of its own, or
// with those of the parts that run at the same time.
type partition struct {
	// Step is the number of steps that were made before.
	Step     int `json:"step"`
	Replicas int `json:"replicas"`
	Parts    int `json:"parts"`
}

// divide returns how a recipe's batch is divided: a replica has as many micro-batches as
// the others, and one where the recipe does not say.
func (r replicas) divide(t recipe.Training) (partition, error) {
	n := r.size()
	p := partition{Replicas: n, Parts: t.MicroBatches}
	if synchronised(t) {
		p.Parts *= n
		if t.Batch%p.Parts != 0 {
			return p, fmt.Errorf("a micro-batch of %d images cannot be divided among %d replicas; choose another batch, or number of replicas", t.Batch/t.MicroBatches, n)
		}
		return p, nil
	}
	if p.Parts == 1 {
		p.Parts = n
	}
	if p.Parts%n != 0 {
		return p, fmt.Errorf("micro_batches is %d, which %d replicas cannot share equally; choose another number of replicas, or of micro-batches", p.Parts, n)
	}
	if t.Batch%p.Parts != 0 || t.Batch/p.Parts < 2 {
		return p, fmt.Errorf("the batch of %d images cannot be divided into %d parts of at least 2 images, for %d replicas; choose another batch, or number of replicas", t.Batch, p.Parts, n)
	}
	return p, nil
}

// perReplica is how many parts each replica has.
func (p partition) perReplica() int { return p.Parts / p.Replicas }

// share is what a replica loads of the stream of images; of all for one replica. Of each batch
// it has micro-batches, or where batch norm is synchronised, of each micro-batch a part.
func (r replicas) share(t recipe.Training) dataset.Share {
	if r.size() == 1 {
		return dataset.Share{}
	}
	of := t.Batch
	if synchronised(t) {
		of /= t.MicroBatches
	}
	part := of / r.size()
	return dataset.Share{Of: of, From: r.rank() * part, To: (r.rank() + 1) * part}
}

func synchronised(t recipe.Training) bool { return t.BatchNorm == recipe.BatchNormSynchronised }

// gather is how batch norm is synchronised; nil where it is not.
func (r replicas) gather(t recipe.Training) (func(own []float32) ([]float32, error), error) {
	if r.group == nil || !synchronised(t) {
		return nil, nil
	}
	return r.group.Beside()
}

// sameImages is an error where the replicas do not see the same images.
func (r replicas) sameImages(all ...fingerprint) error {
	if r.group == nil {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	texts, err := r.group.Texts(string(text))
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(texts, func(other string) bool { return other != texts[0] }); i >= 0 {
		return fmt.Errorf("replica %d has other images than the first: expected the same files, names and classes on every machine", i)
	}
	return nil
}

// spread gives all replicas the first one's state.
func (t *run) spread() error {
	g := t.replicas.group
	if g == nil {
		return nil
	}
	text, err := json.Marshal(t.state)
	if err != nil {
		return err
	}
	first, err := g.TextOfFirst(string(text))
	if err != nil {
		return err
	}
	if !g.First() {
		t.state = state{}
		if err := json.Unmarshal([]byte(first), &t.state); err != nil {
			return err
		}
	}
	for _, section := range t.step.Sections() {
		for _, p := range section.Parameters {
			values, err := t.step.Values(section, p)
			if err != nil {
				return err
			}
			if err := g.TakeFirst(values); err != nil {
				return err
			}
			if g.First() {
				continue
			}
			if err := t.step.SetValues(section, p, values); err != nil {
				return err
			}
		}
	}
	return nil
}

// recordPartition says, and keeps in the state, how batches are divided from now on.
func (t *run) recordPartition() {
	t.partition.Step = t.state.Step
	last := partition{Replicas: 1, Parts: t.recipe.MicroBatches} // that of runs that have none
	if n := len(t.state.Partitions); n > 0 {
		last = t.state.Partitions[n-1]
	}
	p := t.partition
	if p.Replicas == last.Replicas && p.Parts == last.Parts {
		return
	}
	t.state.Partitions = append(t.state.Partitions, p)
	if t.state.Step > 0 {
		t.log.Info("the run goes on with another number of replicas", "step", t.state.Step, "replicas", p.Replicas, "before", last.Replicas,
			"parts of a batch", p.Parts, "before that", last.Parts)
	}
}

// A part is what a micro-batch of any replica has come to.
type part struct {
	loss       float64
	top1, top5 int
}

// partsOfAll returns those of all replicas, in the order of the stream.
func (r replicas) partsOfAll(own []part) ([]part, error) {
	if r.group == nil {
		return own, nil
	}
	values := make([]float32, 0, 3*len(own)) // losses are float32, and counts small
	for _, p := range own {
		values = append(values, float32(p.loss), float32(p.top1), float32(p.top5))
	}
	values, err := r.group.Gather(values)
	if err != nil {
		return nil, err
	}
	var all []part
	for v := range slices.Chunk(values, 3) {
		all = append(all, part{float64(v[0]), int(v[1]), int(v[2])})
	}
	return all, nil
}

// partOf counts what a micro-batch has come to.
func partOf(o step.Outcome, labels []int32) part {
	top1, top5 := score.Hits(o.Logits, labels)
	return part{o.Loss, top1, top5}
}

// uninterrupted is the context of what all replicas do together: they agree on when to stop.
func (r replicas) uninterrupted(ctx context.Context) context.Context {
	if r.group == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// addUnreadable adds up the images that replicas could not read.
func (t *run) addUnreadable() error {
	if t.group == nil {
		return nil
	}
	all, err := t.group.Gather([]float32{float32(t.result.Unreadable)})
	t.result.Unreadable = 0
	for _, n := range all {
		t.result.Unreadable += int(n)
	}
	return err
}
