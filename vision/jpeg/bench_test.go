package jpeg

import (
	"bytes"
	"image/jpeg"
	"os"
	"testing"
)

// BenchmarkDecode decodes the file that JPEG_FILE names, with this decoder at each
// denominator and with image/jpeg, which leaves chroma as it is.
func BenchmarkDecode(b *testing.B) {
	path := os.Getenv("JPEG_FILE")
	if path == "" {
		b.Skip("name a file in JPEG_FILE")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	for _, denominator := range []int{1, 2, 4, 8} {
		b.Run([]string{1: "full", 2: "half", 4: "quarter", 8: "eighth"}[denominator], func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode(data, Options{Denominator: denominator}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("image_jpeg", func(b *testing.B) {
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
