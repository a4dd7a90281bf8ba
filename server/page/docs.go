package page

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed openapi.json
var description []byte

// Description is the OpenAPI description of what a server answers.
func Description() []byte { return description }

// The parts of the description that its page shows.
type (
	api struct {
		OpenAPI string `json:"openapi"`
		Info    struct {
			Title, Description string
		}
		Tags       []tag
		Paths      map[string]map[string]operation
		Components struct {
			Parameters map[string]parameter
			Responses  map[string]response
			Schemas    map[string]schema
		}
	}
	tag struct {
		Name, Description string
	}
	operation struct {
		Tags                              []string
		OperationID, Summary, Description string
		Parameters                        []parameter
		RequestBody                       struct{ Content map[string]content }
		Responses                         map[string]response
	}
	parameter struct {
		Ref         string `json:"$ref"`
		Name, In    string
		Required    bool
		Description string
		Schema      schema
	}
	response struct {
		Ref         string `json:"$ref"`
		Description string
		Content     map[string]content
	}
	content struct {
		Schema  schema
		Example json.RawMessage
	}
	schema struct {
		Ref         string `json:"$ref"`
		Type        any
		Description string
		Enum        []string
		Items       *schema
		Properties  map[string]schema
		Default     any
	}
)

// What the page shows.
type (
	docsView struct {
		Title, Description string
		Groups             []group
		Schemas            []namedSchema
	}
	group struct {
		tag
		Operations []shownOperation
	}
	shownOperation struct {
		Method, Path, ID, Summary, Description string
		Parameters                             []shownParameter
		Bodies, Responses                      []shownContent
	}
	shownParameter struct {
		parameter
		Kind kind
	}
	shownContent struct {
		Status, Type, Description, Example string
		Kind                               kind
	}
	namedSchema struct {
		Name, Description string
		Properties        []property
	}
	property struct {
		Name, Description string
		Kind              kind
	}
	// A kind is what a value is: words, and the schema that they name, if any.
	kind struct{ Before, Schema, After string }
)

// parsed is the description, read once.
var parsed = sync.OnceValues(func() (docsView, error) {
	var d api
	if err := json.Unmarshal(description, &d); err != nil {
		return docsView{}, err
	}
	return d.view()
})

// WriteDocs writes the page that shows the description.
func WriteDocs(w *bytes.Buffer) error {
	v, err := parsed()
	if err != nil {
		return err
	}
	return templates.ExecuteTemplate(w, "docs.html.tmpl", v)
}

func (d *api) view() (docsView, error) {
	v := docsView{Title: d.Info.Title, Description: d.Info.Description}
	for _, t := range d.Tags {
		v.Groups = append(v.Groups, group{tag: t})
	}
	for _, path := range sortedKeys(d.Paths) {
		for _, method := range sortedKeys(d.Paths[path]) {
			o := d.Paths[path][method]
			if len(o.Tags) != 1 {
				return v, fmt.Errorf("%s %s: expected one tag, found %d", method, path, len(o.Tags))
			}
			i := slices.IndexFunc(v.Groups, func(g group) bool { return g.Name == o.Tags[0] })
			if i < 0 {
				return v, fmt.Errorf("%s %s: the tag %q is not among tags", method, path, o.Tags[0])
			}
			shown, err := d.operation(strings.ToUpper(method), path, o)
			if err != nil {
				return v, fmt.Errorf("%s %s: %w", method, path, err)
			}
			v.Groups[i].Operations = append(v.Groups[i].Operations, shown)
		}
	}
	for _, name := range sortedKeys(d.Components.Schemas) {
		s := d.Components.Schemas[name]
		n := namedSchema{Name: name, Description: s.Description}
		for _, field := range sortedKeys(s.Properties) {
			k, err := d.kindOf(s.Properties[field])
			if err != nil {
				return v, fmt.Errorf("%s.%s: %w", name, field, err)
			}
			n.Properties = append(n.Properties, property{field, s.Properties[field].Description, k})
		}
		v.Schemas = append(v.Schemas, n)
	}
	return v, nil
}

func (d *api) operation(method, path string, o operation) (shownOperation, error) {
	shown := shownOperation{Method: method, Path: path, ID: o.OperationID, Summary: o.Summary, Description: o.Description}
	for _, p := range o.Parameters {
		if p.Ref != "" {
			known, err := resolve(p.Ref, "parameters", d.Components.Parameters)
			if err != nil {
				return shown, err
			}
			p = known
		}
		k, err := d.kindOf(p.Schema)
		if err != nil {
			return shown, err
		}
		shown.Parameters = append(shown.Parameters, shownParameter{p, k})
	}
	var err error
	if shown.Bodies, err = d.contents(shown.Bodies, "", "", o.RequestBody.Content); err != nil {
		return shown, err
	}
	for _, status := range sortedKeys(o.Responses) {
		r := o.Responses[status]
		if r.Ref != "" {
			if r, err = resolve(r.Ref, "responses", d.Components.Responses); err != nil {
				return shown, err
			}
		}
		if shown.Responses, err = d.contents(shown.Responses, status, r.Description, r.Content); err != nil {
			return shown, err
		}
	}
	return shown, nil
}

// contents appends what a body may be, by its content types.
func (d *api) contents(to []shownContent, status, description string, all map[string]content) ([]shownContent, error) {
	if len(all) == 0 && status != "" {
		return append(to, shownContent{Status: status, Description: description}), nil
	}
	for _, kind := range sortedKeys(all) {
		c := shownContent{Status: status, Type: kind, Description: description}
		if c.Description == "" {
			c.Description = all[kind].Schema.Description
		}
		var err error
		if c.Kind, err = d.kindOf(all[kind].Schema); err != nil {
			return nil, err
		}
		if example := all[kind].Example; example != nil {
			var text bytes.Buffer
			if err := json.Indent(&text, example, "", "  "); err != nil {
				return nil, err
			}
			c.Example = text.String()
		}
		to = append(to, c)
	}
	return to, nil
}

// kindOf says in words what a schema is.
func (d *api) kindOf(s schema) (kind, error) {
	if s.Ref != "" {
		_, err := resolve(s.Ref, "schemas", d.Components.Schemas)
		return kind{Schema: strings.TrimPrefix(s.Ref, "#/components/schemas/")}, err
	}
	var words []string
	switch t := s.Type.(type) {
	case string:
		words = append(words, t)
	case []any:
		for _, one := range t {
			words = append(words, fmt.Sprint(one))
		}
	}
	k := kind{Before: strings.Join(words, " or ")}
	if s.Items != nil {
		of, err := d.kindOf(*s.Items)
		if err != nil {
			return k, err
		}
		k = kind{Before: k.Before + " of " + of.Before, Schema: of.Schema, After: of.After}
	}
	if len(s.Enum) > 0 {
		k.After += ": " + strings.Join(s.Enum, ", ")
	}
	if s.Default != nil {
		k.After += fmt.Sprintf(", %v by default", s.Default)
	}
	return k, nil
}

// resolve finds what a reference names.
func resolve[T any](ref, section string, all map[string]T) (T, error) {
	name, ok := strings.CutPrefix(ref, "#/components/"+section+"/")
	known, there := all[name]
	if !ok || !there {
		return known, fmt.Errorf("%s names nothing of components/%s", ref, section)
	}
	return known, nil
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
