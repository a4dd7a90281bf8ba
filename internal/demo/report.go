package demo

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
	"github.com/seed-fb2c0fa6/inception/train/rundir"
)

//go:embed report.html
var page string

// writeReport writes the page, with all pictures in it.
func writeReport(r *Result) error {
	t, err := template.New(ReportFile).Funcs(template.FuncMap{
		"picture":  embedded,
		"curves":   func() (template.URL, error) { return embedded(rundir.Dir(r.Folder).Curves()) },
		"percent":  func(v float64) string { return fmt.Sprintf("%.1f", 100*v) },
		"right":    func(v float64) float64 { return 1 - v },
		"round":    func(v float64) string { return fmt.Sprintf("%.0f", v) },
		"count":    thousands,
		"millions": func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) },
		"classes":  func() string { return strings.Join(r.Classes, ", ") },
		"model":    func() string { return quoted(rundir.Dir(r.Folder).Model()) },
		"recipe":   func() string { return quoted(rundir.Dir(r.Folder).Recipe()) },
		"in":       func(name string) string { return quoted(filepath.Join(r.Folder, name)) },
		"quoted":   quoted,
		"best":     func() Measure { return r.Measures[1] },
	}).Parse(page)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, r); err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(r.Folder, ReportFile), text.Bytes())
}

// embedded returns a file as a URL that holds it.
func embedded(path string) (template.URL, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return template.URL("data:" + http.DetectContentType(data) + ";base64," + base64.StdEncoding.EncodeToString(data)), nil
}

// quoted makes a path one word of a command.
func quoted(path string) string {
	if strings.ContainsAny(path, " '\"\\$&;()<>|*?`") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// thousands writes a number with commas between thousands.
func thousands(n any) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
