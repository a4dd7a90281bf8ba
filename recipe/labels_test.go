package recipe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/filetree"
	"github.com/seed-fb2c0fa6/inception/internal/wanted"
)

// TestLabelFiles reads the classes n1 cat and n2 dog, or their names alone, from files as
// other programs write them.
func TestLabelFiles(t *testing.T) {
	const both = "n00000001 cat|n00000002 dog|"
	const name = " cat| dog|"
	for file, want := range map[string]string{
		"cat\ndog\n":                     name,
		"cat\r\ndog":                     name,
		"\xef\xbb\xbfcat\r\ndog\r\n\r\n": name,
		"\xff\xfec\x00a\x00t\x00\n\x00d\x00o\x00g\x00":                              name,
		"# pets\n\ncat\n# more\ndog\n":                                              name,
		"n00000001\tcat\nn00000002\tdog\n":                                          both,
		"n00000001 cat\nn00000002 dog\n":                                            both,
		"0:cat\n1:dog\n":                                                            name,
		"name\ncat\n":                                                               " name| cat|", // a list, since nothing tells otherwise
		"\"name\"\n\"cat\"\n\"dog\"\n":                                              name,
		"index,name\n0,cat\n1,dog\n":                                                name,
		"id;class\r\n2;dog\r\n1;cat\r\n":                                            " cat| dog|",
		"class_id,class_name,synset\n1,dog,n00000002\n0,cat,n00000001\n":            both,
		"wnid,name\nn00000001,cat\nn00000002,dog\n":                                 both,
		"0,cat\n1,dog\n":                                                            name,
		"1,\"cat, tabby\"\n2,dog\n":                                                 " cat, tabby| dog|",
		"0\tn00000001\tcat\n1\tn00000002\tdog\n":                                    both,
		"tench, Tinca tinca\ngoldfish, Carassius\n":                                 " tench, Tinca tinca| goldfish, Carassius|",
		"n00000001 tench, Tinca\nn00000002 goldfish, Carassius\n":                   "n00000001 tench, Tinca|n00000002 goldfish, Carassius|",
		"n00000001\nn00000002\n":                                                    "n00000001 n00000001|n00000002 n00000002|",
		`["cat", "dog"]`:                                                            name,
		`{"0": ["n00000001", "cat"], "1": ["n00000002", "dog"]}`:                    both,
		`{"1": "dog", "0": "cat"}`:                                                  name,
		`{"architectures": [], "id2label": {"0": "cat", "1": "dog"}}`:               name,
		`[{"synset":"n00000001","name":"cat"},{"synset":"n00000002","name":"dog"}]`: both,
	} {
		labels, err := ReadLabels(filetree.File(t, "labels", []byte(file)))
		if err != nil {
			t.Errorf("%q: %v", file, err)
			continue
		}
		var got strings.Builder
		for _, l := range labels {
			fmt.Fprintf(&got, "%s %s|", l.Synset, l.Name)
		}
		if got.String() != want {
			t.Errorf("%q: %s, want %s", file, got.String(), want)
		}
	}
	for file, want := range map[string]string{
		"cat\n\ndog\n":               "line 2: expected a class, found an empty line",
		"":                           "found none",
		"# only\n":                   "found none",
		"caf\xe9\n":                  "UTF-8",
		"0:cat\n2:dog\n":             `line 2: expected "1:"`,
		"index,name\n0,cat\n0,dog\n": `line 3: the index is "0"`,
		"index,name\n0,cat\n5,dog\n": `line 3: the index is "5"`,
		"index,name\n0,cat\n1\n":     "line 3: found 1 columns",
		"index,name\n0,cat\n1,\n":    "line 3: expected a class",
		`{"0": "cat", "2": "dog"}`:   "found none by 1",
		`{"0": 7}`:                   "0 should be a name",
		`{`:                          "JSON",
	} {
		_, err := ReadLabels(filetree.File(t, "labels", []byte(file)))
		wanted.Error(t, err, want)
	}
}
