package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-fb2c0fa6/inception/vision/raster"
)

// Values of the tag for how colours are stored.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	paletted    = 3
	cmyk        = 5
	yCbCr       = 6
)

// Values of the tag for compression.
const (
	plain      = 1
	group3     = 3
	group4     = 4
	lzwCodes   = 5
	oldJPEG    = 6
	newJPEG    = 7
	deflate    = 8
	oldDeflate = 32946
	packBits   = 32773
)

// Values of the tag for what a further sample is.
const (
	associated = 1   // alpha that colours are multiplied by
	separate   = 2   // alpha that they are not multiplied by
	unnamed    = 999 // as separate, by Corel Draw
)

// A layout is how a file's pixels are stored.
type layout struct {
	width, height int
	depth         int // bits a sample
	samples       int // a pixel
	photometric   int64
	compression   int64
	alpha         int64 // associated, separate, or 0
	planes        int   // 1, or one for each sample
	predicted     bool  // a sample is stored as the difference from the pixel before
	reversed      bool  // the lowest bit of a byte comes first
	bigEndian     bool
	palette       [][3]uint8
	blocks        blocks
}

// blocks are the strips or tiles that the pixels are stored in.
type blocks struct {
	width, height int
	tiled         bool
	offsets       uint16 // the tags
	counts        uint16
}

func parse(data []byte) (*layout, *directory, error) {
	d, err := parseDirectory(data)
	if err != nil {
		return nil, nil, err
	}
	l := &layout{
		photometric: d.value(tagPhotometric, blackIsZero), compression: d.value(tagCompression, plain),
		depth: int(d.value(tagBitsPerSample, 1)), samples: int(d.value(tagSamplesPerPixel, 1)), planes: 1,
		reversed: d.value(tagFillOrder, 1) == 2, predicted: d.value(tagPredictor, 1) == 2,
		bigEndian: d.order == binary.BigEndian,
	}
	width, height := d.value(tagWidth, 0), d.value(tagHeight, 0)
	const most = 1<<31 - 1
	if width < 1 || height < 1 || width > most || height > most {
		return nil, nil, fmt.Errorf("the header says %d x %d pixels", width, height)
	}
	l.width, l.height = int(width), int(height)
	if err := l.check(d); err != nil {
		return nil, nil, err
	}
	if l.photometric == paletted {
		n := 1 << l.depth
		if d.len(tagColourMap) < 3*n {
			return nil, nil, errors.New("its palette is missing or too short")
		}
		for i := range n {
			l.palette = append(l.palette, [3]uint8{
				uint8(d.at(tagColourMap, i) >> 8), uint8(d.at(tagColourMap, n+i) >> 8), uint8(d.at(tagColourMap, 2*n+i) >> 8),
			})
		}
	}
	return l, d, l.setBlocks(d)
}

// check refuses kinds that are not read.
func (l *layout) check(d *directory) error {
	const filterArray, linearRaw, reduced = 32803, 34892, 1
	switch {
	case d.len(tagDNGVersion) > 0, l.photometric == filterArray, l.photometric == linearRaw:
		return raster.Unsupported("a camera's raw picture")
	case d.value(tagSubfileType, 0)&reduced != 0:
		return raster.Unsupported("a preview of the picture proper, as cameras' raw files begin with")
	}
	switch l.compression {
	case plain, group3, group4, lzwCodes, deflate, oldDeflate, packBits, newJPEG:
	case oldJPEG:
		return raster.Unsupported("a JPEG within a TIFF as of 1992")
	default:
		return raster.Unsupported("compression %d", l.compression)
	}
	colours := map[int64]int{whiteIsZero: 1, blackIsZero: 1, rgb: 3, paletted: 1, cmyk: 4}[l.photometric]
	if l.photometric == yCbCr && l.compression == newJPEG {
		colours = 3
	}
	switch {
	case colours == 0:
		return raster.Unsupported("colours of type %d, such as YCbCr or Lab", l.photometric)
	case l.samples < colours || l.samples > colours+8:
		return raster.Unsupported("%d samples a pixel for colours of type %d", l.samples, l.photometric)
	}
	for i := range d.len(tagBitsPerSample) {
		if d.at(tagBitsPerSample, i) != int64(l.depth) {
			return raster.Unsupported("samples of different lengths")
		}
	}
	for i := range d.len(tagSampleFormat) {
		if f := d.at(tagSampleFormat, i); f != 1 && !(f == 4 && l.depth <= 8) {
			return raster.Unsupported("samples that are signed or floating-point numbers")
		}
	}
	switch l.depth {
	case 1, 2, 4:
		if l.samples > 1 {
			return raster.Unsupported("%d samples of %d bits a pixel", l.samples, l.depth)
		}
	case 8:
	case 16:
		if l.photometric == paletted {
			return raster.Unsupported("palettes of 16 bits")
		}
	default:
		return raster.Unsupported("samples of %d bits", l.depth)
	}
	if fax := l.compression == group3 || l.compression == group4; fax && (l.depth != 1 || l.samples != 1) {
		return errors.New("its compression is for one bit a pixel, and it has more")
	}
	if l.compression == group3 && d.value(tagT4Options, 0)&1 != 0 {
		return raster.Unsupported("fax codes of two dimensions (T.4)")
	}
	if p := d.value(tagPredictor, 1); p > 2 || l.predicted && l.depth < 8 {
		return raster.Unsupported("predictor %d with samples of %d bits", p, l.depth)
	}
	if p := d.value(tagPlanar, 1); p == 2 {
		l.planes = l.samples
	} else if p != 1 {
		return raster.Unsupported("planar configuration %d", p)
	}
	if l.compression == newJPEG {
		return l.checkJPEG()
	}
	if l.samples > colours && l.photometric != cmyk {
		// Some programs write four samples and forget to say that the last is alpha.
		l.alpha = d.value(tagExtraSamples, separate)
		if l.alpha != associated && l.alpha != separate && l.alpha != unnamed {
			l.alpha = 0
		}
	}
	return nil
}

// setBlocks finds the strips or tiles.
func (l *layout) setBlocks(d *directory) error {
	b := &l.blocks
	if d.len(tagTileWidth) > 0 {
		width, height := d.value(tagTileWidth, 0), d.value(tagTileHeight, 0)
		// Tiles may reach beyond the picture, but not by much.
		const beyond = 1024
		if width < 1 || height < 1 || width > int64(l.width)+beyond || height > int64(l.height)+beyond {
			return fmt.Errorf("it has tiles of %d x %d pixels", width, height)
		}
		*b = blocks{int(width), int(height), true, tagTileOffsets, tagTileCounts}
	} else {
		height := d.value(tagRowsPerStrip, int64(l.height))
		if height < 1 || height > int64(l.height) {
			height = int64(l.height)
		}
		*b = blocks{l.width, int(height), false, tagStripOffsets, tagStripCounts}
	}
	const unit = 8 // the side of what a JPEG is made of
	if l.compression == newJPEG && b.tiled && (b.width < unit || b.height < unit) {
		return fmt.Errorf("it has tiles of %d x %d pixels", b.width, b.height)
	}
	across, down := l.across(), l.down()
	if n := int64(across) * int64(down) * int64(l.planes); n > int64(d.len(b.offsets)) {
		return fmt.Errorf("it has %d parts of its pixels, expected %d", d.len(b.offsets), n)
	}
	return nil
}

func (l *layout) across() int { return (l.width + l.blocks.width - 1) / l.blocks.width }
func (l *layout) down() int   { return (l.height + l.blocks.height - 1) / l.blocks.height }
