package png

import (
	"bytes"
	"encoding/hex"
	"io"

	"github.com/klauspost/compress/zlib"
)

// EXIF returns a file's EXIF data, which may stand before or after the pixels: the chunk
// eXIf, or the text in which ImageMagick keeps them; nil if there are none. The last of
// several counts.
func EXIF(data []byte) []byte {
	var exif []byte
	for c := range chunks(data) {
		if c.kind == "eXIf" {
			exif = c.body
		}
	}
	if exif != nil {
		return exif
	}
	return fromHex(text(data, "Raw profile type exif"))
}

// XMP returns a file's XMP packet; nil if it has none.
func XMP(data []byte) []byte { return text(data, "XML:com.adobe.xmp") }

// text returns the last text of a keyword; nil if there is none. It inflates a megabyte at
// most.
func text(data []byte, keyword string) []byte {
	var found []byte
	var compressed bool
	for c := range chunks(data) {
		if c.kind != "tEXt" && c.kind != "zTXt" && c.kind != "iTXt" {
			continue
		}
		if rest, ok := bytes.CutPrefix(c.body, []byte(keyword+"\x00")); ok {
			if body, deflated, ok := c.textBody(rest); ok {
				found, compressed = body, deflated
			}
		}
	}
	if !compressed {
		return found
	}
	const most = 1 << 20
	r, err := zlib.NewReader(bytes.NewReader(found))
	if err != nil {
		return nil
	}
	inflated, _ := io.ReadAll(io.LimitReader(r, most)) // what there is of it
	return inflated
}

// textBody returns what follows the keyword and the flags of a text chunk.
func (c chunk) textBody(rest []byte) (body []byte, compressed, ok bool) {
	switch c.kind {
	case "zTXt": // compression method
		if len(rest) < 1 {
			return nil, false, false
		}
		return rest[1:], true, true
	case "iTXt": // compression flag and method, language, translated keyword
		if len(rest) < 2 {
			return nil, false, false
		}
		compressed, rest = rest[0] != 0, rest[2:]
		for range 2 {
			if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok {
				return nil, false, false
			}
		}
		return rest, compressed, true
	}
	return rest, false, true
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
