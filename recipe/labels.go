package recipe

import (
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/seed-fb2c0fa6/inception/internal/textfile"
)

// A Label names one class.
type Label struct {
	// Synset is the WordNet identifier, such as "n02123045"; empty where a data
	// set has none.
	Synset string `json:"synset,omitempty"`
	// Name is the name for people, such as "tabby".
	Name string `json:"name"`
}

//go:embed imagenet_classes.tsv
var imagenetClasses string

// ImageNet returns the 1000 classes of ILSVRC-2012 in index order. The slice is
// shared; it must not be changed.
var ImageNet = sync.OnceValue(func() []Label {
	lines := strings.Split(strings.TrimSpace(imagenetClasses), "\n")
	labels := make([]Label, len(lines))
	for i, line := range lines {
		synset, name, _ := strings.Cut(line, "\t")
		labels[i] = Label{Synset: synset, Name: name}
	}
	return labels
})

// ReadLabels reads the classes of a file in index order. It is
//   - text with one class a line: a name; a synset, a tab and a name, or a synset such as
//     n02123045, a space and a name; or an index, a colon and a name;
//   - a CSV or TSV file, whose columns are called by its first line or else are one of
//     these;
//   - JSON: a list of names, or an object of names, or of synsets with names, by their
//     index, as Keras and Transformers have them.
//
// A byte order mark, the end of lines of Windows, and lines that begin with # are passed.
func ReadLabels(path string) ([]Label, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	labels, err := parseLabels(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return labels, nil
}

func parseLabels(data []byte) ([]Label, error) {
	text := textfile.Text(data)
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("expected text in UTF-8, found another encoding; save the file as UTF-8")
	}
	if start := strings.TrimSpace(text); strings.HasPrefix(start, "[") || strings.HasPrefix(start, "{") {
		return jsonLabels(start)
	}
	var rows []labelRow
	for number, line := range textfile.Lines(data) {
		if strings.TrimSpace(line) == "" {
			return nil, fmt.Errorf("line %d: expected a class, found an empty line", number)
		}
		rows = append(rows, labelRow{number, line})
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("expected one class a line, found none")
	}
	if separator, ok := tableOf(rows); ok {
		return tableLabels(rows, separator)
	}
	return listLabels(rows)
}

// A labelRow is a line of a file.
type labelRow struct {
	line int
	text string
}

// synsetWord begins lines such as "n01440764 tench, Tinca tinca".
var synsetWord = regexp.MustCompile(`^(n\d{8})(?:[\t ,]+|$)`)

// numbered begins lines such as "0:tench".
var numbered = regexp.MustCompile(`^(\d+):\s*`)

// listLabels reads one class a line.
func listLabels(rows []labelRow) ([]Label, error) {
	byNumber := numbered.MatchString(rows[0].text)
	labels := make([]Label, len(rows))
	for i, row := range rows {
		text := row.text
		if byNumber {
			m := numbered.FindStringSubmatch(text)
			if m == nil || m[1] != strconv.Itoa(i) {
				return nil, fmt.Errorf("line %d: expected \"%d:\" and a name, as on the lines before, found %q", row.line, i, text)
			}
			text = text[len(m[0]):]
		}
		if synset, name, ok := strings.Cut(text, "\t"); ok {
			labels[i] = Label{Synset: strings.TrimSpace(synset), Name: strings.TrimSpace(name)}
		} else if m := synsetWord.FindStringSubmatch(text); m != nil {
			labels[i] = Label{Synset: m[1], Name: strings.TrimSpace(text[len(m[0]):])}
		} else {
			labels[i].Name = strings.TrimSpace(text)
		}
		if labels[i].Name == "" {
			labels[i].Name = labels[i].Synset
		}
		if labels[i].Name == "" {
			return nil, fmt.Errorf("line %d: expected a class, found an empty name", row.line)
		}
	}
	return labels, nil
}

// The names of columns, without what is no letter.
func nameColumns() []string {
	return []string{"name", "label", "labels", "class", "classname", "labelname", "category", "categoryname", "title", "displayname", "species", "breed"}
}
func synsetColumns() []string { return []string{"synset", "wnid", "wordnetid", "synsetid"} }
func indexColumns() []string {
	return []string{"index", "idx", "id", "classid", "labelid", "classindex", "number", "target", "categoryid"}
}

func column(field string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, field)
}

// tableOf tells a table, and what stands between its columns: the first line calls one of
// them a name and all of them something, or all lines begin with their index.
func tableOf(rows []labelRow) (separator rune, ok bool) {
	for _, separator := range ",;\t" {
		first, err := splitRow(rows[0].text, separator)
		if err != nil || len(first) < 2 {
			continue
		}
		named := slices.ContainsFunc(first, func(f string) bool {
			return slices.Contains(nameColumns(), column(f)) || slices.Contains(synsetColumns(), column(f))
		})
		called := !slices.ContainsFunc(first, func(f string) bool {
			c := column(f)
			return !slices.Contains(nameColumns(), c) && !slices.Contains(synsetColumns(), c) && !slices.Contains(indexColumns(), c)
		})
		counted := true
		for i, row := range rows {
			fields, err := splitRow(row.text, separator)
			counted = counted && err == nil && len(fields) > 1 && (fields[0] == strconv.Itoa(i) || fields[0] == strconv.Itoa(i+1))
		}
		if named && called || counted {
			return separator, true
		}
	}
	// A single column with its name above, which quotes tell from a list.
	if first := strings.Trim(rows[0].text, `"`); first != rows[0].text && slices.Contains(nameColumns(), column(first)) {
		return ',', true
	}
	return 0, false
}

func splitRow(text string, separator rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.TrimLeadingSpace = separator, true
	return r.Read()
}

// tableLabels reads rows by their columns.
func tableLabels(rows []labelRow, separator rune) ([]Label, error) {
	first, err := splitRow(rows[0].text, separator)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", rows[0].line, err)
	}
	find := func(known []string) int {
		return slices.IndexFunc(first, func(f string) bool { return slices.Contains(known, column(f)) })
	}
	name, synset, index := find(nameColumns()), find(synsetColumns()), find(indexColumns())
	if name >= 0 || synset >= 0 {
		rows = rows[1:]
	} else {
		index, name = 0, len(first)-1
		if name == 2 {
			synset = 1
		}
	}
	labels := make([]Label, len(rows))
	seen := make([]int, len(rows)) // the line that says each
	begin := 1                     // where none has the index 0
	if index < 0 || slices.ContainsFunc(rows, func(row labelRow) bool {
		fields, err := splitRow(row.text, separator)
		return err == nil && index < len(fields) && strings.TrimSpace(fields[index]) == "0"
	}) {
		begin = 0
	}
	for i, row := range rows {
		fields, err := splitRow(row.text, separator)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", row.line, err)
		}
		if len(fields) <= max(name, synset, index) {
			return nil, fmt.Errorf("line %d: found %d columns, expected %d as in the first line", row.line, len(fields), len(first))
		}
		place := i
		if index >= 0 {
			n, err := strconv.Atoi(strings.TrimSpace(fields[index]))
			if err != nil || n < begin || n-begin >= len(rows) || seen[n-begin] > 0 {
				return nil, fmt.Errorf("line %d: the index is %q, expected those from %d to %d, each once", row.line, fields[index], begin, begin+len(rows)-1)
			}
			place = n - begin
		}
		seen[place] = row.line
		l := &labels[place]
		if synset >= 0 {
			l.Synset = strings.TrimSpace(fields[synset])
		}
		if l.Name = l.Synset; name >= 0 {
			l.Name = strings.TrimSpace(fields[name])
		}
		if l.Name == "" {
			return nil, fmt.Errorf("line %d: expected a class, found an empty name", row.line)
		}
	}
	return labels, nil
}

// jsonLabels reads a list, or an object by index.
func jsonLabels(text string) ([]Label, error) {
	var list []string
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			var labels []Label
			if json.Unmarshal([]byte(text), &labels) == nil {
				return labels, nil
			}
			return nil, fmt.Errorf("expected a JSON list of names: %w", err)
		}
		labels := make([]Label, len(list))
		for i, name := range list {
			labels[i].Name = name
		}
		return labels, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, fmt.Errorf("expected a JSON object of names by their index: %w", err)
	}
	if inner, ok := object["id2label"]; ok {
		object = nil
		if err := json.Unmarshal(inner, &object); err != nil {
			return nil, fmt.Errorf("id2label should be an object of names by their index: %w", err)
		}
	}
	labels := make([]Label, len(object))
	for i := range labels {
		value, ok := object[strconv.Itoa(i)]
		if !ok {
			return nil, fmt.Errorf("expected names by the indexes from 0 to %d, found none by %d", len(object)-1, i)
		}
		var pair []string
		switch {
		case json.Unmarshal(value, &labels[i].Name) == nil:
		case json.Unmarshal(value, &pair) == nil && len(pair) == 2:
			labels[i] = Label{Synset: pair[0], Name: pair[1]}
		default:
			return nil, fmt.Errorf("%d should be a name, or a synset and a name, found %s", i, value[:min(len(value), 100)])
		}
	}
	return labels, nil
}
