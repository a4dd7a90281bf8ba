package curves

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// roundTicks marks an axis at about six multiples of 1, 2 or 5 times a power of ten.
type roundTicks struct{}

// Ticks is that of plot.Ticker.
func (roundTicks) Ticks(low, high float64) []plot.Tick {
	const about = 6
	least := (high - low) / about
	power := math.Floor(math.Log10(least))
	step := math.Pow(10, power)
	for _, factor := range []float64{1, 2, 5, 10} {
		if step = factor * math.Pow(10, power); step >= least {
			break
		}
	}
	decimals := max(0, int(-math.Floor(math.Log10(step))))
	var ticks []plot.Tick
	// Counting in whole steps keeps the values round, but for the last bits.
	for i := math.Ceil(low / step); i*step <= high+1e-9*step; i++ {
		ticks = append(ticks, plot.Tick{Value: min(i*step, high), Label: strconv.FormatFloat(i*step, 'f', decimals, 64)})
	}
	return ticks
}
