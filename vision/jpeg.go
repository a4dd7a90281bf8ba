package vision

import (
	"errors"
	"image"

	"github.com/seed-fb2c0fa6/inception/vision/jpeg"
	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

func jpegSize(data []byte) (width, height int, err error) {
	h, err := jpeg.ParseHeader(data)
	return h.Width, h.Height, jpegError(err)
}

func jpegMemory(data []byte, o DecodeOptions) int64 {
	h, err := jpeg.ParseHeader(data)
	if err != nil {
		return 0
	}
	return h.Memory(o.denominator(h.Width, h.Height))
}

func decodeJPEG(data []byte, o DecodeOptions) (pixels, error) {
	h, err := jpeg.ParseHeader(data)
	if err != nil {
		return nil, jpegError(err)
	}
	return jpegFile{data, h, o.denominator(h.Width, h.Height), o.AllowTruncated}, nil
}

// jpegError marks what is not decoded.
func jpegError(err error) error {
	if unsupported := (*jpeg.UnsupportedError)(nil); errors.As(err, &unsupported) {
		return raster.UnsupportedError(err.Error())
	}
	return err
}

// A jpegFile is decoded when a part of it is wanted, which is all that is converted to RGB.
type jpegFile struct {
	data           []byte
	header         jpeg.Header
	denominator    int
	allowTruncated bool
}

func (f jpegFile) size() (width, height int) {
	d := f.denominator
	return (f.header.Width + d - 1) / d, (f.header.Height + d - 1) / d
}

func (f jpegFile) cut(r region) (*Image, error) {
	p, err := jpeg.Decode(f.data, jpeg.Options{
		Denominator: f.denominator, Region: image.Rect(r.x, r.y, r.x+r.width, r.y+r.height), AllowTruncated: f.allowTruncated,
	})
	if err != nil {
		return nil, jpegError(err)
	}
	return &Image{Width: p.Width, Height: p.Height, Pix: p.Pix}, nil
}
