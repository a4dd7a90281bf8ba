package predict_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// TestEachAlone expects the same bits of a photograph whatever is before and behind it, with
// one program for all.
func TestEachAlone(t *testing.T) {
	ctx := context.Background()
	config := tiny(t, nil)
	config.Batch, config.OnlyProgram = 4, true
	c := open(t, config)
	opener := func(name string, _ func(int64)) (*vision.Image, error) {
		var seed int
		if _, err := fmt.Sscan(name, &seed); err != nil {
			return nil, fs.ErrNotExist
		}
		return picture(seed, 80+seed, 90), nil
	}
	all := []string{"bad", "0", "1", "2", "worse", "3", "4", "5", "6", "bad"}
	want := map[string][]float32{}
	for size := len(all); size > 0; size-- {
		for names := range slices.Chunk(all, size) {
			var seen []string
			err := c.Each(ctx, slices.Values(names), opener, func(p predict.Photo) error {
				seen = append(seen, p.Name)
				if want[p.Name] == nil {
					want[p.Name] = p.Result.Logits
				}
				if !slices.Equal(p.Result.Logits, want[p.Name]) {
					t.Errorf("%s has other logits among %q", p.Name, names)
				}
				return nil
			})
			if err != nil || !slices.Equal(seen, names) {
				t.Errorf("saw %q of %q, %v", seen, names, err)
			}
		}
	}
	if len(want) != 9 || slices.Equal(want["0"], want["1"]) {
		t.Errorf("photographs should have logits of their own: %v", want)
	}
}

// TestEach has photographs among which some cannot be opened, in batches that the last does
// not fill, and expects what Predict says of each, in order.
func TestEach(t *testing.T) {
	ctx := context.Background()
	config := tiny(t, nil)
	config.Batch = 2
	c := open(t, config)
	names := []string{"0", "bad", "1", "2", "worse", "3", "4"}
	opener := func(name string, reserve func(int64)) (*vision.Image, error) {
		reserve(1 << 40) // of which one at a time has to go on
		var seed int
		if _, err := fmt.Sscan(name, &seed); err != nil {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return picture(seed, 80+seed, 90), nil
	}
	single := open(t, tiny(t, nil))
	var seen []string
	err := c.Each(ctx, slices.Values(names), opener, func(p predict.Photo) error {
		seen = append(seen, p.Name)
		image, err := opener(p.Name, func(int64) {})
		if err != nil {
			if !errors.Is(p.Err, fs.ErrNotExist) || p.Width != 0 {
				t.Errorf("%s is %+v", p.Name, p)
			}
			return nil
		}
		want, err := single.Predict(ctx, image)
		if err != nil || p.Err != nil || p.Width != image.Width || p.Height != 90 {
			t.Fatalf("%s is %+v, %v", p.Name, p, err)
		}
		for i, logit := range want[0].Logits {
			if difference := p.Result.Logits[i] - logit; difference > 1e-4 || difference < -1e-4 {
				t.Errorf("%s: logit %d is %g, alone %g", p.Name, i, p.Result.Logits[i], logit)
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(seen, names) {
		t.Errorf("saw %q, %v, want %q", seen, err, names)
	}

	stop := errors.New("enough")
	count := 0
	endless := func(yield func(string) bool) {
		for yield("1") {
		}
	}
	err = c.Each(ctx, endless, opener, func(predict.Photo) error {
		if count++; count == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || count != 3 {
		t.Errorf("after an error of use: %v after %d", err, count)
	}
	cancelled, cancel := context.WithCancel(ctx)
	err = c.Each(cancelled, endless, opener, func(predict.Photo) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling: %v", err)
	}
}
