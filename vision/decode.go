package vision

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	// MaxBytes is the most memory that an image may take, that of its file included;
	// DefaultMaxBytes when zero. It is compared with the file's size before it is read, and
	// with its header before it is decoded.
	MaxBytes int64
	// AllowTruncated decodes what is there of an image of which a part is missing or damaged,
	// and leaves the rest grey in a JPEG, and black or transparent in others, as Pillow does
	// with LOAD_TRUNCATED_IMAGES. WebP is not decoded in part.
	AllowTruncated bool
	// Exact decodes at full size, whatever ResizedTo says.
	Exact bool
	// ResizedTo is the shorter side, in pixels, that the image will be resized to, or zero. A
	// JPEG may then be decoded at 1/2, 1/4 or 1/8 of its size, which is much faster, with
	// [ReducedTo] times ResizedTo left at least; [Image.PhotoSize] tells the whole size.
	ResizedTo int
	// Reserve, if not nil, is told how many bytes reading and decoding a file hold, before
	// they are taken, and may wait until they are free.
	Reserve func(bytes int64)
	// Alpha is what becomes of transparency; the zero value stands for AlphaWhite.
	Alpha Alpha
}

// DefaultMaxBytes is the limit on an image's memory where none is set.
const DefaultMaxBytes = 2 << 30

// ReducedTo is how many times the shorter side that an image will be resized to is left at
// least of one that is decoded at a reduced size.
const ReducedTo = 2

// denominator returns the part of its size, 1, 2, 4 or 8, that a JPEG is decoded at.
func (o DecodeOptions) denominator(width, height int) int {
	if o.ResizedTo < 1 || o.Exact {
		return 1
	}
	for d := 8; d > 1; d /= 2 {
		if min(width, height) >= d*ReducedTo*o.ResizedTo {
			return d
		}
	}
	return 1
}

func (o DecodeOptions) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return DefaultMaxBytes
}

func (o DecodeOptions) reserve(bytes int64) {
	if o.Reserve != nil {
		o.Reserve(bytes)
	}
}

// Open decodes a file of one of the Formats. Errors name the file.
func Open(path string, o DecodeOptions) (*Image, error) {
	info, err := os.Stat(path)
	if err != nil {
		if target, linkErr := os.Readlink(path); linkErr == nil {
			return nil, fmt.Errorf("expected an image file, found a link to %s; mend or remove the link: %w", target, err)
		}
		return nil, fmt.Errorf("expected an image file; check the path: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: expected an image file, found a folder; name a file in it", path)
	}
	if info.Size() > o.maxBytes() {
		return nil, fmt.Errorf("%s: the file has %d bytes, more than the limit of %d; raise MaxBytes (--max-bytes) if the image is to be trusted", path, info.Size(), o.maxBytes())
	}
	o.reserve(info.Size())
	data, err := read(path, info, o.maxBytes())
	if err != nil {
		return nil, err
	}
	m, err := Decode(data, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// read reads a file. A pipe or a device does not say how much comes, so that no more than a
// limit is read of it.
func read(path string, info os.FileInfo, limit int64) ([]byte, error) {
	if info.Mode().IsRegular() {
		return os.ReadFile(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: more than the limit of %d bytes come from it; raise MaxBytes (--max-bytes) if the image is to be trusted", path, limit)
	}
	return data, nil
}

// Decode decodes an image in memory: of an animation the first frame on its whole canvas,
// of a file of several pictures the first, 16 bits reduced to their upper 8. An image whose
// pixels are not all there is an error; what is missing or damaged after them is none. Errors say what
// the data are instead: nothing, text, a format or a kind that is not supported, more
// pixels than the limit, or damaged.
func Decode(data []byte, o DecodeOptions) (*Image, error) {
	s, err := decodeSource(data, o)
	if err != nil {
		return nil, err
	}
	m, err := s.all()
	if err != nil {
		return nil, err
	}
	if f, ok := s.stored.(jpegFile); ok && f.denominator > 1 {
		m.reduced = reductionOf(f.header.Width, f.header.Height, f.denominator, s.orientation)
	}
	return m, nil
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
		return nil, fmt.Errorf("expected %s, found %s; %s", Formats(), f.name, f.instead)
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
		return nil, fmt.Errorf("the %s's header says %d x %d pixels, more than the limit of %d; raise MaxPixels (--max-pixels) if the image is to be trusted",
			f.name, width, height, limit)
	}
	memory := int64(len(data)) + f.takes(data, width, height, o)
	if memory > o.maxBytes() {
		return nil, fmt.Errorf("decoding the %s takes %d bytes, more than the limit of %d; raise MaxBytes (--max-bytes) if the image is to be trusted",
			f.name, memory, o.maxBytes())
	}
	o.reserve(memory)
	stored, err := f.decode(data, o)
	if err != nil {
		return nil, f.undecodable(data, err)
	}
	turned := 1
	if f.orientation != nil && !o.IgnoreOrientation {
		turned = f.orientation(data)
	}
	return newSource(stored, turned, func(err error) error { return f.undecodable(data, err) }), nil
}

// Memory is how many bytes decoding a file takes beside its data, as its header says; 0 for
// what is not decoded.
func Memory(data []byte, o DecodeOptions) int64 {
	f := formatOf(data)
	if f == nil || f.decode == nil {
		return 0
	}
	width, height, err := f.size(data)
	if err != nil || width <= 0 || height <= 0 {
		return 0
	}
	return f.takes(data, width, height, o)
}

// takes is how many bytes decoding takes.
func (f *format) takes(data []byte, width, height int, o DecodeOptions) int64 {
	if f.memory != nil {
		return f.memory(data, o)
	}
	return 8*int64(width)*int64(height) + 32*int64(width)
}

// undecodable says why a file of a format that is read is not.
func (f *format) undecodable(data []byte, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("the %s is of a kind that is not supported (%w); convert it to a plain JPEG or PNG", f.name, err)
	}
	return fmt.Errorf("the %s is damaged or ends too early, after %d bytes; it may not have been copied whole: %w", f.name, len(data), err)
}

// unknownFormat says what the data are that begin as no known format.
func unknownFormat(data []byte) error {
	if head := data[:min(len(data), 512)]; utf8.Valid(trimRune(head)) && !bytes.ContainsRune(head, 0) {
		return fmt.Errorf("expected %s, found text, such as a web page or a pointer to the file; download the image itself", Formats())
	}
	return fmt.Errorf("expected %s, found something else that begins with % x; convert it to JPEG or PNG if it is an image", Formats(), data[:min(len(data), 8)])
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
