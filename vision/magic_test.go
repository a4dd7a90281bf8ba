package vision

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestForeignFormats expects files that are not read to be called by their names, whatever
// theirs are.
func TestForeignFormats(t *testing.T) {
	box := func(brands string) string { return "\x00\x00\x00\x20ftyp" + brands + "\x00\x00\x00\x00" }
	for head, name := range map[string]string{
		"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf":                     "AVIF",
		"\x00\x00\x00\x20ftypmif1\x00\x00\x00\x00mif1avifmiafMA1B":                 "AVIF",
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic":                         "HEIC",
		"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic":                         "HEIC",
		"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00msf1hevc":                         "HEIC",
		"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom":                         "camera raw",
		"II*\x00\x10\x00\x00\x00CR\x02\x00":                                        "camera raw",
		"FUJIFILMCCD-RAW 0201":                                                     "camera raw",
		"IIU\x00\x18\x00\x00\x00":                                                  "camera raw",
		"IIRO\x08\x00\x00\x00":                                                     "camera raw",
		"\xff\x0a\xfa\x7f":                                                         "JPEG XL",
		"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a":                                     "JPEG XL",
		"\x00\x00\x00\x0cjP  \x0d\x0a\x87\x0a":                                     "JPEG 2000",
		"\xff\x4f\xff\x51\x00\x2f":                                                 "JPEG 2000",
		"8BPS\x00\x01":                                                             "Photoshop",
		"gimp xcf v011":                                                            "GIMP",
		"<?xml version='1.0'?>\n<svg xmlns='...'>":                                 "SVG",
		" <svg width='10'>":                                                        "SVG",
		"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00":                         "ICO",
		"P6\n16 16\n255\n":                                                         "PNM",
		"\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x20\x00\x18\x20": "TGA",
		"\x00\x01\x09\x00\x00\x00\x01\x18\x00\x00\x00\x00\x20\x00\x20\x00\x08\x00": "TGA",
		"icns\x00\x00\x18\x3b":                                                     "ICNS",
		"\x01\xda\x00\x01\x00\x02\x00\x40":                                         "SGI",
		"\x0a\x05\x01\x08\x00\x00\x00\x00":                                         "PCX",
		"BLP2\x01\x00\x00\x00":                                                     "BLP",
		"\x28\x00\x00\x00\x40\x00\x00\x00\x30\x00\x00\x00\x01\x00\x18\x00":         "DIB",
		"%!PS-Adobe-3.0 EPSF-3.0":                                                  "PostScript",
		"#define im_width 64\n#define im_height 48\nstatic char im_bits[] = {\n":   "XBM",
		"/* XPM */\nstatic char":                                                   "XPM",
		"qoif\x00\x00\x00\x10":                                                     "QOI",
	} {
		_, err := Decode([]byte(head), DecodeOptions{})
		wanted.ErrorOf(t, name, err, "expected JPEG", "found "+name)
		if got, readable := Recognise([]byte(head)); got != name || readable {
			t.Errorf("%q is recognised as %q, readable %t, want %q", head, got, readable, name)
		}
	}
	for head, name := range map[string]string{
		box("qt  "): "a video",
		box("isom"): "a video",
		"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat": "a video",
		"RIFF\x00\x00\x00\x00AVI LIST":             "a video",
		"\x1a\x45\xdf\xa3\x9f":                     "a video",
		"%PDF-1.7":                                 "a PDF",
		"PK\x03\x04\x14\x00":                       "a ZIP archive",
		"\x00\x05\x16\x07\x00\x02\x00\x00":         "AppleDouble",
		"Just a free text.":                        "text",
		"P1 is not a picture.":                     "text",
		"BMW and others":                           "text",
	} {
		_, err := Decode([]byte(head), DecodeOptions{})
		wanted.ErrorOf(t, name, err, "expected JPEG", "found "+name)
		if got, _ := Recognise([]byte(head)); got != "" {
			t.Errorf("%q is recognised as the picture %q", head, got)
		}
	}
}

// TestRecognise knows the formats that are read by their first 512 bytes.
func TestRecognise(t *testing.T) {
	for _, p := range pictures(t) {
		if p.Refused != nil {
			continue
		}
		name, readable := Recognise(p.File[:min(len(p.File), 512)])
		if !readable {
			t.Errorf("%s is recognised as %q, not readable", p.Name, name)
		}
	}
}
