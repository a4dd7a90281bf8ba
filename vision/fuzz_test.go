package vision

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The decoders of the formats are fed hostile files, each from the pictures of its kind.

func FuzzBMP(f *testing.F)  { fuzz(f, "BMP", nil) }
func FuzzGIF(f *testing.F)  { fuzz(f, "GIF", nil) }
func FuzzPNG(f *testing.F)  { fuzz(f, "PNG", sumChunks) }
func FuzzTIFF(f *testing.F) { fuzz(f, "TIFF", nil) }
func FuzzWebP(f *testing.F) { fuzz(f, "WebP", nil) }

// sumChunks makes the checksums of a PNG file right, without which nothing beyond the
// header would be tried.
func sumChunks(data []byte) []byte {
	data = bytes.Clone(data)
	for at := int64(8); at+12 <= int64(len(data)); {
		end := at + 8 + int64(binary.BigEndian.Uint32(data[at:]))
		if end+4 > int64(len(data)) {
			break
		}
		binary.BigEndian.PutUint32(data[end:], crc32.ChecksumIEEE(data[at+4:end]))
		at = end + 4
	}
	return data
}

// fuzz expects an image that is whole and of the size that the header told, or an error,
// within a limit of memory that follows from the limit of pixels, and of time. Repair makes
// a file of what would be refused at once.
func fuzz(f *testing.F, name string, repair func([]byte) []byte) {
	for _, p := range pictures(f) {
		if strings.HasPrefix(strings.ToUpper(p.Name), strings.ToUpper(name)) {
			f.Add(p.File)
		}
	}
	var tried format
	for _, row := range formats() {
		if row.name == name {
			tried = row
		}
	}
	const (
		maxPixels = 1 << 16
		maxTime   = 5 * time.Second // on a busy machine
		// A pixel is four bytes, and RGB, and may be decoded from 16 bits a channel; a part that
		// is decoded by itself takes what does not depend on its size. This is the sum of all.
		maxBytes = 128*maxPixels + 32<<20
	)
	f.Fuzz(func(t *testing.T, data []byte) {
		if repair != nil {
			data = repair(data)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		width, height, err := tried.size(data)
		if err == nil && width > 0 && height > 0 && width <= maxPixels/height {
			stored, err := tried.decode(data, DecodeOptions{AllowTruncated: len(data)%2 == 0})
			if err == nil {
				if w, h := stored.size(); w != width || h != height {
					t.Errorf("%d x %d, and the header says %d x %d", w, h, width, height)
				}
				m, err := stored.cut(region{0, 0, width, height})
				if err != nil || len(m.Pix) != 3*width*height {
					t.Errorf("%d x %d with %d bytes, %v", width, height, len(m.Pix), err)
				}
			}
		}
		if tried.orientation != nil {
			if o := tried.orientation(data); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
		if took := time.Since(begin); took > maxTime {
			t.Errorf("%d bytes took %v", len(data), took)
		}
		runtime.ReadMemStats(&after)
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(maxBytes+16*len(data)); used > most {
			t.Errorf("%d bytes were allocated for %d x %d pixels of a file of %d bytes", used, width, height, len(data))
		}
	})
}
