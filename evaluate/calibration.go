package evaluate

import "github.com/seed-fb2c0fa6/inception/score"

// A Calibration says how far the probabilities of the last row are the shares of images that
// are right, as they are and at the temperature that fits them best.
type Calibration struct {
	Measured score.Calibration `json:"measured"`
	// Tempered is what a temperature makes of these, fitted to the same images, with the
	// probabilities in the place of a softmax of logits: p^(1/T) over the sum of all. nil where
	// no temperature fits best, which NoTemperature says why.
	Tempered      *score.Calibration `json:"tempered,omitempty"`
	NoTemperature string             `json:"no_temperature,omitempty"`
}

func (r *Report) calibration() *Calibration {
	logits, labels := make([][]float32, len(r.Predictions)), make([]int, len(r.Predictions))
	for i, p := range r.Predictions {
		logits[i], labels[i] = p.Logs, p.Label
	}
	c := &Calibration{Measured: score.CalibrationAt(1, logits, labels)}
	temperature, err := score.FitTemperature(logits, labels)
	if err != nil {
		c.NoTemperature = err.Error()
		return c
	}
	tempered := score.CalibrationAt(temperature, logits, labels)
	c.Tempered = &tempered
	return c
}
