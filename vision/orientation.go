package vision

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/seed-fb2c0fa6/inception/vision/png"
	"github.com/seed-fb2c0fa6/inception/vision/webp"
)

// jpegOrientation returns the orientation that a JPEG file's segments tell.
func jpegOrientation(data []byte) int {
	var exif, xmp []byte
	// Segments: 0xFF, marker, big-endian length that counts itself.
	for at := 2; at+4 <= len(data) && data[at] == 0xFF; {
		marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xFF {
			at++ // fill byte
			continue
		}
		end := at + 2 + length
		const startOfScan, app1 = 0xDA, 0xE1
		if marker == startOfScan || length < 2 || end > len(data) {
			break
		}
		if marker == app1 {
			body := data[at+4 : end]
			if more, ok := bytes.CutPrefix(body, []byte(exifPrefix)); ok {
				exif = append(exif, more...) // long data are in several segments
			} else if packet, ok := bytes.CutPrefix(body, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok {
				xmp = packet
			}
		}
		at = end
	}
	return orientationOf(exif, xmp)
}

func pngOrientation(data []byte) int { return orientationOf(png.EXIF(data), png.XMP(data)) }

func webpOrientation(data []byte) int { return orientationOf(webp.EXIF(data), webp.XMP(data)) }

func tiffOrientation(data []byte) int { return orientationOf(data, nil) }

const exifPrefix = "Exif\x00\x00"

// orientationOf returns the orientation, 1 to 8, that EXIF data tell, or an XMP packet where
// they have none; 1 where nothing is known. As in Pillow, the tag's type may be any that
// holds a number but an unsigned byte, and the first of several values counts.
func orientationOf(exif, xmp []byte) int {
	value, ok := exifOrientation(exif)
	if !ok {
		value = xmpOrientation(xmp)
	}
	if value >= 1 && value <= 8 && value == math.Trunc(value) {
		return int(value)
	}
	return 1
}

// exifOrientation reads the tag from the TIFF structure that EXIF data are.
func exifOrientation(tiff []byte) (value float64, ok bool) {
	for bytes.HasPrefix(tiff, []byte(exifPrefix)) { // not all formats take it off
		tiff = tiff[len(exifPrefix):]
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	}
	if order == nil || len(tiff) < 8 {
		return 0, false
	}
	directory := int64(order.Uint32(tiff[4:]))
	if directory+2 > int64(len(tiff)) {
		return 0, false
	}
	const tag, entry = 0x0112, 12
	entries := tiff[directory+2:]
	for range order.Uint16(tiff[directory:]) {
		if len(entries) < entry {
			break
		}
		if order.Uint16(entries) == tag {
			if v, numeric := firstValue(tiff, entries[:entry], order); numeric {
				value, ok = v, true
			}
		}
		entries = entries[entry:]
	}
	return value, ok
}

// firstValue returns the first value of a directory's entry, if it is a number that is
// there.
func firstValue(tiff, entry []byte, order binary.ByteOrder) (value float64, ok bool) {
	kind, ok := exifTypes()[order.Uint16(entry[2:])]
	count := int64(order.Uint32(entry[4:]))
	if !ok || count < 1 {
		return 0, false
	}
	values := entry[8:]
	if length := count * kind.size; length > 4 {
		at := int64(order.Uint32(values))
		if at+length > int64(len(tiff)) {
			return 0, false
		}
		values = tiff[at:]
	}
	return kind.read(values, order), true
}

// An exifType is a type of the values of EXIF's tags.
type exifType struct {
	size int64 // of a value, in bytes
	read func(b []byte, order binary.ByteOrder) float64
}

func exifTypes() map[uint16]exifType {
	long := exifType{4, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint32(b)) }}
	return map[uint16]exifType{
		3: {2, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint16(b)) }},
		4: long,
		5: {8, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint32(b)) / float64(o.Uint32(b[4:])) }},
		6: {1, func(b []byte, o binary.ByteOrder) float64 { return float64(int8(b[0])) }},
		8: {2, func(b []byte, o binary.ByteOrder) float64 { return float64(int16(o.Uint16(b))) }},
		9: {4, func(b []byte, o binary.ByteOrder) float64 { return float64(int32(o.Uint32(b))) }},
		10: {8, func(b []byte, o binary.ByteOrder) float64 {
			return float64(int32(o.Uint32(b))) / float64(int32(o.Uint32(b[4:])))
		}},
		11: {4, func(b []byte, o binary.ByteOrder) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
		12: {8, func(b []byte, o binary.ByteOrder) float64 { return math.Float64frombits(o.Uint64(b)) }},
		13: long,
		16: {8, func(b []byte, o binary.ByteOrder) float64 { return float64(o.Uint64(b)) }},
	}
}

// xmpOrientation reads the tag from an XMP packet, as an attribute or as an element; 0
// where it has none.
func xmpOrientation(packet []byte) float64 {
	for {
		_, after, found := bytes.Cut(packet, []byte("tiff:Orientation"))
		if !found {
			return 0
		}
		for _, sign := range []string{`="`, ">"} {
			if digits, ok := bytes.CutPrefix(after, []byte(sign)); ok && len(digits) > 0 && digits[0] >= '0' && digits[0] <= '9' {
				return float64(digits[0] - '0')
			}
		}
		packet = after
	}
}

// oriented returns the image as the EXIF orientation says that it should be seen.
func (m *Image) oriented(orientation int) *Image {
	if orientation == 1 {
		return m
	}
	w, h := m.Width, m.Height
	out := newImage(w, h)
	if orientation >= 5 {
		out = newImage(h, w)
	}
	for y := range h {
		row := m.row(y)
		for x := range w {
			var toX, toY int
			switch orientation {
			case 2: // mirrored
				toX, toY = w-1-x, y
			case 3: // upside down
				toX, toY = w-1-x, h-1-y
			case 4: // mirrored upside down
				toX, toY = x, h-1-y
			case 5: // transposed
				toX, toY = y, x
			case 6: // to be turned clockwise
				toX, toY = h-1-y, x
			case 7: // transposed along the other diagonal
				toX, toY = h-1-y, w-1-x
			case 8: // to be turned counter-clockwise
				toX, toY = y, w-1-x
			}
			copy(out.Pix[(toY*out.Width+toX)*3:][:3], row[3*x:][:3])
		}
	}
	return out
}
