package reproduce

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestArms expects pairs of about equal cost, and sizes that differ in their scales alone.
func TestArms(t *testing.T) {
	all, err := arms(pairings(), 10)
	if err != nil || len(all) != 4 {
		t.Fatalf("arms are %v, %v", all, err)
	}
	for i := 0; i < len(all); i += 2 {
		plain, residual := all[i], all[i+1]
		if ratio := float64(residual.MultiplyAdds) / float64(plain.MultiplyAdds); ratio < 0.95 || ratio > 1.05 || !strings.Contains(residual.Network, "resnet") {
			t.Errorf("%+v costs %.2f times %+v", residual, ratio, plain)
		}
	}
	for _, f := range sizes() {
		var first *Arm
		for _, scale := range scales() {
			a := f.arm(scale)
			if err := a.measure(10); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = a
			}
			if a.MultiplyAdds != first.MultiplyAdds || a.Parameters != first.Parameters || a.size() != first.size() || scale < 1 && a.Key == first.Key {
				t.Errorf("%+v differs from %+v in more than its scale", a, first)
			}
		}
	}
}

// trials are two seeds of two arms, whose errors fall from 90% to those at the end.
func trials(ends ...float64) []*Trial {
	arms := [2]*Arm{{Name: "first", Key: "a"}, {Name: "second", Key: "b"}}
	var all []*Trial
	for i, end := range ends {
		trial := &Trial{Arm: arms[i%2], Seed: uint64(1 + i/2), Time: time.Minute, points: points}
		for p := range points {
			rate := 0.9 + (end-0.9)*float64(p+1)/points
			trial.Points = append(trial.Points, Point{
				Step: 10 * (p + 1), Epoch: float64(p+1) / 2, Activation: 0.4,
				Top1: score.Errors{Rate: rate}, Top5: score.Errors{Rate: rate / 2}, RawTop1: score.Errors{Rate: rate + 0.01},
			})
		}
		all = append(all, trial)
	}
	return all
}

// scaled are trials of a deep and a shallow network with two scales, at the paper's rate and
// after a warm-up: deep ones times 1 have died.
func scaled(seeds int, accuracy func(arm *Arm, seed int) float64) Finding {
	f := Finding{Claim: Scaling, classes: 10, Settled: map[string]account{"depth": {Steps: 40}}}
	for _, size := range []family{{[]int{10, 20, 10}, 0.25}, {[]int{1, 2, 1}, 0.25}} {
		for _, scale := range []float64{1, 0.1} {
			arm := size.arm(scale)
			arm.MultiplyAdds = int64(size.blocks[0]) * 1e6
			died := size.blocks[0] == 10 && scale == 1
			for seed := range seeds {
				for _, how := range []treatment{{}, {WarmUp: 20}, {Unclipped: true}} {
					if how.WarmUp > 0 && !died || how.Unclipped && size.blocks[0] == 1 {
						continue
					}
					trial := &Trial{Arm: arm, Seed: uint64(seed + 1), Rate: paperRate, Treatment: how, Steps: 40, points: 1}
					top1 := accuracy(arm, seed)
					trial.Points = []Point{{Step: 40, Activation: 0.4 * scale, RawTop1: score.Errors{Rate: 1 - top1}}}
					if died {
						trial.Points[0].Activation, trial.Points[0].Zeros = 0, 1
					}
					for range 40 {
						trial.Curve = append(trial.Curve, Sample{Loss: 2, Top1: top1, GradientNorm: 32 * scale})
					}
					f.Trials = append(f.Trials, trial)
				}
				b := Boundary{Arm: arm, Seed: uint64(seed + 1), Learns: paperRate, Fails: 2 * paperRate}
				if died {
					b = Boundary{Arm: arm, Seed: uint64(seed + 1), Fails: paperRate / 64}
				}
				f.Boundaries = append(f.Boundaries, b)
			}
		}
	}
	return f
}

func verdicts(t *testing.T, f Finding) string {
	t.Helper()
	f.classes = 10
	var err error
	if f.Comparisons, err = compare(f); err != nil {
		t.Fatal(err)
	}
	return f.Verdict()
}

// TestVerdicts says held only where the whole interval is on the claim's side.
func TestVerdicts(t *testing.T) {
	failed := trials(0.9, 0.30, 0.9, 0.32, 0.9, 0.31)
	for i := 0; i < len(failed); i += 2 {
		failed[i].Failure, failed[i].Points = "no number", nil
	}
	spent := []string{"nothing more fitted: 1h of its budget of 1h were spent"}
	alike := func(*Arm, int) float64 { return 0.3 }
	died := func(a *Arm, seed int) float64 {
		if a.Blocks[0] == 10 && a.ResidualScales[0] == 1 {
			return 0.1
		}
		return 0.3 + 0.01*float64(seed)
	}
	for _, c := range []struct {
		finding Finding
		want    string
	}{
		{Finding{Claim: Residual, Trials: trials(0.40, 0.30, 0.42, 0.31, 0.40, 0.29)}, "The claim held."},
		{Finding{Claim: Residual, Trials: trials(0.30, 0.40, 0.31, 0.42, 0.29, 0.40)}, "other way"},
		{Finding{Claim: Residual, Trials: trials(0.30, 0.40, 0.41, 0.32, 0.35, 0.36)}, "not shown"},
		{Finding{Claim: Residual, Trials: failed}, "The claim held."},
		{Finding{Claim: Residual, Trials: trials(0.40, 0.30, 0.42, 0.31), Missing: spent}, "Not all was run: nothing more fitted"},
		{Finding{Claim: Residual, Missing: spent}, "Not run: nothing more fitted"},
		{Finding{Claim: Averaging, Trials: trials(0.30, 0.40)}, "held"},
		{scaled(5, died), "The claim held."},
		{scaled(5, alike), "held in part: 2 of 4 differences held, 0 were the other way, 2 not shown"},
	} {
		if got := verdicts(t, c.finding); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q should contain %q", c.finding.Claim, got, c.want)
		}
	}
	comparisons, err := compare(Finding{Claim: Residual, Trials: trials(0.40, 0.30, 0.42, 0.30), classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	// At the end 10 and 12 points; on the way (1+...+8)/8/8 = 0.5625 of these.
	if a, b := comparisons[0].Difference.Mean, comparisons[1].Difference.Mean; math.Abs(a-11*0.5625) > 1e-9 || math.Abs(b-11) > 1e-9 {
		t.Errorf("differences are %g and %g, want %g and 11", a, b, 11*0.5625)
	}
	f := scaled(3, died)
	if comparisons, err = compare(f); err != nil || len(comparisons) != 5 {
		t.Fatalf("%+v, %v", comparisons, err)
	}
	// 21, 21 points; all died and none; from no rate at all, 6 octaves below the paper's, to half an octave above
	// it; norms of 32 and 3.2.
	for i, want := range []float64{21, 21, 1, 6.5, math.Log2(10)} {
		if got := comparisons[i].Difference.Mean; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g, want %g", comparisons[i].What, got, want)
		}
	}
}

// TestOutcomes tells networks that died, that learned, and neither.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		zeros, top1   float64
		failure       string
		died, learned bool
	}{
		{0.4, 0.3, "", false, true}, {0.4, 0.11, "", false, false}, {1, 0.3, "", true, false}, {0.4, 0.3, "no number", true, false},
	} {
		trial := &Trial{Points: []Point{{Zeros: c.zeros}}, Failure: c.failure}
		for i := range 40 {
			top1 := 0.9 // early ones do not count
			if i >= 30 {
				top1 = c.top1
			}
			trial.Curve = append(trial.Curve, Sample{Top1: top1})
		}
		if trial.Died() != c.died || trial.Learned(10) != c.learned {
			t.Errorf("%+v: died %t, learned %t", c, trial.Died(), trial.Learned(10))
		}
	}
}

// TestWriteReport reads the report back: well-formed pictures, all verdicts, all tables.
func TestWriteReport(t *testing.T) {
	r := &Result{
		Config: Config{Data: "cifar10.tar.gz", Train: "train", Test: "test", Seeds: 3, Images: 100}, Backend: "cpu", Classes: make([]string, 10),
		Budget: 3 * time.Hour, Time: 150 * time.Minute,
	}
	for _, claim := range Claims() {
		f := Finding{Claim: claim, Trials: trials(0.40, 0.30, 0.42, 0.31, 0.40, 0.29), classes: 10, Settled: map[string]account{"networks": {Steps: 80, Precision: single}}}
		switch claim {
		case Scaling:
			f = scaled(5, func(a *Arm, seed int) float64 { return 0.5 - 0.3*a.ResidualScales[0] + 0.001*float64(seed) })
		case Crops:
			for i, crops := range []vision.Crops{vision.Crops1, vision.Crops12, vision.Crops144} {
				rate := func(seed int) CropError {
					top1 := score.Errors{Rate: 0.4 - 0.01*float64(i) + 0.001*float64(seed*i)}
					return CropError{top1, top1}
				}
				for _, name := range []string{"Inception-v4", "Inception-ResNet-v2"} {
					f.Crops = append(f.Crops, CropErrors{Name: "3 " + name, Networks: []string{name, name, name}, Crops: crops, Members: []CropError{rate(0), rate(1), rate(2)}, Ensemble: rate(-20)})
				}
			}
		}
		var err error
		if f.Comparisons, err = compare(f); err != nil {
			t.Fatal(err)
		}
		r.Findings = append(r.Findings, f)
	}
	folder := t.TempDir()
	if err := r.WriteReport(folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.html", "report.md"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{
			"The claim held.", "Scaled residuals", "cifar10.tar.gz", "first less second", "12 crops less 144", "2h30m of a budget of 3h",
			"trainings of 80 steps in float32", "As table 4", "17.8% / 3.7%", "As table 5", "3 Inception-v4", "5 of 5", "after 20 steps of warm-up", "gradients not clipped", "none found",
		} {
			if !strings.Contains(string(data), part) {
				t.Errorf("%s should contain %q", name, part)
			}
		}
	}
	pictures, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil || len(pictures) != 7 {
		t.Fatalf("pictures are %q, %v", pictures, err)
	}
	for _, path := range pictures {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		decoder := xml.NewDecoder(file)
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
}

func TestShort(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "1m": time.Minute, "10m30s": 630 * time.Second, "1h": time.Hour, "10h": 10 * time.Hour,
		"3h30m": 210 * time.Minute, "1h0m5s": 3605 * time.Second, "20m": 20 * time.Minute,
	} {
		if got := short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
