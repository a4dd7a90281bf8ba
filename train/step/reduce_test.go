package step

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers "go"

	"github.com/seed-fb2c0fa6/inception/arch"
	"github.com/seed-fb2c0fa6/inception/engine"
	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/recipe"
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

// TestSynchronised compares replicas whose batch norm is synchronised, each with a part of the
// images, with one that has them all: what they compute is the same to rounding, and among the
// replicas bit for bit. With two micro-batches each replica has a part of both.
func TestSynchronised(t *testing.T) {
	const replicas, part, steps = 3, 2, 2
	backend, err := engine.New("winograd=off") // of little rounding, which such small batches magnify
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	for _, microBatches := range []int{1, 2} {
		r := smallRecipe()
		r.Optimizer = recipe.Optimizer{SGD: &recipe.SGD{Momentum: 0.9}} // whose slot is of gradients
		r.DropoutKeep, r.Seed = 1, 9
		r.Batch, r.MicroBatches = replicas*part*microBatches, microBatches
		images, labels := pictures(r.Batch)
		const image = 75 * 75 * 3
		one := newStep(t, backend, r, Options{})
		several, alone := make([]*Step, replicas), make([]*Step, replicas)
		reducing, apart, gathering := newGroup(replicas), newGroup(replicas), newGroup(replicas)
		for rank := range replicas {
			own := r
			own.Batch = part * microBatches
			several[rank] = newStep(t, backend, own, Options{Reducer: replica{rank, reducing}, Gather: replica{rank, gathering}.Gather})
			alone[rank] = newStep(t, backend, own, Options{Reducer: replica{rank, apart}})
		}
		// apply makes a step of some of the images of each micro-batch.
		apply := func(s *Step, n, rank, size int) (sum Outcome, err error) {
			per := len(labels) / microBatches
			for i := range microBatches {
				first := i*per + rank*size
				x, y := images[first*image:][:size*image], labels[first:][:size]
				var o Outcome
				if i < microBatches-1 {
					o, err = s.Accumulate(n, i, x, y)
				} else {
					o, err = s.Apply(n, x, y, 1e-4, 0.5)
				}
				if err != nil {
					return sum, err
				}
				sum.Loss += o.Loss
				sum.GradientNorm = o.GradientNorm
			}
			return sum, nil
		}
		for n := range steps {
			want, err := apply(one, n, 0, replicas*part)
			if err != nil {
				t.Fatal(err)
			}
			var running sync.WaitGroup
			losses := make([]float64, replicas)
			for rank := range replicas {
				running.Go(func() {
					o, err := apply(several[rank], n, rank, part)
					if err != nil || math.Abs(o.GradientNorm-want.GradientNorm) > 0.01*want.GradientNorm {
						t.Errorf("step %d, rank %d: %+v, %v, want the gradient's norm %g", n, rank, o, err, want.GradientNorm)
					}
					losses[rank] = o.Loss
					if _, err := apply(alone[rank], n, rank, part); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
			if loss := (losses[0] + losses[1] + losses[2]) / 3; math.Abs(loss-want.Loss) > 1e-5*want.Loss {
				t.Errorf("step %d has the loss %g, want %g", n, loss, want.Loss)
			}
		}
		most := 0.0
		for _, section := range one.Sections() {
			for _, p := range section.Parameters {
				var all [5][]float32
				for i, s := range []*Step{one, several[0], several[1], several[2], alone[0]} {
					var err error
					if all[i], err = s.Values(section, p); err != nil {
						t.Fatal(err)
					}
				}
				if !slices.Equal(all[1], all[2]) || !slices.Equal(all[1], all[3]) {
					t.Fatalf("%s is not the same on all replicas", section.Tensor(p))
				}
				// It is 4e-6, or 6e-3 where a value beside zero falls on ReLU's other side.
				if d := difference(all[1], all[0]); d > 0.01 {
					t.Errorf("%s differs by %.2g from that of the whole batch", section.Tensor(p), d)
				} else {
					most = max(most, d)
				}
				if section.Name == "momentum" && strings.HasSuffix(p.Name, "/gamma") && difference(all[4], all[0]) < 0.02 {
					t.Errorf("the gradient of %s of replicas that are not synchronised is that of the whole batch", p.Name)
				}
			}
		}
		t.Logf("with %d micro-batches, values differ by at most %.2g (L2, relative)", microBatches, most)
	}
}

// TestSynchronisedHead synchronises the batch norm of features too.
func TestSynchronisedHead(t *testing.T) {
	const replicas, part = 2, 4
	head := &arch.Head{Hidden: []arch.HeadLayer{{Units: 5, BatchNorm: true, Activation: "relu"}}}
	backend := cpubackend.New(t)
	r := smallRecipe()
	r.DropoutKeep, r.Batch = 1, replicas*part
	images, labels := pictures(r.Batch)
	const image = 75 * 75 * 3
	want, err := newStepWithHead(t, backend, r, Options{}, head).Apply(0, images, labels, 0.1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	r.Batch = part
	reducing, gathering := newGroup(replicas), newGroup(replicas)
	var running sync.WaitGroup
	for rank := range replicas {
		s := newStepWithHead(t, backend, r, Options{Reducer: replica{rank, reducing}, Gather: replica{rank, gathering}.Gather}, head)
		running.Go(func() {
			o, err := s.Apply(0, images[rank*part*image:][:part*image], labels[rank*part:][:part], 0.1, 0.5)
			if err != nil || math.Abs(o.GradientNorm-want.GradientNorm) > 1e-3*want.GradientNorm {
				t.Errorf("rank %d: %+v, %v, want the gradient's norm %g", rank, o, err, want.GradientNorm)
			}
		})
	}
	running.Wait()
}

// difference is the L2 norm of a difference, relative to that of what is wanted.
func difference(got, want []float32) float64 {
	var d, n float64
	for i, v := range want {
		d += math.Pow(float64(got[i])-float64(v), 2)
		n += math.Pow(float64(v), 2)
	}
	if d == 0 {
		return 0
	}
	return math.Sqrt(d / n)
}

// TestSynchronisedRefuses expects errors of what cannot be synchronised.
func TestSynchronisedRefuses(t *testing.T) {
	r := smallRecipe()
	both := Options{Reducer: replica{0, newGroup(2)}, Gather: replica{0, newGroup(2)}.Gather}
	network, parameters := networkOf(t, r, both)
	values := func([]float32, arch.Parameter) error { return nil }
	other, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Finalize()
	if _, err := New(other, network, r.Resolved(), parameters, values, both); err == nil || !strings.Contains(err.Error(), "cannot be synchronised over replicas on the backend") {
		t.Errorf("the error of a backend that is not the engine's is %v", err)
	}
	if _, err := New(cpubackend.New(t), network, r.Resolved(), parameters, values, Options{Gather: both.Gather}); err == nil || !strings.Contains(err.Error(), "needs a Reducer") {
		t.Errorf("the error without a Reducer is %v", err)
	}
	// A replica whose program has another order.
	all := newGroup(2)
	one := newStep(t, cpubackend.New(t), r, Options{Reducer: replica{0, newGroup(2)}, Gather: replica{0, all}.Gather})
	var running sync.WaitGroup
	running.Go(func() { _, _ = replica{1, all}.Gather(make([]float32, 4)) })
	images, labels := pictures(2)
	if _, err := one.Apply(0, images, labels, 0.1, 0.5); err == nil || !strings.Contains(err.Error(), "replica 1 computes the network's layers in another order") {
		t.Errorf("the error of another order is %v", err)
	}
	running.Wait()
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
