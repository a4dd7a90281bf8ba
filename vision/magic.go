package vision

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// begins tells files whose first bytes are one of the given.
func begins(magics ...string) func(head []byte) bool { return beginsAt(0, magics...) }

// beginsAt tells files that have one of the given bytes at a place.
func beginsAt(at int, magics ...string) func(head []byte) bool {
	return func(head []byte) bool {
		return len(head) > at && slices.ContainsFunc(magics, func(magic string) bool { return bytes.HasPrefix(head[at:], []byte(magic)) })
	}
}

func isWebP(head []byte) bool { return begins("RIFF")(head) && beginsAt(8, "WEBP")(head) }

// isBMP also looks at the length of the second header, as two letters are little.
func isBMP(head []byte) bool {
	return begins("BM")(head) && len(head) >= 18 && head[15] == 0 && head[16] == 0 && head[17] == 0
}

// brands are those of a file of the ISO base media format, the first of which is its own and
// the others what it is compatible with.
func brands(head []byte) []string {
	if !beginsAt(4, "ftyp")(head) || len(head) < 16 {
		return nil
	}
	found := []string{string(head[8:12])}
	end := min(int64(len(head)), int64(binary.BigEndian.Uint32(head)))
	for at := int64(16); at+4 <= end; at += 4 {
		found = append(found, string(head[at:at+4]))
	}
	return found
}

func anyBrand(head []byte, wanted ...string) bool {
	return slices.ContainsFunc(brands(head), func(brand string) bool { return slices.Contains(wanted, brand) })
}

func isAVIF(head []byte) bool { return anyBrand(head, "avif", "avis") }

func isHEIC(head []byte) bool {
	return anyBrand(head, "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1")
}

// isRaw tells the cameras' files that do not begin as TIFF; package tiff tells those that do.
func isRaw(head []byte) bool {
	return anyBrand(head, "crx ") || begins("FUJIFILMCCD-RAW", "IIRO", "IIRS", "MMOR", "IIU\x00", "FOVb", "\x00MRM")(head) ||
		begins("II*\x00")(head) && beginsAt(8, "CR\x02")(head)
}

// isVideo tells QuickTime's and MPEG-4's files, also those without brands, Matroska's and AVI's.
func isVideo(head []byte) bool {
	return begins("\x00")(head) && beginsAt(4, "ftyp", "moov", "mdat", "wide", "free", "skip")(head) || begins("\x1a\x45\xdf\xa3")(head) ||
		begins("RIFF")(head) && beginsAt(8, "AVI ")(head)
}

// isICO tells icons and cursors, of which there is at least one in a file.
func isICO(head []byte) bool {
	return begins("\x00\x00\x01\x00", "\x00\x00\x02\x00")(head) && len(head) > 5 && head[4]|head[5] != 0
}

func isPCX(head []byte) bool {
	return len(head) > 3 && head[0] == 0x0A && head[1] <= 5 && head[2] <= 1 && slices.Contains([]uint8{1, 2, 4, 8}, head[3])
}

// isDIB tells bitmaps without the header that makes a BMP of them.
func isDIB(head []byte) bool {
	const planes = 12
	lengths := begins("\x28\x00\x00\x00", "\x34\x00\x00\x00", "\x38\x00\x00\x00", "\x40\x00\x00\x00", "\x6c\x00\x00\x00", "\x7c\x00\x00\x00")
	return lengths(head) && beginsAt(planes, "\x01\x00")(head)
}

func isXBM(head []byte) bool {
	return begins("#define ")(head) && bytes.Contains(head, []byte("_width ")) && bytes.Contains(head, []byte("_bits["))
}

func isSVG(head []byte) bool {
	text := strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff"))
	return strings.HasPrefix(text, "<svg") || strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg")
}

func isPNM(head []byte) bool {
	return len(head) > 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '7' && strings.ContainsRune(" \t\r\n", rune(head[2])) &&
		strings.ContainsRune("0123456789#W", rune(head[3]))
}

// isTGA goes by the sense of the header, as the format has no mark at its beginning.
func isTGA(head []byte) bool {
	if len(head) < 18 {
		return false
	}
	kind, depth := head[2], head[16]
	sized := binary.LittleEndian.Uint16(head[12:]) > 0 && binary.LittleEndian.Uint16(head[14:]) > 0
	known := slices.Contains([]uint8{1, 8, 15, 16, 24, 32}, depth) && head[17]&0xC0 == 0
	switch head[1] {
	case 0:
		return sized && known && slices.Contains([]uint8{2, 3, 10, 11}, kind) && bytes.Equal(head[3:8], make([]byte, 5))
	case 1:
		return sized && known && (kind == 1 || kind == 9) && slices.Contains([]uint8{15, 16, 24, 32}, head[7])
	}
	return false
}
