package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"slices"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// A format is a kind of image file.
type format struct {
	// name is what messages call it.
	name string
	// recognise tells it by the first bytes of a file; it needs no more than headLength.
	recognise func(head []byte) bool
	// size returns the width and height that the file's header says, of the pixels as they
	// are stored. Nothing of that size is allocated.
	size func(data []byte) (width, height int, err error)
	// memory returns how many bytes decoding takes of a file whose size is within the limit;
	// nil stands for eight a pixel.
	memory func(data []byte, o DecodeOptions) int64
	// decode returns the pixels as they are stored, of the size that size returned, which is
	// within the limit, or reduced as DecodeOptions.denominator says. An error that wraps errors.ErrUnsupported says that the file is of a
	// kind that is not read; others say that it is damaged or ends too early. A format that
	// is only named, in a message, has none.
	decode func(data []byte, o DecodeOptions) (pixels, error)
	// orientation returns the EXIF orientation, 1 to 8; nil for a format that has none.
	orientation func(data []byte) int
}

// headLength is how many bytes of a file tell its format.
const headLength = 64

// pixels are what a file holds, as they are stored, of which parts are wanted as RGB.
type pixels interface {
	size() (width, height int)
	// cut returns the pixels of a region, the same as in the whole image. Errors are those
	// of format.decode.
	cut(r region) (*Image, error)
}

// formats are tried in this order. Those that are read come first; their names are
// listed in errors.
func formats() []format {
	return []format{
		{name: "JPEG", recognise: begins("\xff\xd8"), size: jpegSize, memory: jpegMemory, decode: decodeJPEG, orientation: jpegOrientation},
		{name: "PNG", recognise: begins("\x89PNG\r\n\x1a\n"), size: sizeBy(png.DecodeConfig), decode: decodeBy(png.Decode)},
		{name: "GIF", recognise: begins("GIF8"), size: sizeBy(gif.DecodeConfig), decode: decodeGIF},
		{name: "WebP", recognise: beginsAt(8, "WEBP"), size: sizeBy(webp.DecodeConfig), decode: decodeWebP},
		{name: "BMP", recognise: begins("BM"), size: sizeBy(bmp.DecodeConfig), decode: decodeBy(bmp.Decode)},

		{name: "AVIF", recognise: beginsAt(4, "ftypavif", "ftypavis")},
		{name: "HEIC", recognise: beginsAt(4, "ftyphei", "ftyphev", "ftypmif1", "ftypmsf1")},
		{name: "TIFF", recognise: begins("II*\x00", "MM\x00*", "II+\x00", "MM\x00+")},
		{name: "PDF", recognise: begins("%PDF")},
		{name: "JPEG XL", recognise: begins("\xff\x0a", "\x00\x00\x00\x0cJXL ")},
		{name: "JPEG 2000", recognise: begins("\x00\x00\x00\x0cjP  ")},
	}
}

// begins tells files whose first bytes are one of the given.
func begins(magics ...string) func(head []byte) bool { return beginsAt(0, magics...) }

// beginsAt tells files that have one of the given bytes at a place.
func beginsAt(at int, magics ...string) func(head []byte) bool {
	return func(head []byte) bool {
		return len(head) > at && slices.ContainsFunc(magics, func(magic string) bool { return strings.HasPrefix(string(head[at:min(len(head), headLength)]), magic) })
	}
}

// formatOf returns the format of a file by its first bytes; nil for none that is known.
func formatOf(head []byte) *format {
	for _, f := range formats() {
		if f.recognise(head) {
			return &f
		}
	}
	return nil
}

// Recognise returns the name of a file's format by its first 64 bytes, and whether Decode
// reads that format; "" for data that are no image known here. Files that begin as an image
// may still be damaged.
func Recognise(head []byte) (name string, readable bool) {
	f := formatOf(head)
	if f == nil {
		return "", false
	}
	return f.name, f.decode != nil
}

// accepted is the list of the formats that are read, for errors.
func accepted() string {
	var names []string
	for _, f := range formats() {
		if f.decode != nil {
			names = append(names, f.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func sizeBy(decodeConfig func(io.Reader) (image.Config, error)) func(data []byte) (width, height int, err error) {
	return func(data []byte) (width, height int, err error) {
		config, err := decodeConfig(bytes.NewReader(data))
		return config.Width, config.Height, unsupported(err)
	}
}

func decodeBy(decode func(io.Reader) (image.Image, error)) func([]byte, DecodeOptions) (pixels, error) {
	return func(data []byte, _ DecodeOptions) (pixels, error) {
		decoded, err := decode(bytes.NewReader(data))
		if err != nil {
			return nil, unsupported(err)
		}
		return toRGB(decoded), nil
	}
}

// unsupported marks what decoders that are not ours return for kinds that they do not read.
func unsupported(err error) error {
	var kindOfPNG png.UnsupportedError
	if errors.As(err, &kindOfPNG) || errors.Is(err, bmp.ErrUnsupported) {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}
