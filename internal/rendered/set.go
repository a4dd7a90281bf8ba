package rendered

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// The splits of a set, by the names of their folders.
const (
	Train = "train"
	Test  = "test"
)

// Options says how large a set is.
type Options struct {
	// Train and Test are the numbers of pictures of each class in the splits.
	Train, Test int
	// Seed determines the pictures.
	Seed uint64
}

// Classes returns the names of the classes in their order.
func Classes() []string {
	var names []string
	for _, f := range figures() {
		names = append(names, f.name)
	}
	return names
}

// Write writes a set into a folder: train/CLASS/0000.jpg, ..., test/CLASS/0000.jpg, ...
// A picture depends on the seed and its path alone.
func Write(ctx context.Context, folder string, o Options) error {
	if o.Train < 1 || o.Test < 1 {
		return fmt.Errorf("a rendered set needs at least one picture of each class in both splits, found %d and %d", o.Train, o.Test)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				if err := j.write(folder, o.Seed); err != nil {
					cancel(err)
				}
			}
		})
	}
	for split, count := range []int{o.Train, o.Test} {
		for class := range figures() {
			for number := range count {
				if ctx.Err() == nil {
					jobs <- job{split, class, number}
				}
			}
		}
	}
	close(jobs)
	workers.Wait()
	return context.Cause(ctx)
}

// A job is one picture.
type job struct{ split, class, number int }

func (j job) random(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(j.split)<<48|uint64(j.class)<<32|uint64(j.number)))
}

func (j job) write(folder string, seed uint64) error {
	f := figures()[j.class]
	var file bytes.Buffer
	if err := jpeg.Encode(&file, picture(f, j.random(seed)), &jpeg.Options{Quality: 92}); err != nil {
		return err
	}
	path := filepath.Join(folder, []string{Train, Test}[j.split], f.name, fmt.Sprintf("%04d.jpg", j.number))
	err := os.WriteFile(path, file.Bytes(), 0o666)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o777); err == nil {
			err = os.WriteFile(path, file.Bytes(), 0o666)
		}
	}
	return err
}
