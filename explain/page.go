package explain

import (
	_ "embed"
	"fmt"
	"html/template"
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
	Meaning          Meaning
}

// An Entry is a photograph on a page.
type Entry struct {
	Name string
	// Picture is what Draw drew.
	Picture Picture
	// Class and Synset are what is explained, Probability in [0,1] and Logit what the network
	// gives it, and Place its own among Classes, from 1.
	Class, Synset      string
	Probability, Logit float64
	Place, Classes     int
	Parts              Parts
	// Error is why there is none of this; empty where there is.
	Error string
}

// WritePage writes a page of HTML, which needs no other file, with the entries that entries
// adds. It appears whole or not at all, and memory holds one entry at a time.
func WritePage(path string, about About, entries func(add func(Entry) error) error) error {
	t, err := page.New(pageText, template.FuncMap{
		"embedded": func(png []byte) template.URL { return page.Embedded("image/png", png) },
		"percent":  func(v float64) string { return fmt.Sprintf("%.2f%%", 100*v) },
		"number":   func(v float64) string { return fmt.Sprintf("%.3f", v) },
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
