package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"unicode/utf8"

	"golang.org/x/image/bmp"
	_ "golang.org/x/image/webp" // registers WebP
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
	if len(data) == 0 {
		return nil, errors.New("expected an image, found an empty file; copy or download it again")
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, undecodable(data, format, err)
	}
	limit := o.MaxPixels
	if limit <= 0 {
		limit = DefaultMaxPixels
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, fmt.Errorf("the %s header says %d x %d pixels, expected at least one", format, config.Width, config.Height)
	}
	if config.Width > limit/config.Height {
		return nil, fmt.Errorf("the %s header says %d x %d pixels, more than the limit of %d; raise the limit if the image is to be trusted",
			format, config.Width, config.Height, limit)
	}
	var decoded image.Image
	if format == "gif" {
		decoded, err = firstFrame(data, config)
	} else {
		decoded, _, err = image.Decode(bytes.NewReader(data))
	}
	if err != nil {
		return nil, undecodable(data, format, err)
	}
	var m *Image
	if format == "webp" {
		m = fromWebP(decoded)
	} else {
		m = toRGB(decoded)
	}
	if !o.IgnoreOrientation {
		m = m.oriented(orientation(format, data))
	}
	return m, nil
}

// firstFrame decodes a GIF's first frame, which may cover a part of the canvas
// only; the rest is transparent.
func firstFrame(data []byte, canvas image.Config) (image.Image, error) {
	frame, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	whole := image.Rect(0, 0, canvas.Width, canvas.Height)
	if frame.Bounds() == whole {
		return frame, nil
	}
	full := image.NewNRGBA(whole)
	draw.Draw(full, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return full, nil
}

const accepted = "expected JPEG, PNG, GIF, WebP or BMP"

// undecodable says what the data are instead of an image that can be read.
// Format is empty unless the data begin as one of those accepted.
func undecodable(data []byte, format string, err error) error {
	var kindOfJPEG jpeg.UnsupportedError
	var kindOfPNG png.UnsupportedError
	switch {
	case errors.Is(err, image.ErrFormat):
		return unknownFormat(data)
	case animatedWebP(data):
		return errors.New("expected a still image, found an animated WebP; convert a frame of it to JPEG or PNG")
	case errors.As(err, &kindOfJPEG), errors.As(err, &kindOfPNG), errors.Is(err, bmp.ErrUnsupported):
		return fmt.Errorf("the %s is of a kind that is not supported; convert it to a plain JPEG or PNG: %w", format, err)
	}
	return fmt.Errorf("the %s is damaged or ends too early, after %d bytes; it may not have been copied whole: %w", format, len(data), err)
}

// animatedWebP tells from the extended header's flags.
func animatedWebP(data []byte) bool {
	const flags, animation = 20, 1 << 1
	return len(data) > flags && string(data[:4]) == "RIFF" && string(data[8:16]) == "WEBPVP8X" && data[flags]&animation != 0
}

// unknownFormat says what the data are that begin as no accepted format.
func unknownFormat(data []byte) error {
	if name := foreignFormat(data); name != "" {
		return fmt.Errorf("%s, found %s; convert it to JPEG or PNG", accepted, name)
	}
	if head := data[:min(len(data), 512)]; utf8.Valid(trimRune(head)) && !bytes.ContainsRune(head, 0) {
		return fmt.Errorf("%s, found text, such as a web page or a pointer to the file; download the image itself", accepted)
	}
	return fmt.Errorf("%s, found something else that begins with % x; convert it to JPEG or PNG if it is an image", accepted, data[:min(len(data), 8)])
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

// foreignFormat names a known format that is not read here.
func foreignFormat(data []byte) string {
	has := func(at int, magic string) bool {
		return len(data) >= at+len(magic) && string(data[at:at+len(magic)]) == magic
	}
	switch {
	case has(4, "ftypavif"), has(4, "ftypavis"):
		return "AVIF"
	case has(4, "ftyphei"), has(4, "ftyphev"), has(4, "ftypmif1"), has(4, "ftypmsf1"):
		return "HEIC"
	case has(0, "II*\x00"), has(0, "MM\x00*"), has(0, "II+\x00"), has(0, "MM\x00+"):
		return "TIFF"
	case has(0, "%PDF"):
		return "PDF"
	case has(0, "\xff\x0a"), has(0, "\x00\x00\x00\x0cJXL "):
		return "JPEG XL"
	case has(0, "\x00\x00\x00\x0cjP  "):
		return "JPEG 2000"
	}
	return ""
}
