package replica

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes/bfloat16"
)

// together runs something on all replicas of a number.
func together(t *testing.T, size int, wire Wire, do func(g *Group) error) {
	t.Helper()
	var running sync.WaitGroup
	for _, transport := range Local(size) {
		running.Go(func() {
			if err := do(New(transport, wire)); err != nil {
				t.Errorf("replica %d of %d: %v", transport.Rank(), size, err)
			}
		})
	}
	running.Wait()
}

// values are those of a replica, which no order of adding makes the same sum of.
func values(rank, n int) []float32 {
	random := rand.New(rand.NewPCG(9, uint64(rank)))
	all := make([]float32, n)
	for i := range all {
		all[i] = float32(random.NormFloat64() * math.Pow(10, float64(random.IntN(8)-4)))
	}
	return all
}

func TestSum(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5} {
		for _, n := range []int{0, 1, 2, 7, 1000, 4099} {
			want := make([]float32, n)
			for r := range size {
				for i, v := range values(r, n) {
					if r == 0 {
						want[i] = v
					} else {
						want[i] += v
					}
				}
			}
			together(t, size, Float32, func(g *Group) error {
				for range 2 { // with the room of the first
					got := values(g.Rank(), n)
					if err := g.Sum(got); err != nil {
						return err
					}
					if !slices.Equal(got, want) {
						return fmt.Errorf("the sums of %d values differ from those in the order of the ranks", n)
					}
				}
				return nil
			})
		}
	}
}

// TestSumRounded rounds by another implementation: what is sent, and the sum.
func TestSumRounded(t *testing.T) {
	const n = 999
	for _, size := range []int{1, 2, 3} {
		want := make([]float32, n)
		for r := range size {
			for i, v := range values(r, n) {
				want[i] += bfloat16.FromFloat32(v).Float32()
			}
		}
		for i := range want {
			want[i] = bfloat16.FromFloat32(want[i]).Float32()
		}
		together(t, size, BFloat16, func(g *Group) error {
			got := values(g.Rank(), n)
			if err := g.Sum(got); err != nil {
				return err
			}
			if !slices.Equal(got, want) {
				return errors.New("sums of bfloat16 differ")
			}
			return nil
		})
	}
	bits := make([]uint16, 3)
	round(bits, []float32{float32(math.NaN()), float32(math.Inf(-1)), 3.4e38})
	if v := wide(bits[0]); v == v || wide(bits[1]) != float32(math.Inf(-1)) || wide(bits[2]) != float32(math.Inf(1)) {
		t.Errorf("rounded to %x", bits)
	}
}

func TestGather(t *testing.T) {
	together(t, 3, Float32, func(g *Group) error {
		all, err := g.Gather([]float32{float32(g.Rank()), 7})
		if err != nil || !slices.Equal(all, []float32{0, 7, 1, 7, 2, 7}) {
			return fmt.Errorf("gathered %v, %v", all, err)
		}
		texts, err := g.Texts(strings.Repeat("x", g.Rank()))
		if err != nil || !slices.Equal(texts, []string{"", "x", "xx"}) {
			return fmt.Errorf("texts %q, %v", texts, err)
		}
		first, err := g.TextOfFirst(fmt.Sprint("of ", g.Rank()))
		if err != nil || first != "of 0" {
			return fmt.Errorf("the first's text is %q, %v", first, err)
		}
		taken := []float32{float32(g.Rank() + 5)}
		if err := g.TakeFirst(taken); err != nil || taken[0] != 5 {
			return fmt.Errorf("the first's value is %v, %v", taken, err)
		}
		for who := range 3 {
			if any, err := g.Agree(g.Rank() == who); err != nil || !any {
				return fmt.Errorf("not agreed with %d: %v", who, err)
			}
		}
		if any, err := g.Agree(false); err != nil || any {
			return fmt.Errorf("agreed with none: %v", err)
		}
		threads, err := g.Threads()
		if err != nil || threads < 1 {
			return fmt.Errorf("%d threads, %v", threads, err)
		}
		return nil
	})
}

// TestBeside gathers while sums are made, which replicas begin in other orders.
func TestBeside(t *testing.T) {
	together(t, 3, Float32, func(g *Group) error {
		gather, err := g.Beside()
		if err != nil {
			return err
		}
		summed := make(chan error, 1)
		sum := func() {
			v := []float32{float32(g.Rank()), 1}
			err := g.Sum(v)
			if err == nil && !slices.Equal(v, []float32{3, 3}) {
				err = fmt.Errorf("summed %v", v)
			}
			summed <- err
		}
		if g.Rank() == 1 { // the others wait for its sum, and it for their values
			go sum()
		}
		for n := range 3 {
			all, err := gather([]float32{float32(10*n + g.Rank())})
			if want := []float32{float32(10 * n), float32(10*n + 1), float32(10*n + 2)}; err != nil || !slices.Equal(all, want) {
				return fmt.Errorf("gathered %v, %v", all, err)
			}
		}
		if g.Rank() != 1 {
			go sum()
		}
		return <-summed
	})
	// Who ends all ends those too that gather.
	all := Local(2)
	ended := make(chan error, 1)
	go func() {
		gather, err := New(all[1], Float32).Beside()
		if err == nil {
			_, err = gather([]float32{1})
		}
		ended <- err
	}()
	if _, err := New(all[0], Float32).Beside(); err != nil {
		t.Fatal(err)
	}
	all[0].Abort(1)
	if err := <-ended; !errors.Is(err, errAborted) {
		t.Errorf("the error is %v", err)
	}
}

// TestAbort lets one replica end while the others wait for it.
func TestAbort(t *testing.T) {
	all := Local(3)
	ended := make(chan error, 2)
	for _, transport := range all[1:] {
		go func() { ended <- New(transport, Float32).Sum(make([]float32, 10)) }()
	}
	all[0].Abort(1)
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, errAborted) || !strings.Contains(err.Error(), "of 3: wait for the others' gradients") {
				t.Errorf("the error is %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a replica waits for one that has ended")
		}
	}
}

func TestParseWire(t *testing.T) {
	for _, w := range []Wire{Float32, BFloat16} {
		if got, err := ParseWire(w.String()); err != nil || got != w {
			t.Errorf("%s is parsed as %v, %v", w, got, err)
		}
	}
	if _, err := ParseWire("fp8"); err == nil || !strings.Contains(err.Error(), "float32 or bfloat16") {
		t.Errorf("the error is %v", err)
	}
}
