package vision

import (
	"strings"

	"github.com/seed-fb2c0fa6/inception/vision/bmp"
	"github.com/seed-fb2c0fa6/inception/vision/gif"
	"github.com/seed-fb2c0fa6/inception/vision/png"
	"github.com/seed-fb2c0fa6/inception/vision/raster"
	"github.com/seed-fb2c0fa6/inception/vision/tiff"
	"github.com/seed-fb2c0fa6/inception/vision/webp"
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
	// nil stands for eight a pixel, and 32 for each of a row as it is stored.
	memory func(data []byte, o DecodeOptions) int64
	// decode returns the pixels as they are stored, of the size that size returned, which is
	// within the limit, or reduced as DecodeOptions.denominator says. An error that wraps
	// errors.ErrUnsupported says that the file is of a kind that is not read; others say that
	// it is damaged or ends too early. A format that is only named, in a message, has none.
	decode func(data []byte, o DecodeOptions) (pixels, error)
	// instead is what to do with a format that is not read.
	instead string
	// noPicture marks formats that are no pictures, and are taken for such by mistake.
	noPicture bool
	// orientation returns the EXIF orientation, 1 to 8; nil for a format that has none.
	orientation func(data []byte) int
}

// headLength is how many bytes of a file tell its format.
const headLength = 512

const byMagick = "convert it by magick PICTURE PICTURE.png"

// pixels are what a file holds, as they are stored, of which parts are wanted as RGB.
type pixels interface {
	size() (width, height int)
	// cut returns the pixels of a region, the same as in the whole image. Errors are those
	// of format.decode.
	cut(r region) (*Image, error)
}

// formats are tried in this order. Errors list the names of those that are read.
func formats() []format {
	return []format{
		{name: "JPEG", recognise: begins("\xff\xd8"), size: jpegSize, memory: jpegMemory, decode: decodeJPEG, orientation: jpegOrientation},
		{name: "PNG", recognise: begins("\x89PNG\r\n\x1a\n"), size: png.Size, decode: decodeBy(png.Decode), orientation: pngOrientation},
		{name: "GIF", recognise: begins("GIF87a", "GIF89a"), size: gif.Size, decode: decodeBy(gif.Decode)},
		{name: "WebP", recognise: isWebP, size: webp.Size, memory: webpMemory, decode: decodeWebP, orientation: webpOrientation},
		{name: "BMP", recognise: isBMP, size: bmp.Size, decode: decodeBy(bmp.Decode)},
		{name: "camera raw", recognise: isRaw, instead: "develop it to JPEG in the camera's program, or by darktable-cli PHOTO PHOTO.jpg"},
		{name: "TIFF", recognise: begins("II*\x00", "MM\x00*", "II+\x00", "MM\x00+"), size: tiff.Size, decode: decodeBy(tiff.Decode), orientation: tiffOrientation},

		{name: "AVIF", recognise: isAVIF, instead: "convert it by avifdec PHOTO.avif PHOTO.png"},
		{name: "HEIC", recognise: isHEIC, instead: "convert it by heif-convert PHOTO.heic PHOTO.jpg (on a Mac, sips -s format jpeg PHOTO.heic --out PHOTO.jpg), or set the camera to JPEG"},
		{name: "JPEG XL", recognise: begins("\xff\x0a", "\x00\x00\x00\x0cJXL "), instead: "convert it by djxl PHOTO.jxl PHOTO.png"},
		{name: "JPEG 2000", recognise: begins("\x00\x00\x00\x0cjP  ", "\xff\x4f\xff\x51"), instead: "convert it by opj_decompress -i PHOTO.jp2 -o PHOTO.png"},
		{name: "Photoshop", recognise: begins("8BPS"), instead: "export it as JPEG or PNG"},
		{name: "GIMP", recognise: begins("gimp xcf"), instead: "export it as JPEG or PNG"},
		{name: "SVG", recognise: isSVG, instead: "render it by rsvg-convert DRAWING.svg -o DRAWING.png"},
		{name: "ICO", recognise: isICO, instead: byMagick},
		{name: "PNM", recognise: isPNM, instead: byMagick},
		{name: "JPEG XR", recognise: begins("II\xbc"), instead: byMagick},
		{name: "QOI", recognise: begins("qoif"), instead: byMagick},
		{name: "DDS", recognise: begins("DDS "), instead: byMagick},
		{name: "OpenEXR", recognise: begins("\x76\x2f\x31\x01"), instead: byMagick},
		{name: "Radiance HDR", recognise: begins("#?RADIANCE", "#?RGBE"), instead: byMagick},
		{name: "DICOM", recognise: beginsAt(128, "DICM"), instead: byMagick},
		{name: "MNG", recognise: begins("\x8aMNG", "\x8bJNG"), instead: byMagick},
		{name: "ICNS", recognise: begins("icns"), instead: byMagick},
		{name: "SGI", recognise: begins("\x01\xda\x00", "\x01\xda\x01"), instead: byMagick},
		{name: "PCX", recognise: isPCX, instead: byMagick},
		{name: "BLP", recognise: begins("BLP1", "BLP2"), instead: byMagick},
		{name: "DIB", recognise: isDIB, instead: "convert it by magick dib:PICTURE PICTURE.png"},
		{name: "Sun raster", recognise: begins("\x59\xa6\x6a\x95"), instead: byMagick},
		{name: "FITS", recognise: begins("SIMPLE  ="), instead: byMagick},
		{name: "WMF", recognise: begins("\xd7\xcd\xc6\x9a"), instead: byMagick},
		{name: "EMF", recognise: beginsAt(40, " EMF"), instead: byMagick},
		{name: "PostScript", recognise: begins("%!PS", "\xc5\xd0\xd3\xc6"), instead: "render it by gs -sDEVICE=png16m -o PICTURE.png PICTURE.eps"},
		{name: "XPM", recognise: begins("/* XPM */"), instead: byMagick},
		{name: "XBM", recognise: isXBM, instead: byMagick},
		{name: "TGA", recognise: isTGA, instead: byMagick},

		{name: "a PDF", recognise: begins("%PDF"), noPicture: true, instead: "render its pages by pdftoppm -png"},
		{name: "a video", recognise: isVideo, noPicture: true, instead: "take frames out of it by ffmpeg -i VIDEO FRAME%03d.png"},
		{name: "AppleDouble", recognise: begins("\x00\x05\x16\x07"), noPicture: true, instead: "leave it out: it holds what macOS knows of the file of the same name without ._"},
		{name: "a ZIP archive", recognise: begins("PK\x03\x04"), noPicture: true, instead: "unpack it"},
	}
}

// formatOf returns the format of a file by its first bytes; nil for none that is known.
func formatOf(head []byte) *format {
	head = head[:min(len(head), headLength)]
	for _, f := range formats() {
		if f.recognise(head) {
			return &f
		}
	}
	return nil
}

// Recognise returns the name of an image's format by the first 512 bytes of the file, and
// whether Decode reads that format; "" for data that are no image known here. Files that
// begin as an image may still be damaged.
func Recognise(head []byte) (name string, readable bool) {
	f := formatOf(head)
	if f == nil || f.noPicture {
		return "", false
	}
	return f.name, f.decode != nil
}

// Formats lists the names of the formats that are read, for help texts and errors.
func Formats() string {
	var names []string
	for _, f := range formats() {
		if f.decode != nil {
			names = append(names, f.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// decodeBy takes what a decoder returns. Where it returns a picture with an error, some
// pixels are missing.
func decodeBy(decode func([]byte) (*raster.Image, error)) func([]byte, DecodeOptions) (pixels, error) {
	return func(data []byte, o DecodeOptions) (pixels, error) {
		m, err := decode(data)
		if err != nil && (m == nil || !o.AllowTruncated) {
			return nil, err
		}
		return fromRaster(m, o.Alpha), nil
	}
}
