package explain

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"image"
	"image/png"
	"io"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/internal/page"
)

//go:embed page.html.tmpl
var pageText string

// About says what is explained.
type About struct {
	Network, Weights string
	Photographs      int
}

// An Entry is a photograph on a page.
type Entry struct {
	Name string
	// Picture is what Draw drew.
	Picture image.Image
	// Class and Synset are what is explained, Probability in [0,1] and Logit what the network
	// gives it, and Place its own among Classes, from 1.
	Class, Synset      string
	Probability, Logit float64
	Place, Classes     int
	// Mean is the map's.
	Mean float64
	// Error is why there is none of this; empty where there is.
	Error string
}

// WritePage writes a page of HTML, which needs no other file, with the entries that entries
// adds. It appears whole or not at all, and memory holds one entry at a time.
func WritePage(path string, about About, entries func(add func(Entry) error) error) error {
	t, err := page.New(pageText, template.FuncMap{
		"embedded": embedded,
		"percent":  func(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) },
		"number":   func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"bias":     func(e Entry) string { return fmt.Sprintf("%.3f", e.Logit-e.Mean) },
	})
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if err := t.ExecuteTemplate(w, "begin", about); err != nil {
			return err
		}
		if err := entries(func(e Entry) error { return t.ExecuteTemplate(w, "entry", e) }); err != nil {
			return err
		}
		return t.ExecuteTemplate(w, "end", about)
	})
}

// embedded returns a picture as a URL that holds it.
func embedded(m image.Image) (template.URL, error) {
	var data bytes.Buffer
	if err := png.Encode(&data, m); err != nil {
		return "", err
	}
	return page.Embedded("image/png", data.Bytes()), nil
}
