package plan

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/seed-fb2c0fa6/inception/engine/internal/tuning"
	"github.com/seed-fb2c0fa6/inception/engine/kernel"
)

// stem is the beginning of a network of some images, and what follows it: a convolution, a pooling,
// two convolutions of that which are joined by channels, and one of many weights.
type stem struct {
	x, y, pooled, whole *Tensor
	first               *Convolution
	branches            [2]*Convolution
	last                *Convolution
	plan                *Plan
}

func newStem(images int) *stem {
	of := func(channels int) *Tensor {
		return &Tensor{N: images, H: 256, W: 256, C: channels, DType: dtypes.Float32}
	}
	convolve := func(in, out *Tensor) *Convolution {
		return &Convolution{In: in, Out: out, Window: kernel.Sliding(kernel.Square(1)), Weights: make([]float32, in.C*out.C)}
	}
	s := &stem{x: of(3), y: of(4), pooled: of(4), whole: of(8)}
	s.first = convolve(s.x, s.y)
	pool := &Pooling{In: s.y, Out: s.pooled, Maximum: true, Window: kernel.Sliding(kernel.Square(1))}
	for i := range s.branches {
		s.branches[i] = convolve(s.pooled, of(4))
		s.branches[i].Out.Place = Part{s.whole, 4 * i}
		s.branches[i].Window.Kernel.X = 2 - i // else they are siblings
	}
	s.last = convolve(s.whole, of(4))
	s.last.Window.Kernel.Y = 1 << 14
	s.plan = planOf([]Operation{s.first, pool, s.branches[0], s.branches[1], s.last}, []*Tensor{s.x}, []*Tensor{s.last.Out})
	s.plan.Caches = 2 * tuning.ImageBytes // as much as an image takes
	s.plan.Choose = func(o Operation) (Implementation, error) { return &working{Workspace(1000)}, nil }
	return s
}

// TestSplitImages computes what comes before many weights image by image, with tensors of one image
// between, and of all where others read them.
func TestSplitImages(t *testing.T) {
	s := newStem(3)
	if err := BuildVerified(s.plan); err != nil {
		t.Fatal(err)
	}
	operations := s.plan.Operations
	if len(operations) != 3*4+1 || operations[12] != Operation(s.last) {
		t.Fatalf("%d operations, want 4 of each of 3 images and the last", len(operations))
	}
	for i, o := range operations[:12] {
		image, in, out := i/4, o.Reads()[0], o.Writes()[0]
		if in.N != 1 || out.N != 1 {
			t.Errorf("operation %d is of %v to %v, want one image", i, in, out)
		}
		if (image == 0) != (o.Marked().Continues == nil) || image > 0 && o.Marked().Continues != operations[i%4] {
			t.Errorf("operation %d continues %v", i, o.Marked().Continues)
		}
		switch i % 4 {
		case 0:
			if offset, _ := in.Span(); in.Place != (Images{s.x, image}) || offset != image*256*256*3*4 {
				t.Errorf("the first operation reads %v at %d", in.Place, offset)
			}
		case 1:
			if in != operations[i-1].Writes()[0] || !in.InArena() {
				t.Errorf("the pooling of image %d reads %v in %v", image, in, in.Place)
			}
		case 2, 3:
			branch := s.branches[i%4-2].Out
			if offset, _ := out.Span(); out.Place != (Images{branch, image}) || offset != (image*256*256*8+i%4*4-8)*4 {
				t.Errorf("branch %d of image %d is in %v at %d", i%4-2, image, out.Place, offset)
			}
		}
	}
	if s.plan.Arena >= newStem(3).arenaOfAll(t) {
		t.Errorf("an arena of %d bytes, as large as without", s.plan.Arena)
	}
}

// arenaOfAll is how large the arena is where all images are computed together.
func (s *stem) arenaOfAll(t *testing.T) int {
	t.Helper()
	s.plan.Caches = 1 << 40
	if err := BuildVerified(s.plan); err != nil {
		t.Fatal(err)
	}
	if len(s.plan.Operations) != 5 {
		t.Fatalf("%d operations, want 5", len(s.plan.Operations))
	}
	return s.plan.Arena
}

// TestSplitSomeImages counts the operations where something else is given.
func TestSplitSomeImages(t *testing.T) {
	for name, c := range map[string]struct {
		images int
		change func(s *stem)
		want   int
	}{
		"two images at a time": {5, func(s *stem) { s.plan.Caches = 4 * tuning.ImageBytes }, 3*4 + 1},
		"one image":            {1, func(*stem) {}, 5},
		"caches for all":       {3, func(s *stem) { s.plan.Caches = 6 * tuning.ImageBytes }, 5},
		"trained weights": {3, func(s *stem) {
			s.first.Kernel = image(4)
			s.plan.Inputs = append(s.plan.Inputs, ProgramInput{Tensor: s.first.Kernel})
			s.first.Kernel.Place = Input{1}
		}, 5},
		"few weights in the end":  {3, func(s *stem) { s.last.Window.Kernel.Y = 1 }, 3 * 5},
		"many weights before":     {3, func(s *stem) { s.branches[0].Window.Kernel.Y = 1 << 14 }, 3*2 + 3},
		"small images":            {3, func(s *stem) { s.first.In.H, s.y.H = 64, 64 }, 5},
		"an output in the middle": {3, func(s *stem) { s.plan.Outputs = append(s.plan.Outputs, ProgramOutput{Tensor: s.y}) }, 3*4 + 1},
	} {
		s := newStem(c.images)
		c.change(s)
		if err := splitImages(s.plan); err != nil {
			t.Fatal(err)
		}
		if got := len(s.plan.Operations); got != c.want {
			t.Errorf("%s: %d operations, want %d", name, got, c.want)
		}
		if err := s.plan.verifyState(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestVerifyFindsImages spoils a plan whose images are split.
func TestVerifyFindsImages(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(s *stem)
		want  string
	}{
		"an image left away":    {func(s *stem) { s.plan.Operations = append(s.plan.Operations[:3:3], s.plan.Operations[4:]...) }, "which nothing has written"},
		"an image twice":        {func(s *stem) { s.plan.Operations[6].(*Convolution).Out.Place = Images{s.branches[0].Out, 0} }, "where there is something already"},
		"an image that is none": {func(s *stem) { s.plan.Operations[8].(*Convolution).In.Place = Images{s.x, 3} }, "is images 3 to 4 of"},
	} {
		s := newStem(3)
		if err := Build(s.plan); err != nil {
			t.Fatal(err)
		}
		c.spoil(s)
		if err := Verify(s.plan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}
