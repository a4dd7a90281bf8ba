package dataset

import (
	"context"
	"errors"
	"flag"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-fb2c0fa6/inception/vision"
)

// Data sets that are not part of the repository.
var (
	cifar    = flag.String("cifar", "", "CIFAR-10 as JPEG files, train/ and test/, in an archive: ../../shared/data/cifar10.tar.gz")
	clothing = flag.String("clothing", "", "photographs of clothing, train/ and validation/, in an archive: ../../shared/data/clothing-small.tar")
)

// TestSharedSets opens real archives, and decodes some of their images.
func TestSharedSets(t *testing.T) {
	cifarClasses := []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
	clothes := []string{"dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"}
	for _, c := range []struct {
		flag, path, split string
		classes           []string
		images            int
		preparation       Preparation
	}{
		{"cifar", *cifar, "train", cifarClasses, 50000, vision.PadCrop{Size: 32}},
		{"cifar", *cifar, "test", cifarClasses, 10000, scaled(32, 1)},
		{"clothing", *clothing, "train", clothes, 600, vision.Distortion{Size: 299}},
		{"clothing", *clothing, "validation", clothes, 341, scaled(299, 0.875)},
	} {
		t.Run(c.flag+" "+c.split, func(t *testing.T) {
			if c.path == "" {
				t.Skipf("no archive; name it with -%s", c.flag)
			}
			begin := time.Now()
			s := mustOpen(t, c.path, Options{Split: c.split})
			opened := time.Since(begin)
			if !slices.Equal(s.Classes(), c.classes) || s.Len() != c.images {
				t.Errorf("%d images of %q, want %d of %q", s.Len(), s.Classes(), c.images, c.classes)
			}
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			l, err := NewLoader(s, LoaderOptions{Batch: 50, Preparation: c.preparation, Epochs: 1, MaxUnreadable: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			begin = time.Now()
			for range 6 {
				if _, err := l.Next(context.Background()); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			stats := l.Stats()
			t.Logf("opened in %v, %d MiB in use; %.0f images/s", opened.Round(time.Millisecond), memory.HeapInuse>>20, float64(stats.Images)/time.Since(begin).Seconds())
		})
	}
}
