// Package page has what the pages of HTML have in common that people get as files: one look, in
// light and dark, and pictures that are part of them, so that they need no other file.
package page

import (
	_ "embed"
	"encoding/base64"
	"html/template"
)

//go:embed style.css
var style string

// New parses the templates of a page. In its head {{template "style"}} stands for the common
// style, and may be followed by its own.
func New(text string, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New("style").Parse("<style>\n" + style + "</style>")
	if err != nil {
		return nil, err
	}
	return t.New("page").Funcs(funcs).Parse(text)
}

// Embedded returns a file as a URL that holds it; kind is what it is, such as "image/png".
func Embedded(kind string, data []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
}
