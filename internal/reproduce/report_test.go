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

	"github.com/seed-fb2c0fa6/inception/internal/cpubackend"
	"github.com/seed-fb2c0fa6/inception/score"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestArms expects pairs of about equal cost, and wide blocks that differ in their scales
// alone.
func TestArms(t *testing.T) {
	backend := cpubackend.New(t)
	pair, err := arms(backend, Residual, 10)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(pair[0].MultiplyAdds) / float64(pair[1].MultiplyAdds); ratio < 0.95 || ratio > 1.05 || !strings.Contains(pair[0].Network, "resnet") {
		t.Errorf("%+v costs %.2f times %+v", pair[0], ratio, pair[1])
	}
	wide, err := arms(backend, Scaling, 10)
	if err != nil {
		t.Fatal(err)
	}
	if wide[0].MultiplyAdds != wide[1].MultiplyAdds || wide[0].Parameters != wide[1].Parameters || wide[0].ResidualScales[0] >= wide[1].ResidualScales[0] {
		t.Errorf("wide arms are %+v and %+v", wide[0], wide[1])
	}
}

// trials are two seeds of two arms, whose errors fall from 90% to those at the end.
func trials(ends ...float64) []*Trial {
	arms := [2]*Arm{{Name: "first"}, {Name: "second"}}
	var all []*Trial
	for i, end := range ends {
		trial := &Trial{Arm: arms[i%2], Seed: uint64(1 + i/2), Time: time.Minute}
		for p := range points {
			rate := 0.9 + (end-0.9)*float64(p+1)/points
			trial.Points = append(trial.Points, Point{
				Step: 10 * (p + 1), Epoch: float64(p+1) / 2, Loss: 2 * rate, Activation: 0.4,
				Top1: score.Errors{Rate: rate}, Top5: score.Errors{Rate: rate / 2}, RawTop1: score.Errors{Rate: rate + 0.01},
			})
		}
		all = append(all, trial)
	}
	return all
}

func verdicts(t *testing.T, f Finding) string {
	t.Helper()
	comparisons, err := compare(f, 10)
	if err != nil {
		t.Fatal(err)
	}
	f.Comparisons = comparisons
	return f.Verdict()
}

// TestVerdicts says held only where the whole interval is on the claim's side.
func TestVerdicts(t *testing.T) {
	dead := trials(0.30, 0.9, 0.32, 0.9, 0.31, 0.9)
	for i, trial := range dead {
		trial.Points[points-1].Activation += 0.01 * float64(i)
		if i%2 == 1 {
			trial.Points[points-1].Activation = 0
		}
	}
	failed := trials(0.30, 0.9, 0.32, 0.9, 0.31, 0.9)
	for i := 1; i < len(failed); i += 2 {
		failed[i].Failure, failed[i].Points = errors.New("no number"), nil
	}
	for _, c := range []struct {
		claim  Claim
		trials []*Trial
		want   string
	}{
		{Residual, trials(0.30, 0.40, 0.31, 0.42, 0.29, 0.40), "The claim held."},
		{Residual, trials(0.40, 0.30, 0.42, 0.31, 0.40, 0.29), "other way"},
		{Residual, trials(0.30, 0.40, 0.41, 0.32, 0.35, 0.36), "not shown"},
		{Scaling, trials(0.30, 0.40, 0.31, 0.42, 0.29, 0.40), "held in part: 1 of 2 differences held, 0 were the other way, 1 not shown"},
		{Scaling, dead, "The claim held."},
		{Scaling, failed, "The claim held."},
		{Averaging, trials(0.30, 0.40), "held"},
	} {
		if got := verdicts(t, Finding{Claim: c.claim, Trials: c.trials}); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q should contain %q", c.claim, got, c.want)
		}
	}
	for _, trial := range dead {
		if trial.Died() != (trial.Arm.Name == "second") {
			t.Errorf("%s died: %t", trial.Arm.Name, trial.Died())
		}
	}
	comparisons, err := compare(Finding{Claim: Residual, Trials: trials(0.30, 0.40, 0.30, 0.42)}, 10)
	if err != nil {
		t.Fatal(err)
	}
	// At the end 10 and 12 points; on the way (1+...+8)/8/8 = 0.5625 of these.
	if a, b := comparisons[0].Difference.Mean, comparisons[1].Difference.Mean; math.Abs(a-11*0.5625) > 1e-9 || math.Abs(b-11) > 1e-9 {
		t.Errorf("differences are %g and %g, want %g and 11", a, b, 11*0.5625)
	}
}

// TestWriteReport reads the report back: well-formed pictures, all verdicts, all tables.
func TestWriteReport(t *testing.T) {
	r := &Result{Config: Config{Data: "cifar10.tar.gz", Train: "train", Test: "test", Seeds: 3, Images: 100, Budget: time.Hour}, Backend: "cpu", Classes: make([]string, 10)}
	for _, claim := range Claims() {
		f := Finding{Claim: claim, Trials: trials(0.30, 0.40, 0.31, 0.42, 0.29, 0.40)}
		if claim == Crops {
			for seed := range uint64(3) {
				for i, crops := range []vision.Crops{vision.Crops1, vision.Crops12, vision.Crops144} {
					rate := 0.4 - 0.01*float64(i) + 0.001*float64(seed)*float64(i)
					f.Crops = append(f.Crops, CropErrors{seed + 1, crops, []score.Errors{{Rate: rate}, {Rate: rate}}, score.Errors{Rate: rate - 0.02}})
				}
			}
		}
		var err error
		if f.Comparisons, err = compare(f, 10); err != nil {
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
		for _, part := range []string{"The claim held.", "Scaled residuals", "cifar10.tar.gz", "144", "first", "12 crops less 144", "plain less residual"} {
			if !strings.Contains(string(data), part) {
				t.Errorf("%s should contain %q", name, part)
			}
		}
	}
	pictures, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	if err != nil || len(pictures) != 8 {
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
