package fid_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/fid"
	"github.com/seed-fb2c0fa6/inception/vision"
	"github.com/seed-fb2c0fa6/inception/weights/npz"
)

// features are those of testdata/expected.py.
func features(seed uint32, rows, columns int, shift float64) [][]float32 {
	all := make([][]float32, rows)
	for r := range all {
		x := make([]float64, columns)
		for i := range x {
			seed = seed*1664525 + 1013904223
			x[i] = float64(seed) / (1 << 32)
		}
		for i := range x {
			all[r] = append(all[r], float32(x[i]+0.5*x[(i+columns-1)%columns]+shift*float64(i)/float64(columns)))
		}
	}
	return all
}

func read[T any](t *testing.T, file string) (v T) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

func statistics(t *testing.T, of [][]float32) *fid.Statistics {
	t.Helper()
	s, err := fid.StatisticsOf(of)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMeasures expects what pytorch-fid, clean-fid and numpy compute of the same features.
func TestMeasures(t *testing.T) {
	expected := read[struct {
		Pairs []struct {
			Name  string
			FID   float64
			KID   float64 `json:"kid_of_first"`
			Score float64
		}
	}](t, "testdata/expected.json").Pairs
	sets := [][2][][]float32{
		{features(1, 60, 12, 0), features(2, 40, 12, 0.3)},
		{features(3, 10, 32, 0), features(4, 14, 32, 0.1)},
		{features(5, 30, 8, 0), features(5, 30, 8, 0)},
	}
	for i, want := range expected {
		a, b := sets[i][0], sets[i][1]
		for _, pair := range [][2]*fid.Statistics{{statistics(t, a), statistics(t, b)}, {statistics(t, b), statistics(t, a)}} {
			got, err := fid.Frechet(pair[0], pair[1])
			if err != nil {
				t.Fatal(err)
			}
			near(t, want.Name+": FID", got, want.FID, 1e-6)
		}
		m := min(len(a), len(b))
		k, err := fid.KernelDistance(a[:m], b[:m], fid.KernelOptions{})
		if err != nil || k.Subsets != 1 || k.Size != m || k.Deviation != 0 {
			t.Errorf("%+v, %v", k, err)
		}
		near(t, want.Name+": KID", k.Distance, want.KID, 1e-9)
		logits := make([][]float32, len(a))
		for i, row := range a {
			for _, v := range row {
				logits[i] = append(logits[i], 10*v)
			}
		}
		s, err := fid.InceptionScore(logits, 1, 7)
		if err != nil {
			t.Fatal(err)
		}
		near(t, want.Name+": score", s.Mean, want.Score, 1e-6)
		parts, err := fid.InceptionScore(logits, 3, 7)
		if again, _ := fid.InceptionScore(logits, 3, 7); err != nil || parts != again || parts.Deviation <= 0 || parts.Mean >= s.Mean {
			t.Errorf("of three parts the score is %+v, %v", parts, err)
		}
	}
	// Subsets are a sample of what all pictures have.
	a, b := features(1, 60, 12, 0), features(2, 40, 12, 0.3)
	all, _ := fid.KernelDistance(a[:40], b, fid.KernelOptions{})
	some, err := fid.KernelDistance(a, b, fid.KernelOptions{Subsets: 50, Size: 20, Seed: 1})
	if err != nil || some.Subsets != 50 || some.Size != 20 || some.Deviation == 0 || math.Abs(some.Distance-all.Distance) > 0.1 {
		t.Errorf("%+v, %v; all are %+v", some, err, all)
	}
	if other, _ := fid.KernelDistance(a, b, fid.KernelOptions{Subsets: 50, Size: 20, Seed: 2}); other == some {
		t.Error("another seed has the same subsets")
	}
}

// TestStatistics reads what numpy wrote, and what Write wrote.
func TestStatistics(t *testing.T) {
	got, err := fid.Read("testdata/statistics.npz")
	if err != nil {
		t.Fatal(err)
	}
	want := statistics(t, features(1, 60, 12, 0))
	same := func(got *fid.Statistics) {
		t.Helper()
		for i, v := range want.Mean {
			near(t, "a mean", got.Mean[i], v, 1e-12)
		}
		for i, v := range want.Covariance {
			near(t, "a covariance", got.Covariance[i], v, 1e-12)
		}
	}
	same(got)
	if got.Made != (fid.Made{}) || got.Pictures != 0 || len(got.Made.Unknown()) != 4 {
		t.Errorf("numpy's say that they are %+v", got.Made)
	}
	want.Made = fid.Made{Network: "n", Weights: "ab12", Mode: fid.Clean}
	file := filepath.Join(t.TempDir(), "s.npz")
	if err := want.Write(file); err != nil {
		t.Fatal(err)
	}
	again, err := fid.Read(file)
	if err != nil || again.Made != want.Made || again.Pictures != 60 || !slices.Equal(again.Made.Unknown(), []string{"precision"}) {
		t.Fatalf("%+v, %v", again, err)
	}
	same(again)

	// What is known of both must be the same.
	other := *want
	other.Made = fid.Made{Weights: "cd34", Precision: "int8", Mode: fid.LegacyPyTorch}
	var different *fid.DifferenceError
	if _, err := fid.Frechet(want, &other); !errors.As(err, &different) || !slices.Equal(different.Names, []string{"weights", "mode"}) || !strings.Contains(err.Error(), `"ab12" and "cd34"`) {
		t.Errorf("%v", err)
	}
	if both := want.Made.Or(other.Made); both != (fid.Made{Network: "n", Weights: "ab12", Precision: "int8", Mode: fid.Clean}) {
		t.Errorf("%+v", both)
	}
	if err := npz.WriteArrays(file, map[string]npz.Array{"mu": {Shape: []int{1}, Values: []float64{1}}, "sigma": {Shape: []int{1, 1}, Values: []float64{1}}}, map[string]string{"inception.pictures": "many"}); err != nil {
		t.Fatal(err)
	}
	if _, err := fid.Read(file); err == nil || !strings.Contains(err.Error(), `"many"`) {
		t.Error(err)
	}

	for part, arrays := range map[string]map[string]npz.Array{
		"array mu":      {"sigma": {Shape: []int{1, 1}, Values: []float64{1}}},
		"array sigma":   {"mu": {Shape: []int{2}, Values: []float64{1, 2}}, "sigma": {Shape: []int{1, 1}, Values: []float64{1}}},
		"symmetric":     {"mu": {Shape: []int{2}, Values: []float64{1, 2}}, "sigma": {Shape: []int{2, 2}, Values: []float64{1, 2, 3, 4}}},
		"finite":        {"mu": {Shape: []int{1}, Values: []float64{math.NaN()}}, "sigma": {Shape: []int{1, 1}, Values: []float64{1}}},
		"variances":     {"mu": {Shape: []int{1}, Values: []float64{0}}, "sigma": {Shape: []int{1, 1}, Values: []float64{-1}}},
		"two axes":      {"mu": {Shape: []int{1, 1, 1}, Values: []float64{0}}},
		"of 2 x 2":      {"mu": {Shape: []int{2}, Values: []float64{1, 2}}},
		"of one axis":   {"mu": {Shape: []int{1, 1}, Values: []float64{1}}},
		"mean of one a": {},
	} {
		if err := npz.WriteArrays(file, arrays, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := fid.Read(file); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, expected %s", err, part)
		}
	}
	if _, err := fid.StatisticsOf(features(1, 1, 3, 0)); err == nil {
		t.Error("one picture has a covariance")
	}
	if _, err := fid.Frechet(want, statistics(t, features(1, 9, 3, 0))); err == nil || !strings.Contains(err.Error(), "12") {
		t.Errorf("statistics of other features: %v", err)
	}
}

// TestModes expects what clean-fid, PyTorch and TensorFlow make of a picture.
func TestModes(t *testing.T) {
	m := &vision.Image{Width: 37, Height: 23}
	for y := range m.Height {
		for x := range m.Width {
			for c := range 3 {
				m.Pix = append(m.Pix, uint8(x*7+y*5+c*31+x*y))
			}
		}
	}
	const side = 299
	p := vision.Preprocessing{Size: side, Mean: [3]float32{.5, .5, .5}, Std: [3]float32{.5, .5, .5}}
	expected := read[map[string]json.RawMessage](t, "testdata/expected.json")
	of := func(mode fid.Mode) (values []float64) {
		t.Helper()
		if err := json.Unmarshal(expected[string(mode)], &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	for mode, want := range map[fid.Mode][]float64{
		fid.Clean: of(fid.Clean), fid.LegacyPyTorch: of(fid.LegacyPyTorch), fid.LegacyTensorFlow: read[[]float64](t, "testdata/tensorflow.json"),
	} {
		dst := make([]float32, side*side*3)
		if err := mode.Prepare(dst, m, p); err != nil {
			t.Fatal(err)
		}
		at := 0
		for y := 0; y < side; y += 41 {
			for x := 0; x < side; x += 43 {
				for c := range 3 {
					near(t, string(mode), float64(dst[3*(y*side+x)+c]), want[at], 2e-6)
					at++
				}
			}
		}
		if at != len(want) {
			t.Errorf("%s: %d values, want %d", mode, at, len(want))
		}
		if mode.Prepare(dst[1:], m, p) == nil {
			t.Error("too little room is no error")
		}
	}
	if _, err := fid.ParseMode("x"); err == nil || !strings.Contains(err.Error(), "legacy-pytorch") || !slices.Contains(fid.Modes(), fid.Clean) {
		t.Error(err)
	}
}
