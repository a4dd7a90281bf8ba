package vision

import (
	"archive/tar"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"testing"
)

var photoTar = flag.String("photos", "", "tar archive of JPEG files to benchmark with, such as ../../shared/data/clothing-small.tar")

// photosOf returns the first n JPEG files of the archive that -photos names.
func photosOf(b *testing.B, n int) [][]byte {
	if *photoTar == "" {
		b.Skip("no photographs; name a tar archive of them with -photos")
	}
	file, err := os.Open(*photoTar)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var photos [][]byte
	for r := tar.NewReader(file); len(photos) < n; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		if path.Ext(header.Name) != ".jpg" {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			b.Fatal(err)
		}
		photos = append(photos, data)
	}
	return photos
}

// BenchmarkPrepare prepares photographs from their files' bytes for a network of
// 299 x 299 pixels, on one core.
func BenchmarkPrepare(b *testing.B) {
	const side = 299
	photos := photosOf(b, 200)
	dst := make([]float32, side*side*3)
	for name, p := range map[string]interface {
		Prepare([]float32, []byte, *rand.Rand) error
	}{
		"full":       Distortion{Size: side},
		"fast":       Distortion{Size: side, Fast: true},
		"padded":     PadCrop{Size: side},
		"evaluation": scaled(side),
	} {
		b.Run(name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 2))
			i := 0
			for b.Loop() {
				if err := p.Prepare(dst, photos[i%len(photos)], random); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
