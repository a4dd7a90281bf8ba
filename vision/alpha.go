package vision

import (
	"fmt"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// Alpha is what becomes of transparency. The zero value stands for the default, AlphaWhite.
type Alpha int

const (
	// AlphaWhite composites over white, as a browser shows a picture on a page.
	AlphaWhite Alpha = iota + 1
	// AlphaDrop takes the colours as they are stored and leaves alpha aside, as Pillow's
	// convert('RGB') does, with which timm and torchvision read pictures. What is
	// transparent has any colour then, often black.
	AlphaDrop
)

// String returns the name, white or drop, which is empty for the zero value.
func (a Alpha) String() string {
	switch a {
	case 0:
		return ""
	case AlphaWhite:
		return "white"
	case AlphaDrop:
		return "drop"
	}
	return fmt.Sprintf("Alpha(%d)", int(a))
}

// ParseAlpha returns the treatment of the given name, white or drop; the error for another
// lists them.
func ParseAlpha(name string) (Alpha, error) {
	for _, a := range []Alpha{AlphaWhite, AlphaDrop} {
		if a.String() == name {
			return a, nil
		}
	}
	return 0, fmt.Errorf("unknown treatment of transparency %q, expected %q or %q", name, AlphaWhite, AlphaDrop)
}

// MarshalText returns the name, as files of weights and recipes have it.
func (a Alpha) MarshalText() ([]byte, error) { return []byte(a.String()), a.check() }

// UnmarshalText takes a name or nothing; the error for another name lists them.
func (a *Alpha) UnmarshalText(text []byte) (err error) {
	*a = 0
	if len(text) > 0 {
		*a, err = ParseAlpha(string(text))
	}
	return err
}

// check refuses values that are not constants of this package.
func (a Alpha) check() error {
	if a < 0 || a > AlphaDrop {
		return fmt.Errorf("unknown treatment of transparency %v, expected %v or %v", a, AlphaWhite, AlphaDrop)
	}
	return nil
}

// apply writes a colour that is not multiplied by its alpha.
func (a Alpha) apply(to []uint8, red, green, blue, opacity uint8) {
	_ = to[2]
	if opacity == 255 || a == AlphaDrop {
		to[0], to[1], to[2] = red, green, blue
		return
	}
	alpha, white := uint32(opacity), 255*(255-uint32(opacity))
	to[0] = uint8(divide255(uint32(red)*alpha + white))
	to[1] = uint8(divide255(uint32(green)*alpha + white))
	to[2] = uint8(divide255(uint32(blue)*alpha + white))
}

// divide255 is v/255 rounded, for v up to 255*255.
func divide255(v uint32) uint32 { return (v + 127) / 255 }

// fromRaster makes an RGB picture of what a decoder returns, whose pixels it takes over.
func fromRaster(src *raster.Image, alpha Alpha) *Image {
	m := &Image{Width: src.Width, Height: src.Height, Pix: src.Pix}
	pixels := src.Width * src.Height
	switch src.Channels {
	case 1:
		m.Pix = make([]uint8, 3*pixels)
		for i, v := range src.Pix {
			to := (*[3]uint8)(m.Pix[3*i:])
			to[0], to[1], to[2] = v, v, v
		}
	case 4:
		for i := range pixels {
			c := (*[4]uint8)(src.Pix[4*i:])
			alpha.apply(src.Pix[3*i:][:3], c[0], c[1], c[2], c[3])
		}
		m.Pix = src.Pix[: 3*pixels : 3*pixels]
	}
	return m
}
