package page

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/predict"
	"github.com/seed-fb2c0fa6/inception/recipe"
	"github.com/seed-fb2c0fa6/inception/vision"
)

//go:embed *.tmpl
var sources embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"percent":  percent,
	"share":    func(p float64) string { return fmt.Sprintf("%.2f%%", 100*p) },
	"took":     took,
	"embedded": embedded,
	"grouped":  grouped,
	"rounded":  rounded,
	"three":    func(v [3]float32) string { return fmt.Sprintf("%g, %g, %g", v[0], v[1], v[2]) },
	"fit":      fit,
	"asset":    assetURL,
}).ParseFS(sources, "*.tmpl"))

// A View is the page that classifies pictures.
type View struct {
	// Version is that of the program.
	Version string
	Models  []Model
	// Chosen is the Choice that the form has.
	Chosen string
	// Top is how many classes of a picture the form has.
	Top int
	// Results are of the pictures that the form brought.
	Results []Result
	// Fault is why there are none.
	Fault string
}

// A Model is what the page tells of a model.
type Model struct {
	Name, Version string
	// Unready is why it does not serve; nothing else is known then.
	Unready   string
	Network   string
	Precision string
	// Classes is how many there are, of which Labels are the names where they have any; 0 of
	// a model that has features alone.
	Classes       int
	Labels        []recipe.Label
	Preprocessing vision.Preprocessing
	// Parameters, and MultiplyAdds of an image, are the network's.
	Parameters, MultiplyAdds int64
	// Checkpoint is the public one that the weights are; its Tag is empty where they are none.
	Checkpoint recipe.Checkpoint
}

// A Result is a picture with its classes, or with what is wrong with it.
type Result struct {
	Name, Model string
	// Seen is what the network sees of the picture; nil where it could not be decoded.
	Seen *vision.Image
	// Width and Height are the picture's.
	Width, Height int
	Predictions   []predict.Prediction
	// Took is the time from the picture's arrival to its classes.
	Took time.Duration
	// Curl is the command that asks the same.
	Curl  string
	Fault string
}

// Choice is what a form calls a version of a model.
func Choice(name, version string) string { return name + "/" + version }

// Choice is what the form calls the model.
func (m Model) Choice() string { return Choice(m.Name, m.Version) }

// Ready are the models that serve.
func (v View) Ready() []Model {
	return slices.DeleteFunc(slices.Clone(v.Models), func(m Model) bool { return m.Unready != "" })
}

// Title is the model's name, and its version where there are several.
func (v View) Title(m Model) string {
	for _, other := range v.Models {
		if other.Name == m.Name && other.Version != m.Version {
			return m.Name + ", version " + m.Version
		}
	}
	return m.Name
}

// Write writes the page.
func (v View) Write(w *bytes.Buffer) error { return templates.ExecuteTemplate(w, "index.html.tmpl", v) }

// WriteResults writes the results alone, for the script.
func (v View) WriteResults(w *bytes.Buffer) error {
	return templates.ExecuteTemplate(w, "results", v)
}

// Said is what a screen reader says of the result.
func (r Result) Said() string {
	switch {
	case r.Fault != "":
		return r.Name + " was not classified: " + r.Fault
	case len(r.Predictions) == 0:
		return r.Name
	}
	return fmt.Sprintf("%s: %s, %s", r.Name, r.Predictions[0].Label, percent(r.Predictions[0].Probability))
}

func percent(p float64) string {
	if p < 0.0005 {
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

func took(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// rounded writes a large number with three digits.
func rounded(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.3g billion", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.3g million", float64(n)/1e6)
	}
	return grouped(int(n))
}

// fit says which part of a picture the network sees.
func fit(p vision.Preprocessing) string {
	switch part := percent(p.Crop); p.Fit {
	case vision.FitSquash:
		return "the middle " + part + " of both sides, squashed"
	case vision.FitBorder:
		return "the middle " + part + " of the longer side, with a border"
	default:
		return "the middle " + part + " of the shorter side"
	}
}

// embedded returns a picture as a URL that holds it.
func embedded(m *vision.Image) (template.URL, error) {
	picture := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		copy(picture.Pix[4*i:], m.Pix[3*i:][:3])
		picture.Pix[4*i+3] = 255
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, picture, &jpeg.Options{Quality: 85}); err != nil {
		return "", err
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(data.Bytes())), nil
}

var plain = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// Quoted writes an argument of a shell's command.
func Quoted(argument string) string {
	if plain.MatchString(argument) {
		return argument
	}
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
}
