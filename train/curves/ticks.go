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
	interval := math.Pow(10, power)
	for _, factor := range []float64{1, 2, 5, 10} {
		if interval = factor * math.Pow(10, power); interval >= least {
			break
		}
	}
	decimals := max(0, int(-math.Floor(math.Log10(interval))))
	var ticks []plot.Tick
	// Counting whole intervals keeps the values round, but for the last bits.
	for i := math.Ceil(low / interval); i*interval <= high+1e-9*interval; i++ {
		ticks = append(ticks, plot.Tick{Value: min(i*interval, high), Label: strconv.FormatFloat(i*interval, 'f', decimals, 64)})
	}
	return ticks
}
