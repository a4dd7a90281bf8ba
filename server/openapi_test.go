package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/server/page"
)

// TestDescription compares the paths of the OpenAPI description with the table of endpoints.
func TestDescription(t *testing.T) {
	var d struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(page.Description(), &d); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, methods := range d.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	var answered []string
	for _, e := range endpoints() {
		method, path, ok := strings.Cut(e.pattern, " ")
		if !ok {
			continue // what is refused below a path
		}
		path = strings.TrimSuffix(path, "{$}")
		// A pattern of http.ServeMux holds the end of a path whole, with what it calls.
		for before, name := range map[string]string{"models/{call}": "models/{model}", "versions/{call}": "versions/{version}", "labels/{call}": "labels/{label}"} {
			path = strings.Replace(path, before, name+":predict", 1)
		}
		answered = append(answered, method+" "+path)
	}
	for _, a := range answered {
		if !slices.Contains(described, a) {
			t.Errorf("%s is answered, but not in server/page/openapi.json", a)
		}
	}
	for _, d := range described {
		if !slices.Contains(answered, d) {
			t.Errorf("%s is in server/page/openapi.json, but not answered", d)
		}
	}
}
