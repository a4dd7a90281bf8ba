package png

import (
	"bytes"
	"encoding/hex"
	"io"

	"github.com/klauspost/compress/zlib"
)

// EXIF returns a file's EXIF data, which may stand before or after the pixels: the chunk
// eXIf, or the text in which ImageMagick keeps them; nil if there are none.
func EXIF(data []byte) []byte {
	var exif, profile []byte
	for c := range chunks(data) {
		switch keyword, text := c.text(); {
		case c.kind == "eXIf":
			exif = c.body
		case keyword == "Raw profile type exif":
			profile = fromHex(text)
		}
	}
	if exif != nil {
		return exif
	}
	return profile
}

// XMP returns a file's XMP packet; nil if it has none.
func XMP(data []byte) []byte {
	var xmp []byte
	for c := range chunks(data) {
		if keyword, text := c.text(); keyword == "XML:com.adobe.xmp" {
			xmp = text
		}
	}
	return xmp
}

// text returns a text chunk's keyword, and its text; "" for other chunks. It inflates a
// megabyte at most.
func (c chunk) text() (keyword string, text []byte) {
	if c.kind != "tEXt" && c.kind != "zTXt" && c.kind != "iTXt" {
		return "", nil
	}
	word, rest, found := bytes.Cut(c.body, []byte{0})
	if !found {
		return "", nil
	}
	compressed := false
	switch c.kind {
	case "zTXt": // compression method
		if len(rest) < 1 {
			return "", nil
		}
		compressed, rest = true, rest[1:]
	case "iTXt": // compression flag and method, language, translated keyword
		if len(rest) < 2 {
			return "", nil
		}
		compressed, rest = rest[0] != 0, rest[2:]
		for range 2 {
			if _, rest, found = bytes.Cut(rest, []byte{0}); !found {
				return "", nil
			}
		}
	}
	if compressed {
		const most = 1 << 20
		r, err := zlib.NewReader(bytes.NewReader(rest))
		if err != nil {
			return "", nil
		}
		rest, _ = io.ReadAll(io.LimitReader(r, most)) // what there is of it
	}
	return string(word), rest
}

// fromHex reads the form "\nexif\n  length\nhexadecimal digits in lines".
func fromHex(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	if len(lines) < 4 {
		return nil
	}
	digits := bytes.Join(lines[3:], nil)
	data, err := hex.DecodeString(string(bytes.TrimSpace(digits)))
	if err != nil {
		return nil
	}
	return data
}
