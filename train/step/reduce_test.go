package step

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
)

// replica is one of some in this process, which meet to add their gradients.
type replica struct {
	rank  int
	group *group
}

type group struct {
	size  int
	mu    sync.Mutex
	cond  *sync.Cond
	given [][]float32 // by rank
	count int
	all   [][]float32 // of the last round
	round int
}

func newGroup(size int) *group {
	g := &group{size: size, given: make([][]float32, size)}
	g.cond = sync.NewCond(&g.mu)
	return g
}

func (r replica) Rank() int { return r.rank }
func (r replica) Size() int { return r.group.size }

func (r replica) Sum(values []float32) error {
	all := r.meet(values)
	copy(values, all[0])
	for _, other := range all[1:] {
		for i, v := range other {
			values[i] += v
		}
	}
	return nil
}

func (r replica) Gather(own []float32) ([]float32, error) { return slices.Concat(r.meet(own)...), nil }

// meet returns what all replicas have come with, by rank.
func (r replica) meet(own []float32) [][]float32 {
	g := r.group
	g.mu.Lock()
	defer g.mu.Unlock()
	round := g.round
	g.given[r.rank] = slices.Clone(own)
	if g.count++; g.count == g.size {
		g.all, g.given = g.given, make([][]float32, g.size)
		g.count = 0
		g.round++
		g.cond.Broadcast()
	}
	for g.round == round {
		g.cond.Wait()
	}
	return g.all
}

// TestReplicas compares replicas, each with a part of the images, with one that has as
// many micro-batches: the state is the same, bit for bit, and so is the norm. Gradients are
// added while the backward pass goes on.
func TestReplicas(t *testing.T) {
	const replicas, part, steps = 2, 3, 2
	backend := cpubackend.New(t)
	r := smallRecipe()
	r.DropoutKeep = 0.8
	r.Batch = part
	images, labels := pictures(replicas * part)
	const image = 75 * 75 * 3

	whole := r
	whole.Batch, whole.MicroBatches = replicas*part, replicas
	one := newStep(t, backend, whole, Options{})
	var norms [steps]float64
	for n := range steps {
		if _, err := one.Accumulate(n, 0, images[:part*image], labels[:part]); err != nil {
			t.Fatal(err)
		}
		o, err := one.Apply(n, images[part*image:], labels[part:], 0.1, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		norms[n] = o.GradientNorm
	}

	all := newGroup(replicas)
	several := make([]*Step, replicas)
	for rank := range replicas {
		several[rank] = newStep(t, backend, r, Options{Reducer: replica{rank, all}})
	}
	for n := range steps {
		var running sync.WaitGroup
		for rank, s := range several {
			running.Go(func() {
				o, err := s.Apply(n, images[rank*part*image:][:part*image], labels[rank*part:][:part], 0.1, 0.5)
				if err != nil || o.GradientNorm != norms[n] || len(o.Logits) != 3*part || !(o.Loss > 0) {
					t.Errorf("step %d, rank %d: %+v, %v, want the gradient's norm %g", n, rank, o, err, norms[n])
				}
			})
		}
		running.Wait()
	}
	if early, all := len(several[0].accumulate.earlyOrder()), len(several[0].parameters.Trained); early < all {
		t.Errorf("%d of %d gradients are there before the program ends", early, all)
	}
	if took := several[0].Reduction(); took.Time <= 0 || took.Exposed <= 0 {
		t.Errorf("adding gradients took %+v", took)
	}
	for _, section := range one.Sections() {
		for _, p := range section.Parameters {
			want, err := one.Values(section, p)
			if err != nil {
				t.Fatal(err)
			}
			for rank, s := range several {
				if got, err := s.Values(section, p); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s of rank %d differs from that of one replica with %d micro-batches: %v", section.Tensor(p), rank, replicas, err)
				}
			}
		}
	}
}

// TestReducerOfOne compares a step whose gradients are accumulated, reduced and applied by
// programs of their own with one that ends in a single program.
func TestReducerOfOne(t *testing.T) {
	backend := cpubackend.New(t)
	r := smallRecipe()
	r.Batch = 4
	images, labels := pictures(r.Batch)
	single, divided := newStep(t, backend, r, Options{}), newStep(t, backend, r, Options{CheckGradients: true, Reducer: replica{0, newGroup(1)}})
	for n := range 2 {
		want, err := single.Apply(n, images, labels, 0.1, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		got, err := divided.Apply(n, images, labels, 0.1, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Loss-want.Loss) > 1e-5*want.Loss || math.Abs(got.GradientNorm-want.GradientNorm) > 1e-5*want.GradientNorm || got.NotFinite != "" || len(got.Logits) != len(want.Logits) {
			t.Errorf("step %d computes %+v, want %+v", n, got, want)
		}
	}
}

type brokenReducer struct{ replica }

func (brokenReducer) Sum([]float32) error                     { return errors.New("rank 1 is gone") }
func (brokenReducer) Gather(own []float32) ([]float32, error) { return own, nil }

func TestReduceFails(t *testing.T) {
	r := smallRecipe()
	s := newStep(t, cpubackend.New(t), r, Options{Reducer: brokenReducer{replica{0, newGroup(2)}}})
	images, labels := pictures(2)
	if _, err := s.Apply(4, images, labels, 0.1, 0.5); err == nil || !strings.Contains(err.Error(), "step 5: rank 1 is gone") {
		t.Errorf("the error is %v", err)
	}
}
