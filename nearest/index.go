package nearest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/seed-fb2c0fa6/inception/features"
	"github.com/seed-fb2c0fa6/inception/internal/printable"
)

// An Index is the features of a folder's photographs, with what tells which have changed.
type Index struct {
	features.About
	// Folder is the absolute path of the folder when the index was last brought up to date.
	Folder string
	// Photos are in the order of their names, one for each row of Vectors.
	Photos  []Photo
	Vectors *Vectors
}

// A Photo is a photograph of an index. Of one from a file of features alone only the name is
// known.
type Photo struct {
	// Name is its path below the folder, with slashes.
	Name string
	// Size and Modified are those of the file, and SHA256 is that of its bytes.
	Size     int64
	Modified time.Time
	SHA256   string
	// Width and Height are the photograph's in pixels, as it is seen upright.
	Width, Height int
}

// record is a Photo in the metadata of a file.
type record struct {
	Bytes    []byte    `json:"file_bytes,omitempty"` // the name, where it is not UTF-8
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	SHA256   string    `json:"sha256"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
}

// stored is what an index has beside features.
type stored struct {
	Folder string   `json:"folder"`
	Photos []record `json:"photographs"`
}

const keyIndex = "inception.index"

// Open reads an index, or a file of features (features.Write, safetensors), whose photographs
// are called as it calls them.
func Open(path string) (*Index, error) {
	t, err := features.Read(path)
	if err != nil {
		return nil, err
	}
	x := &Index{About: t.About, Photos: make([]Photo, t.Len())}
	for i, name := range t.Files {
		x.Photos[i].Name = name
	}
	if text, ok := t.More[keyIndex]; ok {
		var s stored
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, fmt.Errorf("%s: the metadata %q should be JSON as this program writes it: %w; remove the file, and index the folder again", path, keyIndex, err)
		}
		if len(s.Photos) != t.Len() {
			return nil, fmt.Errorf("%s: the metadata %q tell of %d photographs, expected %d as there are features of; remove the file, and index the folder again", path, keyIndex, len(s.Photos), t.Len())
		}
		x.Folder = filepath.FromSlash(s.Folder)
		for i, r := range s.Photos {
			p := &x.Photos[i]
			if r.Bytes != nil {
				p.Name = string(r.Bytes)
			}
			p.Size, p.Modified, p.SHA256, p.Width, p.Height = r.Size, r.Modified, r.SHA256, r.Width, r.Height
		}
	}
	if x.Vectors, err = NewVectors(t.Values, t.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// Write writes the index as a file of safetensors, which is one of features, too. It appears
// whole or not at all.
func (x *Index) Write(path string) error {
	s := stored{Folder: printable.UTF8(filepath.ToSlash(x.Folder)), Photos: make([]record, len(x.Photos))}
	t := features.Table{About: x.About, Files: make([]string, len(x.Photos)), Values: x.Vectors.values}
	for i, p := range x.Photos {
		t.Files[i] = p.Name
		r := record{Size: p.Size, Modified: p.Modified, SHA256: p.SHA256, Width: p.Width, Height: p.Height}
		if printable.UTF8(p.Name) != p.Name {
			r.Bytes = []byte(p.Name)
		}
		s.Photos[i] = r
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	t.More = map[string]string{keyIndex: string(text)}
	return t.Write(path)
}

// Check refuses features that do not compare with the index's: those of other weights, another
// stage, or photographs that were prepared otherwise.
func (x *Index) Check(about features.About) error {
	theirs, ours := reflect.ValueOf(x.About), reflect.ValueOf(about)
	for i := range theirs.NumField() {
		field := theirs.Type().Field(i)
		was, is := theirs.Field(i).Interface(), ours.Field(i).Interface()
		if field.Name == "Weights" || field.Name == "Fingerprint" && was == "" || field.Name == "Precision" && was == "" || reflect.DeepEqual(was, is) {
			continue // a path says nothing, and old files of features do not tell of all
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		return fmt.Errorf("it was made with %s %s, and the features to compare with it have %s; make them alike, or name another index",
			name, textOf(was), textOf(is))
	}
	return nil
}

func textOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
