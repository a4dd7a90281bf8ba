package nearest

import (
	"bytes"
	_ "embed"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"io"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/page"
	"github.com/seed-fb2c0fa6/inception/vision"
)

//go:embed page.html.tmpl
var pageText string

// An Entry of a page is a photograph with its neighbours, or a group of duplicates.
type Entry struct {
	Title string
	// Error is why there is nothing to show; empty where there is.
	Error string
	// Given is what was asked about; nil where all figures are alike.
	Given   *Figure
	Figures []Figure
}

// A Figure is a photograph on a page.
type Figure struct {
	Name string
	// Value says how near it is, and Detail the rest; either may be empty.
	Value, Detail string
	// Thumbnail is nil where the photograph cannot be read.
	Thumbnail *Thumbnail
}

// A Thumbnail is a small picture, as a file of JPEG.
type Thumbnail struct {
	Width, Height int
	data          []byte
}

// ThumbnailSide is the longer side of a thumbnail, in pixels, of photographs that are no smaller.
const ThumbnailSide = 192

// NewThumbnail makes one of a photograph.
func NewThumbnail(m *vision.Image) (*Thumbnail, error) {
	width, height := m.PhotoSize()
	if longest := max(width, height); longest > ThumbnailSide {
		width, height = max(1, width*ThumbnailSide/longest), max(1, height*ThumbnailSide/longest)
	}
	small, err := vision.Resize(m, width, height, vision.Bicubic)
	if err != nil {
		return nil, err
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		picture.SetRGBA(i%width, i/width, color.RGBA{small.Pix[3*i], small.Pix[3*i+1], small.Pix[3*i+2], 255})
	}
	var data bytes.Buffer
	const quality = 85
	if err := jpeg.Encode(&data, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return &Thumbnail{Width: width, Height: height, data: data.Bytes()}, nil
}

// WritePage writes a page of HTML, which needs no other file, with the entries that entries
// adds. It appears whole or not at all, and memory holds one entry at a time.
func WritePage(path, title, about string, entries func(add func(Entry) error) error) error {
	t, err := page.New(pageText, template.FuncMap{
		"embedded": func(t *Thumbnail) template.URL { return page.Embedded("image/jpeg", t.data) },
	})
	if err != nil {
		return err
	}
	heading := struct{ Title, About string }{title, about}
	return atomicfile.Write(path, func(w io.Writer) error {
		if err := t.ExecuteTemplate(w, "begin", heading); err != nil {
			return err
		}
		if err := entries(func(e Entry) error { return t.ExecuteTemplate(w, "entry", e) }); err != nil {
			return err
		}
		return t.ExecuteTemplate(w, "end", heading)
	})
}
