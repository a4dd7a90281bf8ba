package recipe

import (
	"reflect"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/vision"
)

func TestResolved(t *testing.T) {
	want := Training{Seed: 3, Interpolation: vision.Bicubic, MicroBatches: 1, MaxUnreadable: new(0.01), LogEvery: 10, SaveEvery: 10 * time.Minute, Keep: 2}
	if got := (Training{Seed: 3}).Resolved(); !reflect.DeepEqual(got, want) {
		t.Errorf("an empty recipe is resolved as\n%+v, want\n%+v", got, want)
	}
	own := Training{Interpolation: vision.Bilinear, MicroBatches: 4, MaxUnreadable: new(0.5), LogEvery: 1, SaveEvery: time.Second, Keep: 9}
	if got := own.Resolved(); !reflect.DeepEqual(got, own) {
		t.Errorf("a recipe that leaves nothing out is resolved as\n%+v, want\n%+v", got, own)
	}
}

func TestInherit(t *testing.T) {
	from := Training{Network: "inception_v4", Width: 0.5, Blocks: []int{1, 2, 1}, ResidualScales: []float64{0.1}, DropoutKeep: 0.7, BatchNormDecay: 0.9, Size: 299, Crop: 0.875, Interpolation: vision.Bicubic, Alpha: vision.AlphaDrop}
	if got := (Training{}).Inherit(from); !reflect.DeepEqual(got, from) {
		t.Errorf("an empty recipe inherits\n%+v, want\n%+v", got, from)
	}
	own := Training{Network: "inception_v3", Width: 1, Blocks: []int{3}, ResidualScales: []float64{}, DropoutKeep: 1, BatchNormDecay: 0.99, Size: 75, Crop: 1, Interpolation: vision.Bilinear, Alpha: vision.AlphaWhite}
	if got := own.Inherit(from); !reflect.DeepEqual(got, own) {
		t.Errorf("a recipe of its own becomes\n%+v, want\n%+v", got, own)
	}
}
