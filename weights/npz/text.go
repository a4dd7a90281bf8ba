package npz

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// toUTF32 returns a string as numpy holds it, little-endian. numpy has no strings of no
// characters, and pads with zeros.
func toUTF32(text string) []byte {
	data := make([]byte, 0, 4*max(1, len(text)))
	for _, r := range text {
		data = binary.LittleEndian.AppendUint32(data, uint32(r))
	}
	if len(data) == 0 {
		data = append(data, 0, 0, 0, 0)
	}
	return data
}

// fromUTF32 is the inverse of toUTF32.
func fromUTF32(data []byte) (string, bool) {
	var text strings.Builder
	for at := 0; at+4 <= len(data); at += 4 {
		r := binary.LittleEndian.Uint32(data[at:])
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return "", false
		}
		text.WriteRune(rune(r))
	}
	return strings.TrimRight(text.String(), "\x00"), true
}
