package vision

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

// DefaultMaxPixels is the limit on an image's size where none is set: a third of
// a gigabyte of decoded RGB, Pillow's limit too.
const DefaultMaxPixels = 178956970

// DecodeOptions adjusts decoding. The zero value applies the EXIF orientation and
// the default limit.
type DecodeOptions struct {
	// IgnoreOrientation leaves the pixels as they are stored, whatever the EXIF
	// orientation says.
	IgnoreOrientation bool
	// MaxPixels is the largest width times height that is decoded;
	// DefaultMaxPixels when zero. It is compared with the file's header before
	// anything of that size is allocated.
	MaxPixels int
}

// Open decodes a JPEG, PNG, GIF, WebP or BMP file. Errors name the file.
func Open(path string, o DecodeOptions) (*Image, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("expected an image file; check the path: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: expected an image file, found a folder; name a file in it", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Decode(data, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Decode decodes an image in memory: the first frame of a GIF on its whole
// canvas, transparency over white, 16 bits reduced to their upper 8. Errors say what
// the data are instead: nothing, text, a format or a kind that is not supported, more
// pixels than the limit, or damaged.
func Decode(data []byte, o DecodeOptions) (*Image, error) {
	s, err := decodeSource(data, o)
	if err != nil {
		return nil, err
	}
	return s.all(), nil
}

// decodeSource decodes a file as Decode does.
func decodeSource(data []byte, o DecodeOptions) (*source, error) {
	if len(data) == 0 {
		return nil, errors.New("expected an image, found an empty file; copy or download it again")
	}
	f := formatOf(data)
	if f == nil {
		return nil, unknownFormat(data)
	}
	if f.decode == nil {
		return nil, fmt.Errorf("expected %s, found %s; convert it to JPEG or PNG", accepted(), f.name)
	}
	width, height, err := f.size(data)
	if err != nil {
		return nil, f.undecodable(data, err)
	}
	limit := o.MaxPixels
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	if width <= 0 || height <= 0 {
		return nil, fmt.Errorf("the %s's header says %d x %d pixels, expected at least one", f.name, width, height)
	}
	if width > limit/height {
		return nil, fmt.Errorf("the %s's header says %d x %d pixels, more than the limit of %d; raise the limit if the image is to be trusted",
			f.name, width, height, limit)
	}
	stored, err := f.decode(data, o)
	if err != nil {
		return nil, f.undecodable(data, err)
	}
	turned := 1
	if f.orientation != nil && !o.IgnoreOrientation {
		turned = f.orientation(data)
	}
	return newSource(stored, turned), nil
}

// undecodable says why a file of a format that is read is not.
func (f *format) undecodable(data []byte, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("the %s is of a kind that is not supported; convert it to a plain JPEG or PNG: %w", f.name, err)
	}
	return fmt.Errorf("the %s is damaged or ends too early, after %d bytes; it may not have been copied whole: %w", f.name, len(data), err)
}

// unknownFormat says what the data are that begin as no known format.
func unknownFormat(data []byte) error {
	if head := data[:min(len(data), 512)]; utf8.Valid(trimRune(head)) && !bytes.ContainsRune(head, 0) {
		return fmt.Errorf("expected %s, found text, such as a web page or a pointer to the file; download the image itself", accepted())
	}
	return fmt.Errorf("expected %s, found something else that begins with % x; convert it to JPEG or PNG if it is an image", accepted(), data[:min(len(data), 8)])
}

// trimRune drops a rune that the end of the data may have cut.
func trimRune(data []byte) []byte {
	for range utf8.UTFMax {
		if len(data) == 0 {
			break
		}
		if r, _ := utf8.DecodeLastRune(data); r != utf8.RuneError {
			break
		}
		data = data[:len(data)-1]
	}
	return data
}
