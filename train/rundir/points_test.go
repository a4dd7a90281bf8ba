package rundir

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

var nan = math.NaN()

func TestReadMetrics(t *testing.T) {
	content := `step,top1,epoch,loss,learning_rate,validation_top5,validation_top1,top5,validation_loss,gradient_norm
10,0.25,0.5,2.5,0.045,,,0.75,,7.5
20,,1,,,0.875,0.5,,1.25,
30,0.5,1.5,1.5,0.045,,,NaN,,6
40,0.6,2,1`
	want := []Point{
		{Epoch: 0.5, Training: Measures{2.5, 0.25, 0.75}, Validation: Measures{nan, nan, nan}, GradientNorm: 7.5},
		{Epoch: 1, Training: Measures{nan, nan, nan}, Validation: Measures{1.25, 0.5, 0.875}, GradientNorm: nan},
		{Epoch: 1.5, Training: Measures{1.5, 0.5, nan}, Validation: Measures{nan, nan, nan}, GradientNorm: 6},
	}
	path := Dir(t.TempDir()).Metrics()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	points, err := ReadMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != len(want) {
		t.Fatalf("there are %d points, want %d", len(points), len(want))
	}
	values := func(p Point) []float64 {
		return []float64{p.Epoch, p.Training.Loss, p.Training.Top1, p.Training.Top5, p.Validation.Loss, p.Validation.Top1, p.Validation.Top5, p.GradientNorm}
	}
	same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
	for i, p := range points {
		if !slices.EqualFunc(values(p), values(want[i]), same) {
			t.Errorf("point %d is %+v, want %+v", i, p, want[i])
		}
	}
}

func TestReadMetricsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"empty":     {"", []string{"empty"}},
		"no rows":   {"epoch,loss\n1,2", []string{"no rows", "wait"}},
		"no epoch":  {"step,loss\n1,2\n", []string{"columns epoch", "found step, loss"}},
		"no values": {"step,epoch\n1,2\n", []string{"one of loss, top1", "found step, epoch"}},
		"norms":     {"epoch,gradient_norm\n1,2\n", []string{"one of loss, top1", "found epoch, gradient_norm"}},
		"text":      {"epoch,loss\n1,2\n2,large\n", []string{"line 3", "loss", `"large"`}},
		"cells":     {"epoch,loss\n1,2,3\n", []string{"line 2", "fields"}},
		"no number": {"epoch,loss\n,2\n", []string{"line 2", "epoch"}},
	} {
		path := Dir(t.TempDir()).Metrics()
		if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadMetrics(path)
		for _, part := range append(c.want, path) {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error is %v, should have %q", name, err, part)
			}
		}
	}
}
