package train

import "time"

// An interval sums over the steps since the last row of metrics.csv.
type interval struct {
	Steps  int     `json:"steps"`
	Images int     `json:"images"`
	Loss   float64 `json:"loss"`
	Norm   float64 `json:"norm"`
	Top1   int     `json:"top1"`
	Top5   int     `json:"top5"`
	// Time and Waited are of this process alone.
	Time   time.Duration `json:"-"`
	Waited time.Duration `json:"-"`
}
