package recipe

import (
	_ "embed"
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
