package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
	"github.com/seed-fb2c0fa6/inception/vision"
)

// stream is what a loader returned.
type stream struct {
	images  []float32
	labels  []int32
	indexes []int
	sizes   []int      // of the batches
	ends    []Position // of the batches
	stats   Stats
	err     error
}

// load takes up to n batches; all where n is negative.
func load(t testing.TB, s *Set, o LoaderOptions, n int) stream {
	t.Helper()
	l, err := NewLoader(s, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var out stream
	for ; n != 0; n-- {
		var batch *Batch
		if batch, out.err = l.Next(context.Background()); out.err != nil {
			break
		}
		side := o.Preparation.Side()
		if len(batch.Images) != len(batch.Labels)*side*side*3 || len(batch.Indexes) != len(batch.Labels) {
			t.Fatalf("a batch has %d values, %d labels and %d indexes", len(batch.Images), len(batch.Labels), len(batch.Indexes))
		}
		out.images = append(out.images, batch.Images...)
		out.labels = append(out.labels, batch.Labels...)
		out.indexes = append(out.indexes, batch.Indexes...)
		out.sizes = append(out.sizes, len(batch.Labels))
		out.ends = append(out.ends, batch.End)
	}
	out.stats = l.Stats()
	return out
}

func (a stream) equal(b stream) bool {
	return slices.Equal(a.images, b.images) && slices.Equal(a.labels, b.labels) && slices.Equal(a.indexes, b.indexes) &&
		slices.Equal(a.sizes, b.sizes) && slices.Equal(a.ends, b.ends)
}

// smallSet has 23 images of two classes; those of the given names are unreadable.
func smallSet(t testing.TB, unreadable ...string) *Set {
	t.Helper()
	files := pictures(t, append(numbered(11, "cat"), numbered(12, "dog")...)...)
	for _, name := range unreadable {
		files[name] = []byte("no image")
	}
	return mustOpen(t, filetree.File(t, "set.tar", tarBytes(t, files)), Options{})
}

func options(workers int) LoaderOptions {
	return LoaderOptions{Batch: 4, Preparation: vision.Distortion{Size: 9}, Seed: 77, Epochs: 3, Workers: workers, MaxUnreadable: 0.2}
}

// TestLoaderDeterminism expects one stream whatever the number of workers, also with
// images that are skipped, and the rest of it from wherever a run resumes.
func TestLoaderDeterminism(t *testing.T) {
	for name, s := range map[string]*Set{"all readable": smallSet(t), "two unreadable": smallSet(t, "cat/003.jpg", "dog/011.jpg")} {
		want := load(t, s, options(1), -1)
		if !errors.Is(want.err, io.EOF) {
			t.Fatalf("%s: %v", name, want.err)
		}
		for _, workers := range []int{2, 5} {
			if got := load(t, s, options(workers), -1); !got.equal(want) {
				t.Errorf("%s: %d workers return another stream than one", name, workers)
			}
		}
		taken := 0
		for i, end := range want.ends {
			taken += want.sizes[i]
			o := options(3)
			o.Start = end
			got := load(t, s, o, -1)
			rest := stream{
				images: want.images[taken*9*9*3:], labels: want.labels[taken:], indexes: want.indexes[taken:],
				sizes: want.sizes[i+1:], ends: want.ends[i+1:],
			}
			if !got.equal(rest) {
				t.Errorf("%s: resumed at %+v, the stream differs", name, end)
			}
		}
		o := options(2)
		o.Seed++
		if got := load(t, s, o, -1); slices.Equal(got.indexes, want.indexes) {
			t.Errorf("%s: another seed returns the same order", name)
		}
	}
}

// TestLoaderEpochs expects every image once an epoch in the documented order, other
// distortions in another epoch, and batches that go on across epochs.
func TestLoaderEpochs(t *testing.T) {
	s := smallSet(t)
	got := load(t, s, options(2), -1)
	var want []int
	for epoch := range 3 {
		want = append(want, s.Order(77, epoch)...)
	}
	if !slices.Equal(got.indexes, want) {
		t.Errorf("images %v, want %v", got.indexes, want)
	}
	for i, index := range got.indexes {
		if int(got.labels[i]) != s.Label(index) {
			t.Errorf("place %d has the label %d, want %d", i, got.labels[i], s.Label(index))
		}
	}
	sizes := slices.Repeat([]int{4}, 17)
	if !slices.Equal(got.sizes, append(sizes, 1)) { // 69 images
		t.Errorf("batches of %v", got.sizes)
	}
	for i, end := range got.ends {
		done := min(4*(i+1), 69)
		if end != (Position{done / 23, done % 23}) {
			t.Errorf("batch %d ends at %+v after %d images", i, end, done)
		}
	}
	const size = 9 * 9 * 3
	first := slices.Index(got.indexes, 0)
	second := 23 + slices.Index(got.indexes[23:], 0)
	if slices.Equal(got.images[first*size:][:size], got.images[second*size:][:size]) {
		t.Error("an image is distorted alike in two epochs")
	}
	if got.stats.Images != 69 || got.stats.Unreadable != 0 || got.stats.Waited <= 0 {
		t.Errorf("stats %+v", got.stats)
	}
	// Images are distorted by their names, so that the same set of another form is the
	// same stream.
	files := pictures(t, append(numbered(11, "cat"), numbered(12, "dog")...)...)
	if other := load(t, mustOpen(t, filetree.Write(t, files), Options{}), options(2), -1); !other.equal(got) {
		t.Error("a folder returns another stream than a tar archive")
	}
}

// TestLoaderSequential evaluates: every image once, in the set's order.
func TestLoaderSequential(t *testing.T) {
	s := smallSet(t, "cat/000.jpg")
	o := LoaderOptions{Batch: 5, Preparation: scaled(9, 0.875), Sequential: true, Epochs: 1, MaxUnreadable: 1}
	got := load(t, s, o, -1)
	if !errors.Is(got.err, io.EOF) || !slices.Equal(got.sizes, []int{5, 5, 5, 5, 2}) {
		t.Errorf("batches of %v: %v", got.sizes, got.err)
	}
	for i, index := range got.indexes {
		if index != i+1 {
			t.Fatalf("images %v", got.indexes)
		}
		file, err := s.Read(index)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, 9*9*3)
		if err := o.Preparation.Prepare(want, file, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.images[i*len(want):][:len(want)], want) {
			t.Errorf("image %d is not what its preparation gives", index)
		}
	}
}

// TestLoaderUnreadable reports each unreadable image once, and stops where there are
// too many.
func TestLoaderUnreadable(t *testing.T) {
	bad := []string{"cat/001.jpg", "dog/004.jpg", "dog/005.jpg"}
	s := smallSet(t, bad...)
	for _, workers := range []int{1, 4} {
		var reported []string
		o := options(workers)
		o.Unreadable = func(name string, err error) {
			reported = append(reported, name)
			wanted.ErrorOf(t, name, err, "expected JPEG", "found text")
		}
		got := load(t, s, o, -1)
		slices.Sort(reported)
		if !errors.Is(got.err, io.EOF) || !slices.Equal(reported, bad) || got.stats != (Stats{60, 3, got.stats.Waited}) {
			t.Errorf("%d workers: %v reported, %+v: %v", workers, reported, got.stats, got.err)
		}
		o = options(workers)
		o.MaxUnreadable = 2.0 / 23
		got = load(t, s, o, -1)
		var tooMany *UnreadableError
		if !errors.As(got.err, &tooMany) || len(tooMany.Images) != 3 || tooMany.Limit != 2 || tooMany.Of != 23 || got.stats.Unreadable != 3 {
			t.Fatalf("%d workers: %v", workers, got.err)
		}
		wanted.ErrorOf(t, "too many", got.err, "set.tar", "3 unreadable images, expected at most 2 of the 23", "repair or remove", bad[0]+": expected JPEG", bad[1], bad[2])
		order := s.Order(77, 0)
		var in []string
		for _, index := range order {
			if slices.Contains(bad, s.Name(index)) {
				in = append(in, s.Name(index))
			}
		}
		for i, image := range tooMany.Images {
			if image.Name != in[i] {
				t.Errorf("%d workers: unreadable image %d is %s, want %s", workers, i, image.Name, in[i])
			}
		}
		// The default is 1%, which of 23 images is none.
		o.MaxUnreadable = 0
		wanted.ErrorOf(t, "default", load(t, s, o, -1).err, "1 unreadable images, expected at most 0 of the 23")
		o.MaxUnreadable = -1
		wanted.ErrorOf(t, "none", load(t, s, o, -1).err, "1 unreadable images, expected at most 0 of the 23")
	}
}

// TestLoaderNothingReadable ends, though no limit is set.
func TestLoaderNothingReadable(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range numbered(15, "cat", "dog") {
		files[name] = nil
	}
	o := options(2)
	o.Epochs, o.MaxUnreadable = 0, 1
	got := load(t, mustOpen(t, filetree.Write(t, files), Options{}), o, -1)
	wanted.ErrorOf(t, "nothing readable", got.err, "30 unreadable images, expected at most 29 of the 30", "and 10 more")
	if n := strings.Count(got.err.Error(), "empty file"); n != 20 {
		t.Errorf("%d images are listed, want 20", n)
	}
}

func TestLoaderOptions(t *testing.T) {
	s := smallSet(t)
	for name, c := range map[string]struct {
		change func(*LoaderOptions)
		want   []string
	}{
		"no batch":        {func(o *LoaderOptions) { o.Batch = 0 }, []string{"batch is 0", "from 1 to the 23"}},
		"large batch":     {func(o *LoaderOptions) { o.Batch = 24 }, []string{"batch is 24", "from 1 to the 23", "smaller batch"}},
		"no preparation":  {func(o *LoaderOptions) { o.Preparation = nil }, []string{"preparation"}},
		"no side":         {func(o *LoaderOptions) { o.Preparation = vision.PadCrop{} }, []string{"at least one pixel"}},
		"epochs":          {func(o *LoaderOptions) { o.Epochs = -1 }, []string{"-1 epochs"}},
		"workers":         {func(o *LoaderOptions) { o.Workers = -1 }, []string{"-1 workers"}},
		"share":           {func(o *LoaderOptions) { o.MaxUnreadable = 1.5 }, []string{"share of 1.5"}},
		"no share":        {func(o *LoaderOptions) { o.MaxUnreadable = math.NaN() }, []string{"share of NaN"}},
		"start":           {func(o *LoaderOptions) { o.Start.Index = 23 }, []string{"image 23", "from 0 to 22", "another set"}},
		"start of epochs": {func(o *LoaderOptions) { o.Start.Epoch = -1 }, []string{"epoch -1"}},
	} {
		o := options(1)
		c.change(&o)
		_, err := NewLoader(s, o)
		wanted.ErrorOf(t, name, err, append(c.want, "set.tar")...)
	}
	o := options(1)
	o.Start.Epoch = 3
	if got := load(t, s, o, -1); !errors.Is(got.err, io.EOF) || len(got.indexes) != 0 {
		t.Errorf("after the last epoch: %v, %v", got.indexes, got.err)
	}
}

// slow is a preparation that waits to be let go.
type slow struct{ gate chan struct{} }

func (slow) Side() int             { return 1 }
func (s slow) Memory([]byte) int64 { return 0 }

func (s slow) Prepare([]float32, []byte, *rand.Rand) error {
	<-s.gate
	return nil
}

// TestLoaderCancel expects Next to return when its context ends, to go on afterwards,
// and to count the time it waited; and Close to end in the midst of it all. The clock
// is the test's own, so that a busy machine does not change the time.
func TestLoaderCancel(t *testing.T) {
	s := smallSet(t)
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		l, err := NewLoader(s, LoaderOptions{Batch: 2, Preparation: slow{gate}, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		const patience = 20 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, err := l.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the context's error", err)
		}
		if waited := l.Stats().Waited; waited != patience {
			t.Errorf("waited %v, want %v", waited, patience)
		}
		close(gate)
		for range 30 {
			if _, err := l.Next(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		for range 5 {
			_, err = l.Next(context.Background())
		}
		wanted.ErrorOf(t, "after Close", err, "closed")
		l.Close()
	})
}

// TestLoaderMemory has a consumer that takes nothing, and counts what is prepared
// ahead.
func TestLoaderMemory(t *testing.T) {
	s := smallSet(t)
	begun := make(chan struct{}, 1000)
	l, err := NewLoader(s, LoaderOptions{Batch: 2, Preparation: counting{begun}, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := 0
	for quiet := false; !quiet; {
		select {
		case <-begun:
			n++
		case <-time.After(100 * time.Millisecond):
			quiet = true
		}
	}
	// Two batches wait, ready and at the point of being so; the third is empty.
	if most := 2*3 + 2*2; n > most {
		t.Errorf("%d images were prepared ahead, want at most %d", n, most)
	}
}

type counting struct{ begun chan struct{} }

func (counting) Side() int             { return 1 }
func (c counting) Memory([]byte) int64 { return 0 }

func (c counting) Prepare([]float32, []byte, *rand.Rand) error {
	c.begun <- struct{}{}
	return nil
}

func BenchmarkLoader(b *testing.B) {
	path := *clothing
	if path == "" {
		b.Skip("no photographs; name the archive with -clothing")
	}
	s := mustOpen(b, path, Options{Split: "train"})
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			l, err := NewLoader(s, LoaderOptions{Batch: 32, Preparation: vision.Distortion{Size: 299}, Workers: workers})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for b.Loop() {
				if _, err := l.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(32*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// scaled is the central part of an image in [-1,1].
func scaled(size int, crop float64) vision.Preprocessing {
	half := [3]float32{0.5, 0.5, 0.5}
	return vision.Preprocessing{Size: size, Crop: crop, Mean: half, Std: half}
}
