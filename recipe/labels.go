package recipe

import (
	_ "embed"
	"fmt"
	"os"
	"strings"
	"sync"
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

// ReadLabels reads the classes of a file in index order, one a line: a name, or a synset, a
// tab and a name.
func ReadLabels(path string) ([]Label, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var labels []Label
	for i, line := range strings.Split(strings.TrimRight(string(data), "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		synset, name, ok := strings.Cut(line, "\t")
		if !ok {
			synset, name = "", line
		}
		if strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("%s, line %d: expected a class, found an empty line", path, i+1)
		}
		labels = append(labels, Label{Synset: synset, Name: name})
	}
	return labels, nil
}
