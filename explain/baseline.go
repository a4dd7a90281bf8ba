package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-fb2c0fa6/inception/predict"
)

// A Baseline is the colour of what shows nothing.
type Baseline string

const (
	Black Baseline = "black"
	Grey  Baseline = "grey"
	White Baseline = "white"
)

// Baselines lists all.
func Baselines() []Baseline { return []Baseline{Black, Grey, White} }

// ParseBaseline returns the Baseline of a name; the empty one of the empty name.
func ParseBaseline(name string) (Baseline, error) {
	if name != "" && !slices.Contains(Baselines(), Baseline(name)) {
		var names []string
		for _, b := range Baselines() {
			names = append(names, string(b))
		}
		return "", fmt.Errorf("expected %s, found %q", strings.Join(names, ", "), name)
	}
	return Baseline(name), nil
}

// values are those of the colour's channels that the network takes.
func (b Baseline) values(c *predict.Classifier) (values [channels]float32) {
	level := map[Baseline]float32{Black: 0, Grey: 0.5, White: 1}[b]
	p := c.Preprocessing()
	for i := range values {
		values[i] = (level - p.Mean[i]) / p.Std[i]
	}
	return values
}
