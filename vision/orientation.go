package vision

import (
	"bytes"
	"encoding/binary"
)

// jpegOrientation returns the EXIF orientation, 1 to 8, of a JPEG file; 1 when it has
// none or it is damaged.
func jpegOrientation(data []byte) int {
	// Segments: 0xFF, marker, big-endian length that counts itself.
	for at := 2; at+4 <= len(data) && data[at] == 0xFF; {
		marker, length := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xFF {
			at++ // fill byte
			continue
		}
		end := at + 2 + length
		if marker == 0xDA || length < 2 || end > len(data) {
			break
		}
		if exif, ok := bytes.CutPrefix(data[at+4:end], []byte("Exif\x00\x00")); marker == 0xE1 && ok {
			return tiffOrientation(exif)
		}
		at = end
	}
	return 1
}

// tiffOrientation reads the tag from the TIFF structure that EXIF is.
func tiffOrientation(tiff []byte) int {
	const tag, typeShort = 0x0112, 3
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 1
	}
	if len(tiff) < 8 {
		return 1
	}
	directory := int64(order.Uint32(tiff[4:]))
	if directory+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[directory+2:]
	for range order.Uint16(tiff[directory:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == typeShort {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			break
		}
		entries = entries[12:]
	}
	return 1
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
