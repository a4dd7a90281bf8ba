package gallery

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/score"
)

//go:embed page.html.tmpl
var page string

func (v *view) render(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"percent":  percent,
		"interval": func(e score.Errors) string { return percent(e.Low) + " to " + percent(e.High) },
		"number":   func(f float64) string { return fmt.Sprintf("%.4f", f) },
		"images":   images,
		"share": func(f *float64) string {
			if f == nil {
				return "–"
			}
			return percent(*f)
		},
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, v)
}

// percent has two digits more for a share too small to be one of a hundred.
func percent(share float64) string {
	const small = 0.00005
	if share > 0 && share < small {
		return fmt.Sprintf("%.2g%%", 100*share)
	}
	return fmt.Sprintf("%.2f%%", 100*share)
}

func images(n int) string {
	if n == 1 {
		return "1 image"
	}
	return strconv.Itoa(n) + " images"
}
