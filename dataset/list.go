package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-fb2c0fa6/inception/internal/textfile"
)

// isList tells a text file of paths and labels by the ending of its name, since a text may
// be anything.
func isList(c candidate) bool {
	endings := []string{".csv", ".tsv", ".txt", ".lst"}
	return c.paths == nil && !c.folder && slices.Contains(endings, strings.ToLower(filepath.Ext(c.path))) && !bytes.ContainsRune([]byte(textfile.Text(c.head)), 0)
}

// openList reads a list of images on disk: one a line, with its path, which is relative to
// the list's folder, and its label, between commas, semicolons, tabs or spaces. The first
// line may say which columns these are, and which is the split.
func openList(ctx context.Context, c candidate, o Options) (*Set, error) {
	if o.Flat || o.Labels != nil {
		return nil, errors.New("found a list of images, expected a folder or an archive of images: a list has labels of its own, so that a set of it is not flat")
	}
	data, err := os.ReadFile(c.path)
	if err != nil {
		return nil, err
	}
	rows, err := readRows(textfile.Text(data))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("expected lines with the path of an image and its label, found none")
	}
	l := &list{root: filepath.Dir(c.path)}
	columns, header, err := l.columns(rows)
	if err != nil {
		return nil, err
	}
	if header {
		rows = rows[1:]
	}
	set := &Set{storage: l}
	if rows, set.split, err = rowsOf(rows, columns.split, o.Split); err != nil {
		return nil, err
	}
	claims := make([]claim, len(rows))
	labelled := map[string]int{} // the row of each path
	found := 0
	for i, row := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if last := max(columns.path, columns.label); last >= len(row.fields) {
			return nil, fmt.Errorf("line %d has %d columns, expected at least %d", row.line, len(row.fields), last+1)
		}
		name, label := strings.TrimSpace(row.fields[columns.path]), strings.TrimSpace(row.fields[columns.label])
		if name == "" || label == "" {
			return nil, fmt.Errorf("line %d has the path %q and the label %q, expected both", row.line, name, label)
		}
		claims[i] = claimOf(label, fmt.Sprintf("line %d", row.line))
		if c := &claims[i]; c.numbered && columns.name >= 0 && columns.name < len(row.fields) {
			c.class = strings.TrimSpace(row.fields[columns.name])
		}
		if before, ok := labelled[name]; ok && claims[before].String() != claims[i].String() {
			return nil, fmt.Errorf("line %d says that %s is %s, line %d that it is %s, expected one label for each image", rows[before].line, name, claims[before], row.line, claims[i])
		}
		labelled[name] = i
		path, there := l.find(name)
		if there {
			found++
		}
		set.items = append(set.items, item{name: name, key: keyOf(name), at: len(l.paths)})
		l.paths = append(l.paths, path)
	}
	if found == 0 {
		return nil, fmt.Errorf("none of the %d images is there, the first is %s on line %d; paths are relative to the list's folder, %s", len(rows), l.paths[0], rows[0].line, l.root)
	}
	classes, labels, err := settle(claims, nil, o)
	if err != nil {
		return nil, err
	}
	set.classes = classes
	for i := range set.items {
		set.items[i].label = labels[i]
	}
	return set, nil
}

// A row is a line of a list.
type row struct {
	line   int
	fields []string
}

// readRows divides a text into its lines and columns.
func readRows(text string) ([]row, error) {
	separator := separatorOf(text)
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = separator, '#', -1, true
	var rows []row
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if separator == ' ' {
			fields = slices.DeleteFunc(fields, func(field string) bool { return field == "" })
		}
		if len(fields) == 0 || len(fields) == 1 && strings.TrimSpace(fields[0]) == "" {
			continue
		}
		rows = append(rows, row{line, fields})
	}
}

// separatorOf is what stands between the columns of a text, by its first line.
func separatorOf(text string) rune {
	for _, line := range textfile.Lines([]byte(text)) {
		for _, separator := range "\t;," {
			if strings.ContainsRune(line, separator) {
				return separator
			}
		}
		break
	}
	return ' '
}

// columns are the places of what is read in a row; name, which is that of a class whose
// label is a number, and split are -1 where there is none.
type columns struct{ path, label, name, split int }

// columns finds the columns by their names in the first line, whose names are header then,
// or else takes the first two.
func (l *list) columns(rows []row) (c columns, header bool, err error) {
	first := rows[0].fields
	names := make([]string, len(first))
	for i, field := range first {
		names[i] = strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, field)
	}
	find := func(known ...string) int {
		for _, name := range known {
			if i := slices.Index(names, name); i >= 0 {
				return i
			}
		}
		return -1
	}
	c = columns{
		path:  find("path", "filepath", "filepaths", "imagepath", "imgpath", "relativepath", "file", "filename", "imagefile", "imagename", "image", "img", "imageid", "images", "files", "name", "id", "key", "url"),
		label: find("label", "labels", "class", "classname", "category", "categoryname", "species", "breed", "target", "synset", "wnid", "y", "cls", "classid", "labelid", "categoryid", "variety"),
		name:  find("classname", "labelname", "categoryname", "species", "breed"),
		split: find("split", "subset", "partition", "dataset", "set"),
	}
	_, there := l.find(first[0])
	switch {
	case c.path >= 0 && c.label >= 0 && c.path != c.label && !there:
		return c, true, nil
	case len(first) < 2:
		return c, false, fmt.Errorf("line %d has one column, expected the path of an image and its label, between commas, semicolons, tabs or spaces", rows[0].line)
	case there || len(rows) > 1 && !l.firstIs(rows[1]):
		return columns{0, 1, -1, -1}, false, nil // where no image is there, that is said of all
	case len(first) == 2 && len(rows) > 1:
		return columns{0, 1, -1, -1}, true, nil // names of its own
	}
	return c, false, fmt.Errorf("line %d has the columns %s, expected one that is called path, file or image, and one that is called label or class", rows[0].line, strings.Join(first, ", "))
}

// firstIs tells whether the first column of a row is an image that is there.
func (l *list) firstIs(r row) bool {
	_, there := l.find(r.fields[0])
	return there
}

// rowsOf returns the rows of a split, and its name.
func rowsOf(rows []row, column int, split string) ([]row, string, error) {
	of := func(r row) string {
		if column < 0 || column >= len(r.fields) {
			return ""
		}
		return strings.TrimSpace(r.fields[column])
	}
	var splits []string
	seen := map[string]bool{"": true}
	for _, r := range rows {
		if name := of(r); !seen[name] {
			seen[name] = true
			splits = append(splits, name)
		}
	}
	switch {
	case split == "" && len(splits) > 1:
		return nil, "", fmt.Errorf("found the splits %s, expected one; name the split to read", some(splits))
	case split == "":
		return rows, "", nil
	}
	chosen, err := resolve(split, splits, partOf)
	if errors.Is(err, errNoSplit) {
		err = noSplit(split, splits, "values in a column that is called split")
	}
	if err != nil {
		return nil, "", err
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return of(r) != chosen }), chosen, nil
}

// A list reads the images that a text names.
type list struct {
	root  string
	paths []string
}

// find returns the path of an image by its name in the list, which may lack the ending,
// and whether it is there.
func (l *list) find(name string) (path string, there bool) {
	slashed := name
	if !strings.Contains(name, "/") {
		slashed = strings.ReplaceAll(name, `\`, "/")
	}
	path = filepath.FromSlash(slashed)
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.root, path)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return path, true
	}
	if filepath.Ext(path) == "" {
		for _, ending := range imageEndings() {
			if _, err := os.Stat(path + ending); err == nil {
				return path + ending, true
			}
		}
	}
	return path, false
}

func (l *list) path(at int) string { return l.paths[at] }

func (l *list) read(at int) ([]byte, error) { return readFile(l.paths[at]) }

func (l *list) Close() error { return nil }
