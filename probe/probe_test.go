package probe_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/probe"
)

// rows of a golden file.
type golden struct {
	Features [][]float32
	Labels   []int
	Expected []struct {
		Penalty float64
		Weights [][]float64
		Bias    []float64
		Loss    float64
		Right   int
	}
}

func read(t *testing.T) (g golden, all []int) {
	t.Helper()
	data, err := os.ReadFile("testdata/probe.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Labels {
		all = append(all, i)
	}
	return g, all
}

// TestFit expects the head that scikit-learn finds.
func TestFit(t *testing.T) {
	g, all := read(t)
	values := slices.Concat(g.Features...)
	for _, want := range g.Expected {
		h, err := probe.Fit(t.Context(), values, 11, g.Labels, all, 4, probe.Options{Penalty: want.Penalty, Tolerance: 1e-9})
		if err != nil {
			t.Fatal(err)
		}
		var worst float64
		for i, row := range want.Weights {
			for c, w := range row {
				worst = max(worst, math.Abs(w-float64(h.Weights[i*4+c])))
			}
		}
		for c, b := range want.Bias {
			worst = max(worst, math.Abs(b-float64(h.Bias[c])))
		}
		if worst > 1e-5 || math.Abs(h.Loss-want.Loss) > 1e-9 {
			t.Errorf("penalty %g: the head differs by %g, its loss is %.12f, want %.12f", want.Penalty, worst, h.Loss, want.Loss)
		}
		if o := h.Evaluate(values, g.Labels, all); o.Top1.Images-o.Top1.Count != want.Right || o.Top5.Count != 0 {
			t.Errorf("penalty %g: %+v, want %d right", want.Penalty, o, want.Right)
		}
	}
	// Without a penalty said it is one by the number of rows.
	h, err := probe.Fit(t.Context(), values, 11, g.Labels, all, 4, probe.Options{})
	if err != nil || math.Abs(h.Loss-g.Expected[0].Loss) > 1e-7 || !h.Converged {
		t.Errorf("by default %+v, %v", h, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := probe.Fit(stopped, values, 11, g.Labels, all, 4, probe.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
	_, err = probe.Fit(t.Context(), values, 11, g.Labels, all, 4, probe.Options{Penalty: -1})
	wanted.Error(t, err, "-1")
	_, err = probe.Fit(t.Context(), values, 11, g.Labels, all, 1, probe.Options{})
	wanted.Error(t, err, "two classes")
}

// TestDivide expects a share of each class, the same of the same seed.
func TestDivide(t *testing.T) {
	var labels []int
	for i := range 100 {
		labels = append(labels, i%3)
	}
	labels = append(labels, 3, 4, 4)
	train, held := probe.Divide(labels, 0.2, 1)
	counts := map[int]int{}
	for _, row := range held {
		counts[labels[row]]++
	}
	if counts[0] != 7 || counts[1] != 7 || counts[2] != 7 || counts[3] != 0 || counts[4] != 1 {
		t.Errorf("held out are %v", counts)
	}
	both := slices.Concat(train, held)
	slices.Sort(both)
	if len(both) != 103 || len(slices.Compact(both)) != 103 {
		t.Errorf("rows are missing or there twice: %v", both)
	}
	if _, again := probe.Divide(labels, 0.2, 1); !slices.Equal(held, again) {
		t.Error("the same seed divides otherwise")
	}
	if _, other := probe.Divide(labels, 0.2, 2); slices.Equal(held, other) {
		t.Error("another seed divides alike")
	}
}

func TestCheckFeatures(t *testing.T) {
	about := features.About{Layer: "global_pool", Fingerprint: "a"}
	if err := probe.CheckFeatures(about, "a"); err != nil {
		t.Error(err)
	}
	wanted.Error(t, probe.CheckFeatures(about, "b"), "SHA-256 a", "of b")
	about.Normalized = true
	wanted.Error(t, probe.CheckFeatures(about, "a"), "--l2")
	wanted.Error(t, probe.CheckFeatures(features.About{Layer: "Mixed_7a", Fingerprint: "a"}, "a"), "Mixed_7a", "global_pool")
	wanted.Error(t, probe.CheckFeatures(features.About{Layer: "global_pool"}, "a"), "do not tell")
}
