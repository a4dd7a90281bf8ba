package predict_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/pictures"
	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// file is a PNG of a picture that follows from the seed.
func file(t *testing.T, seed int) []byte {
	t.Helper()
	m := picture(seed, 80+seed, 90)
	return pictures.PNG(t, pictures.Draw(m.Width, m.Height, func(x, y int) color.NRGBA {
		p := m.Pix[3*(y*m.Width+x):]
		return color.NRGBA{p[0], p[1], p[2], 255}
	}))
}

func batcher(t *testing.T, c *predict.Classifier, o predict.BatcherOptions) *predict.Batcher {
	t.Helper()
	b, err := predict.NewBatcher(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// blocked is an image that keeps its batch from running until release is closed.
func blocked(begun, release chan struct{}) predict.Input {
	return predict.Input{Write: func(dst []float32) error {
		clear(dst)
		close(begun)
		<-release
		return nil
	}}
}

// until waits for what other goroutines do.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%s: not after twenty seconds", what)
		}
	}
}

// TestBatcher has many goroutines classify files and tensors, with what cannot be decoded
// among them, and expects what Predict says of each.
func TestBatcher(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	b := batcher(t, c, predict.BatcherOptions{Batch: 4})
	if err := b.Warm(ctx); err != nil {
		t.Fatal(err)
	}
	const n = 6
	var want [n]predict.Result
	var files [n][]byte
	for i := range n {
		results, err := c.Predict(ctx, picture(i, 80+i, 90))
		if err != nil {
			t.Fatal(err)
		}
		want[i], files[i] = results[0], file(t, i)
	}
	same := func(i int, p predict.Photo) error {
		if p.Err != nil {
			return p.Err
		}
		for j, logit := range p.Result.Logits {
			if math.Abs(float64(logit-want[i].Logits[j])) > 1e-4 {
				return fmt.Errorf("picture %d has the logits %v, want %v", i, p.Result.Logits, want[i].Logits)
			}
		}
		return nil
	}
	var clients sync.WaitGroup
	for client := range 12 {
		clients.Go(func() {
			for round := range n {
				i, j := (client+round)%n, (client+2*round+1)%n
				var seen *vision.Image
				inputs := []predict.Input{
					{Encoded: files[i], Seen: func(m *vision.Image) { seen = m }},
					{Encoded: []byte("no picture")},
					{Write: func(dst []float32) error { return c.Preprocessing().Apply(dst, picture(j, 80+j, 90)) }},
				}
				photos, err := b.Classify(ctx, inputs...)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(same(i, photos[0]), same(j, photos[2])); err != nil || photos[0].Width != 80+i || photos[0].Height != 90 {
					t.Errorf("%d x %d: %v", photos[0].Width, photos[0].Height, err)
				}
				if crop, err := c.Preprocessing().CentralCrop(picture(i, 80+i, 90)); err != nil || !bytes.Equal(seen.Pix, crop.Pix) {
					t.Errorf("picture %d is not what is seen of it (%v)", i, err)
				}
				if photos[1].Err == nil || !strings.Contains(photos[1].Err.Error(), "found text") {
					t.Errorf("what is no picture is %+v", photos[1])
				}
			}
		})
	}
	clients.Wait()
	s := b.Stats()
	if s.Images != 12*n*2 || s.Waiting != 0 || s.WaitingBytes != 0 || s.Batches[4] == 0 || s.Left != 0 || s.Refused != 0 || s.Decoding <= 0 || s.Computing <= 0 {
		t.Errorf("afterwards the figures are %+v", s)
	}
	if images := s.Batches[1] + 2*s.Batches[2] + 4*s.Batches[4]; images != s.Images {
		t.Errorf("%d images in batches %v", s.Images, s.Batches)
	}
	if photos, err := b.Classify(ctx); len(photos) != 0 || err != nil {
		t.Errorf("without images: %v, %v", photos, err)
	}
}

// TestBatcherBounds fills a queue, and expects refusals at once, and room again for those
// whose clients have left.
func TestBatcherBounds(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	const tensor = 4 * 75 * 75 * 3
	b := batcher(t, c, predict.BatcherOptions{Batch: 4, Images: 4, Bytes: 5 * tensor})
	begun, release := make(chan struct{}), make(chan struct{})
	var clients sync.WaitGroup
	classify := func(ctx context.Context, want error, inputs ...predict.Input) {
		clients.Go(func() {
			if _, err := b.Classify(ctx, inputs...); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		})
	}
	classify(ctx, nil, blocked(begun, release))
	<-begun
	plain := predict.Input{Write: func(dst []float32) error { clear(dst); return nil }, Bytes: tensor}
	gone, leave := context.WithCancelCause(ctx)
	left := errors.New("left")
	classify(gone, left, plain, plain)
	classify(ctx, nil, plain)
	until(t, "four images are there", func() bool { return b.Stats().Waiting == 4 })
	if _, err := b.Classify(ctx, plain); !errors.Is(err, predict.ErrBusy) {
		t.Errorf("a full queue says %v", err)
	}
	if _, err := b.Classify(ctx, plain, plain, plain, plain, plain); !errors.Is(err, predict.ErrTooMany) || !strings.Contains(err.Error(), "at most 4, found 5") {
		t.Errorf("more images than it takes: %v", err)
	}
	large := plain
	large.Bytes = 5*tensor + 1
	if _, err := b.Classify(ctx, large); !errors.Is(err, predict.ErrTooMany) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("more bytes than it takes: %v", err)
	}
	leave(left)
	until(t, "the client has its error", func() bool { return gone.Err() != nil })
	large.Bytes = 4*tensor + 1
	if _, err := b.Classify(ctx, large); !errors.Is(err, predict.ErrBusy) {
		t.Errorf("with too little memory left: %v", err)
	}
	classify(ctx, nil, plain, plain)
	until(t, "they take the place of those who left", func() bool { return b.Stats().Waiting == 4 })
	if _, err := b.Classify(gone, plain); !errors.Is(err, left) {
		t.Errorf("with a context that is over: %v", err)
	}
	close(release)
	clients.Wait()
	s := b.Stats()
	if s.Images != 4 || s.Left != 2 || s.Refused != 2 {
		t.Errorf("afterwards the figures are %+v, want 4 images, 2 that left and 2 refused", s)
	}
}

// TestBatcherFaults has an image that panics among others of its batch.
func TestBatcherFaults(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	b := batcher(t, c, predict.BatcherOptions{})
	broken := errors.New("broken")
	zeros := predict.Input{Write: func(dst []float32) error { clear(dst); return nil }}
	photos, err := b.Classify(ctx, zeros,
		predict.Input{Write: func([]float32) error { panic("a fault of ours") }},
		predict.Input{Write: func([]float32) error { return broken }},
		predict.Input{Write: func(dst []float32) error { dst[7] = float32(math.NaN()); return nil }}, zeros)
	if err != nil {
		t.Fatal(err)
	}
	var fault *predict.PanicError
	if !errors.As(photos[1].Err, &fault) || fault.Value != "a fault of ours" || len(fault.Stack) == 0 {
		t.Errorf("the panic became %v", photos[1].Err)
	}
	if photos[2].Err != broken || photos[3].Err == nil || !strings.Contains(photos[3].Err.Error(), "value 7 of the image is NaN") {
		t.Errorf("errors %v and %v", photos[2].Err, photos[3].Err)
	}
	if photos[0].Err != nil || photos[4].Err != nil || !slices.Equal(photos[0].Result.Top(3), photos[4].Result.Top(3)) {
		t.Errorf("the others are %+v and %+v", photos[0], photos[4])
	}
	for _, o := range []predict.BatcherOptions{{Batch: -1}, {Delay: -1}, {Threads: -1}, {Images: -1}, {Bytes: -1}, {Decoders: -1}, {DecodeBytes: -1}} {
		if _, err := predict.NewBatcher(c, o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}

// TestBatcherTurns has a model for which much waits, and expects that another's image need
// not wait for more than a batch of it.
func TestBatcherTurns(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	turns := predict.NewTurns(1)
	busy := batcher(t, c, predict.BatcherOptions{Batch: 1, Turns: turns})
	rare := batcher(t, c, predict.BatcherOptions{Batch: 1, Turns: turns})
	var mu sync.Mutex
	var order []string
	named := func(name string) predict.Input {
		return predict.Input{Write: func(dst []float32) error {
			clear(dst)
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return nil
		}}
	}
	begun, release := make(chan struct{}), make(chan struct{})
	var clients sync.WaitGroup
	classify := func(b *predict.Batcher, inputs ...predict.Input) {
		clients.Go(func() {
			if _, err := b.Classify(ctx, inputs...); err != nil {
				t.Error(err)
			}
		})
	}
	classify(busy, blocked(begun, release), named("busy"), named("busy"), named("busy"), named("busy"))
	<-begun
	classify(rare, named("rare"))
	until(t, "both wait", func() bool { return rare.Stats().Waiting == 1 })
	time.Sleep(20 * time.Millisecond) // so that it has asked for its turn
	close(release)
	clients.Wait()
	if at := slices.Index(order, "rare"); at < 0 || at > 1 {
		t.Errorf("the order is %v", order)
	}
}

// TestBatcherEnds drains one Batcher, whose images all get their answers, and closes another,
// whose waiting ones do not.
func TestBatcherEnds(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	for _, drained := range []bool{true, false} {
		b := batcher(t, c, predict.BatcherOptions{Batch: 1})
		begun, release := make(chan struct{}), make(chan struct{})
		answers := make(chan error, 2)
		go func() { _, err := b.Classify(ctx, blocked(begun, release)); answers <- err }()
		<-begun
		go func() { _, err := b.Classify(ctx, predict.Input{Encoded: file(t, 1)}); answers <- err }()
		until(t, "one waits", func() bool { return b.Stats().Waiting == 2 })
		if drained {
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			if err := b.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it is drained while an image runs: %v", err)
			}
			cancel()
			if _, err := b.Classify(ctx, predict.Input{Encoded: file(t, 1)}); !errors.Is(err, predict.ErrDraining) {
				t.Errorf("while it is drained, error %v", err)
			}
			close(release)
			if err := b.Drain(ctx); err != nil {
				t.Error(err)
			}
			if err := errors.Join(<-answers, <-answers); err != nil {
				t.Error(err)
			}
			continue
		}
		closed := make(chan struct{})
		go func() { b.Close(); close(closed) }()
		if err := <-answers; !errors.Is(err, predict.ErrDraining) {
			t.Errorf("what waits gets %v", err)
		}
		close(release)
		if err := <-answers; err != nil {
			t.Error(err)
		}
		<-closed
	}
}

// TestBatcherDelay expects one batch of images that come within the delay, and a full one
// at once.
func TestBatcherDelay(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	b := batcher(t, c, predict.BatcherOptions{Batch: 2, Delay: time.Hour})
	var clients sync.WaitGroup
	for i := range 2 {
		clients.Go(func() {
			if photos, err := b.Classify(ctx, predict.Input{Encoded: file(t, i)}); err != nil || photos[0].Err != nil {
				t.Error(photos, err)
			}
		})
	}
	clients.Wait()
	if s := b.Stats(); s.Batches[2] != 1 || s.Images != 2 {
		t.Errorf("the figures are %+v", s)
	}
	short := batcher(t, c, predict.BatcherOptions{Batch: 2, Delay: time.Millisecond})
	if _, err := short.Classify(ctx, predict.Input{Encoded: file(t, 1)}); err != nil {
		t.Error(err)
	}
}

// TestBatcherDecoding has a tensor wait for a file that is there, no longer than is worth it.
func TestBatcherDecoding(t *testing.T) {
	c := open(t, tiny(t, nil))
	tensor := predict.Input{Write: func(dst []float32) error { clear(dst); return nil }}
	for _, k := range []struct {
		took     time.Duration
		together bool
	}{{time.Hour, true}, {time.Millisecond, false}, {0, false}} {
		b := batcher(t, c, predict.BatcherOptions{Batch: 4})
		b.Took(1, k.took)
		decoding, decoded := make(chan struct{}), make(chan struct{})
		slow := predict.Input{Encoded: file(t, 1), Seen: func(*vision.Image) {
			close(decoding)
			<-decoded
		}}
		var clients sync.WaitGroup
		classify := func(in predict.Input) {
			clients.Go(func() {
				if photos, err := b.Classify(context.Background(), in); err != nil || photos[0].Err != nil {
					t.Error(photos, err)
				}
			})
		}
		classify(slow)
		<-decoding
		classify(tensor)
		if k.together {
			until(t, "two wait", func() bool { return b.Stats().Waiting == 2 })
			time.Sleep(10 * time.Millisecond) // and go on to wait
		} else {
			until(t, "the tensor is answered", func() bool { return b.Stats().Images == 1 })
		}
		close(decoded)
		clients.Wait()
		if together := b.Stats().Batches[2] == 1; together != k.together {
			t.Errorf("after a batch of %v: the figures are %+v", k.took, b.Stats())
		}
	}
}

// TestBatcherReturns has two senders, each of whom sends again when it has its answer, and
// the second of whom begins while the first is answered: soon they have the same batches.
func TestBatcherReturns(t *testing.T) {
	b := batcher(t, open(t, tiny(t, nil)), predict.BatcherOptions{Batch: 2})
	begun := make(chan struct{}, 100)
	slow := predict.Input{Write: func(dst []float32) error {
		clear(dst)
		begun <- struct{}{}
		time.Sleep(100 * time.Millisecond)
		return nil
	}}
	var senders sync.WaitGroup
	for range 2 {
		senders.Go(func() {
			for range 10 {
				if _, err := b.Classify(context.Background(), slow); err != nil {
					t.Error(err)
				}
			}
		})
		<-begun
	}
	senders.Wait()
	if s := b.Stats(); s.Batches[2] < 3 {
		t.Errorf("the figures are %+v", s)
	}
}

// TestBatcherMemory has files wait for the memory that decoding takes, one of which takes
// more than there is.
func TestBatcherMemory(t *testing.T) {
	c := open(t, tiny(t, nil))
	b := batcher(t, c, predict.BatcherOptions{DecodeBytes: vision.Memory(file(t, 1), vision.DecodeOptions{}), Decoders: 4})
	var inputs []predict.Input
	for i := range 12 {
		inputs = append(inputs, predict.Input{Encoded: file(t, i)})
	}
	photos, err := b.Classify(context.Background(), inputs...)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range photos {
		if p.Err != nil || p.Width != 80+i {
			t.Errorf("picture %d is %+v", i, p)
		}
	}
}

// TestBatcherFeatures expects the logits of Predict and the features of Features, together.
func TestBatcherFeatures(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	b := batcher(t, c, predict.BatcherOptions{Features: true})
	results, err := c.Predict(ctx, picture(1, 81, 90))
	if err != nil {
		t.Fatal(err)
	}
	features, err := c.Features(ctx, predict.Pooled, picture(1, 81, 90))
	if err != nil {
		t.Fatal(err)
	}
	photos, err := b.Classify(ctx, predict.Input{Encoded: file(t, 1)}, predict.Input{Encoded: file(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if b.Features() != len(features[0]) {
		t.Errorf("it says that there are %d features, want %d", b.Features(), len(features[0]))
	}
	for _, p := range photos {
		for what, pair := range map[string][2][]float32{"logits": {p.Result.Logits, results[0].Logits}, "features": {p.Result.Features, features[0]}} {
			near := func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-4 }
			if len(pair[0]) == 0 || !slices.EqualFunc(pair[0], pair[1], near) {
				t.Errorf("%s are %v, want %v", what, pair[0], pair[1])
			}
		}
	}
}

// TestBatcherPriority has images wait, and expects those of a larger priority first.
func TestBatcherPriority(t *testing.T) {
	ctx := context.Background()
	b := batcher(t, open(t, tiny(t, nil)), predict.BatcherOptions{Batch: 1})
	begun, release := make(chan struct{}), make(chan struct{})
	var clients sync.WaitGroup
	clients.Go(func() {
		if _, err := b.Classify(ctx, blocked(begun, release)); err != nil {
			t.Error(err)
		}
	})
	<-begun
	var order []int // written in batches, one after the other
	for i, priority := range []int{0, -1, 2, 0, 2} {
		clients.Go(func() {
			write := func(dst []float32) error {
				order = append(order, i)
				clear(dst)
				return nil
			}
			if _, err := b.Classify(ctx, predict.Input{Write: write, Priority: priority}); err != nil {
				t.Error(err)
			}
		})
		until(t, "it waits", func() bool { return b.Stats().Waiting == i+2 })
	}
	close(release)
	clients.Wait()
	if want := []int{2, 4, 0, 3, 1}; !slices.Equal(order, want) {
		t.Errorf("they were computed in the order %v, want %v", order, want)
	}
}

// TestBatcherThreads expects models of one thread each to compute side by side, and one of
// all threads to wait for both, and not to be overtaken.
func TestBatcherThreads(t *testing.T) {
	ctx := context.Background()
	c := open(t, tiny(t, nil))
	turns := predict.NewTurns(2)
	one := predict.BatcherOptions{Batch: 1, Turns: turns, Threads: 1}
	var clients sync.WaitGroup
	begun, release := [2]chan struct{}{make(chan struct{}), make(chan struct{})}, make(chan struct{})
	small := [2]*predict.Batcher{batcher(t, c, one), batcher(t, c, one)}
	classify := func(b *predict.Batcher, in predict.Input) {
		clients.Go(func() {
			if _, err := b.Classify(ctx, in); err != nil {
				t.Error(err)
			}
		})
	}
	for i, b := range small {
		classify(b, blocked(begun[i], release))
	}
	<-begun[0]
	<-begun[1] // while the first one still computes
	all := batcher(t, c, predict.BatcherOptions{Batch: 1, Turns: turns, Threads: 3})
	var ended atomic.Int64
	classify(all, predict.Input{Write: func(dst []float32) error {
		clear(dst)
		if ended.Load() != 0 {
			t.Error("a model of all threads was overtaken")
		}
		return nil
	}})
	until(t, "it waits", func() bool { return all.Stats().Waiting == 1 })
	time.Sleep(20 * time.Millisecond) // so that it has asked for its turn
	classify(small[0], predict.Input{Write: func(dst []float32) error { clear(dst); ended.Add(1); return nil }})
	close(release)
	clients.Wait()
}
