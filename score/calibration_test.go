package score

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

// TestCalibration compares with numpy, SciPy and scikit-learn: testdata/calibration.py.
func TestCalibration(t *testing.T) {
	data, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name          string
		Labels        []int
		Logits        [][]float32
		Before, After Calibration
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) != 3 {
		t.Fatal(err)
	}
	for _, c := range cases {
		temperature, err := FitTemperature(c.Logits, c.Labels)
		if err != nil || math.Abs(temperature/c.After.Temperature-1) > 1e-9 {
			t.Errorf("%s: temperature %v, %v, want %v", c.Name, temperature, err, c.After.Temperature)
		}
		for _, want := range []Calibration{c.Before, c.After} {
			got := CalibrationAt(want.Temperature, c.Logits, c.Labels)
			near := func(what string, a, b float64) {
				if math.Abs(a-b) > 1e-12 {
					t.Errorf("%s at temperature %g: the %s is %v, want %v", c.Name, want.Temperature, what, a, b)
				}
			}
			near("ECE", got.ECE, want.ECE)
			near("MCE", got.MCE, want.MCE)
			near("Brier score", got.Brier, want.Brier)
			near("negative log-likelihood", got.NLL, want.NLL)
			if len(got.Bins) != len(want.Bins) {
				t.Fatalf("%d bins, want %d", len(got.Bins), len(want.Bins))
			}
			for i, b := range got.Bins {
				if b.Images != want.Bins[i].Images {
					t.Errorf("%s: bin %d has %d images, want %d", c.Name, i, b.Images, want.Bins[i].Images)
				}
				near("confidence", b.Confidence, want.Bins[i].Confidence)
				near("accuracy", b.Accuracy, want.Bins[i].Accuracy)
			}
		}
	}
}

// TestBins puts an end of a bin into the bin that ends with it.
func TestBins(t *testing.T) {
	for i := range CalibrationBins {
		end := float64(i+1) / CalibrationBins
		if got := binOf(end); got != i {
			t.Errorf("%v is in bin %d, want %d", end, got, i)
		}
		if got, want := binOf(math.Nextafter(end, 2)), min(i+1, CalibrationBins-1); got != want {
			t.Errorf("what is above %v is in bin %d, want %d", end, got, want)
		}
	}
	if got := binOf(0); got != 0 {
		t.Errorf("0 is in bin %d", got)
	}
}

// TestTemperatureScales expects the temperature of logits to go with their unit, however
// large, and not to depend on a constant.
func TestTemperatureScales(t *testing.T) {
	logits := [][]float32{{1, 0, 0}, {0, 2, 1}, {0, 1, 3}, {2, 1, 0}}
	labels := []int{0, 1, 2, 1}
	want, err := FitTemperature(logits, labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float32{1. / 1024, 1. / 8, 32, 1 << 20} {
		scaled := make([][]float32, len(logits))
		for i, own := range logits {
			for _, v := range own {
				scaled[i] = append(scaled[i], scale*(v-7))
			}
		}
		got, err := FitTemperature(scaled, labels)
		if err != nil || math.Abs(got/(want*float64(scale))-1) > 1e-9 {
			t.Errorf("times %v: temperature %v, %v, want %v", scale, got, err, want*float64(scale))
		}
	}
}

func TestNoTemperature(t *testing.T) {
	for want, c := range map[error]struct {
		logits [][]float32
		labels []int
	}{
		ErrAllRight: {[][]float32{{1, 0}, {0, 2}}, []int{0, 1}},
		ErrByChance: {[][]float32{{1, 0}, {0, 2}, {1, 0}}, []int{1, 0, 0}},
	} {
		if got, err := FitTemperature(c.logits, c.labels); !errors.Is(err, want) {
			t.Errorf("temperature %v, error %v, want %v", got, err, want)
		}
	}
	if _, err := FitTemperature(nil, nil); err == nil {
		t.Error("no images have a temperature")
	}
	if c := CalibrationAt(1, nil, nil); c.ECE != 0 || c.NLL != 0 || len(c.Bins) != CalibrationBins {
		t.Errorf("without images: %+v", c)
	}
}
