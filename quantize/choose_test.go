package quantize_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/quantize"
)

// TestChoose tries ranges whose comparisons are made up.
func TestChoose(t *testing.T) {
	all := []quantize.Options{
		{Ranges: quantize.MSE, Headroom: 1.5, KeepBiases: true},
		{Ranges: quantize.MSE, Headroom: 1.25, KeepBiases: true},
		{Ranges: quantize.MSE, Headroom: 1, KeepBiases: true},
		{Ranges: quantize.KL, Headroom: 1, KeepBiases: true},
	}
	for _, c := range []struct {
		name  string
		lost  float64 // at most
		kl    []float64
		tried int
		taken int
	}{
		{"the default loses nothing, though others are nearer", 0, []float64{9, 1, 1, 1}, 1, 0},
		{"the default loses half a point at most", 0.005, []float64{9, 1, 1, 1}, 1, 0},
		{"the last is nearest", 0.0051, []float64{9, 3, 2, 1}, 4, 3},
		{"one between is nearest", 0.0051, []float64{9, 3, 1, 2}, 4, 2},
		{"of the nearest the one with most headroom", 0.0051, []float64{9, 1, 1, 1}, 4, 1},
		{"no other is nearer", 0.0051, []float64{1, 1, 2, 3}, 4, 0},
	} {
		var tried []quantize.Options
		taken, trials, err := quantize.Choose(quantize.Options{KeepBiases: true}, func(o quantize.Options) (*quantize.Comparison, error) {
			i := len(tried)
			tried = append(tried, o)
			return &quantize.Comparison{Images: 100, Agreement: 1 - float64(i)/10, LostHigh: c.lost, KL: c.kl[i]}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if taken != all[c.taken] || !slices.Equal(tried, all[:c.tried]) {
			t.Errorf("%s: took %+v of %+v", c.name, taken, tried)
		}
		for i, trial := range trials {
			if o := all[i]; trial.Ranges != o.Ranges || trial.Headroom != o.Headroom || trial.Comparison.KL != c.kl[i] {
				t.Errorf("%s: trial %d is %+v", c.name, i, trial)
			}
		}
		if len(trials) != c.tried {
			t.Errorf("%s: %d trials, want %d", c.name, len(trials), c.tried)
		}
	}
	failed := errors.New("failed")
	if _, _, err := quantize.Choose(quantize.Options{}, func(quantize.Options) (*quantize.Comparison, error) { return nil, failed }); err != failed {
		t.Errorf("after a failure: %v", err)
	}
}

func TestHalve(t *testing.T) {
	first, second := quantize.Halve([]int{2, 3, 5, 7, 11})
	if want := [][]int{{3, 7}, {2, 5, 11}}; !reflect.DeepEqual([][]int{first, second}, want) {
		t.Errorf("found %v and %v, want %v", first, second, want)
	}
}
