package explain

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// An Order is that of the channels on a sheet.
type Order string

// The orders.
const (
	ByIndex Order = "index"
	ByMean  Order = "mean" // of the values, the largest first
)

// Orders are all, the default first.
func Orders() []Order { return []Order{ByIndex, ByMean} }

// A Channel is what a stage of a network has of a photograph in one of its channels.
type Channel struct {
	Index   int     `json:"channel"`
	Mean    float64 `json:"mean"`
	Largest float32 `json:"largest"` // absolute value
}

// ActivationSheet draws the channels of a stage, as many as most of them in their order, or all
// where it is 0, and the photograph that they are of. The shape is height, width, channels, and
// values has it, the last axis fastest. It returns the channels that are drawn, too.
//
// The scale is that of all channels, or with each every channel's own, which its label says.
// Black is 0 where no value is below it, and the middle grey otherwise.
func ActivationSheet(of *vision.Image, shape []int, values []float32, order Order, most int, each bool) (*Sheet, []Channel, error) {
	const axes = 3
	all := 1
	for _, n := range shape {
		all *= n
	}
	if len(shape) != axes || all < 1 || len(values) != all {
		return nil, nil, fmt.Errorf("activations are shaped %v with %d values, expected height, width, channels and a value for each", shape, len(values))
	}
	s := &Sheet{Photograph: of, Height: shape[0], Width: shape[1], Colours: 1, Signed: slices.Min(values) < 0}
	channels := make([]Channel, shape[2])
	for i := range channels {
		patch := make([]float32, 0, s.Height*s.Width)
		sum := 0.0
		for at := i; at < len(values); at += len(channels) {
			patch = append(patch, values[at])
			sum += float64(values[at])
		}
		t := Tile{Index: i, Patches: [][]float32{patch}}
		channels[i] = Channel{Index: i, Mean: sum / float64(len(patch)), Largest: t.Largest()}
		t.Label = fmt.Sprintf("%d  mean %.3g", i, channels[i].Mean)
		s.Tiles = append(s.Tiles, t)
	}
	switch order {
	case ByIndex:
	case ByMean:
		mean := func(t Tile) float64 { return channels[t.Index].Mean }
		slices.SortStableFunc(s.Tiles, func(a, b Tile) int { return cmp.Compare(mean(b), mean(a)) })
	default:
		return nil, nil, fmt.Errorf("unknown order %q, expected one of %q", order, Orders())
	}
	s.settle(most, each)
	sorted := map[Order]string{ByIndex: "in their order", ByMean: "the largest mean first"}[order]
	s.Lines = []string{fmt.Sprintf("%d of %d channels of %d x %d, %s", len(s.Tiles), len(channels), s.Height, s.Width, sorted), scaleText(each, "channel")}
	drawn := make([]Channel, len(s.Tiles))
	for i, t := range s.Tiles {
		drawn[i] = channels[t.Index]
	}
	return s, drawn, nil
}
