package recipe

import (
	"cmp"
	"time"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// Resolved returns the recipe with the default of every entry that it leaves out, but for
// those of the network, which are the network's own.
func (t Training) Resolved() Training {
	return t.Inherit(Training{
		Interpolation: vision.Bicubic,
		MicroBatches:  1,
		MaxUnreadable: new(0.01),
		LogEvery:      10,
		SaveEvery:     10 * time.Minute,
		Keep:          2,
	})
}

// Inherit returns the recipe with the entries of another in the place of those that it
// leaves out. It concerns those of the network, of its input and with a default.
func (t Training) Inherit(from Training) Training {
	t.Network = cmp.Or(t.Network, from.Network)
	t.Width = cmp.Or(t.Width, from.Width)
	if t.Blocks == nil {
		t.Blocks = from.Blocks
	}
	if t.ResidualScales == nil {
		t.ResidualScales = from.ResidualScales
	}
	t.DropoutKeep = cmp.Or(t.DropoutKeep, from.DropoutKeep)
	t.BatchNormDecay = cmp.Or(t.BatchNormDecay, from.BatchNormDecay)
	t.Size = cmp.Or(t.Size, from.Size)
	t.Crop = cmp.Or(t.Crop, from.Crop)
	t.Interpolation = cmp.Or(t.Interpolation, from.Interpolation)
	t.Alpha = cmp.Or(t.Alpha, from.Alpha)
	t.MicroBatches = cmp.Or(t.MicroBatches, from.MicroBatches)
	t.MaxUnreadable = cmp.Or(t.MaxUnreadable, from.MaxUnreadable)
	t.LogEvery = cmp.Or(t.LogEvery, from.LogEvery)
	t.SaveEvery = cmp.Or(t.SaveEvery, from.SaveEvery)
	t.Keep = cmp.Or(t.Keep, from.Keep)
	return t
}
