package ilsvrc

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// ReadSynsets reads the WordNet identifiers of a challenge's classes in the order of
// their ILSVRC2012_ID, from 1 on. The file is the development kit's data/meta.mat, or
// text with lines such as "n02119789 1 kit_fox", as later kits' map_clsloc.txt has
// them, in any order. Together they are the classes of a flat set.
func ReadSynsets(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the synsets: %w", err)
	}
	var found map[int]string
	if isMAT(data) {
		found, err = matSynsets(data)
	} else {
		found, err = textSynsets(data)
	}
	if err != nil {
		return nil, fmt.Errorf("the synsets %s: %w", path, err)
	}
	synsets := make([]string, len(found))
	for id, synset := range found {
		if id < 1 || id > len(found) {
			return nil, fmt.Errorf("the synsets %s: %s has the ILSVRC2012_ID %d, expected those from 1 to %d, each once", path, synset, id, len(found))
		}
		synsets[id-1] = synset
	}
	if len(synsets) < 2 {
		return nil, fmt.Errorf("the synsets %s: found %d, expected at least two", path, len(synsets))
	}
	return synsets, nil
}

var synsetName = regexp.MustCompile(`^n\d{8}$`)

func textSynsets(data []byte) (map[int]string, error) {
	found := map[int]string{}
	seen := map[string]bool{}
	err := eachLine(data, func(line string) error {
		fields := strings.Fields(line)
		var id int
		var err error
		if len(fields) >= 2 {
			id, err = strconv.Atoi(fields[1])
		}
		if len(fields) < 2 || err != nil || !synsetName.MatchString(fields[0]) {
			return fmt.Errorf("expected a synset and its ILSVRC2012_ID, such as \"n02119789 1 kit_fox\", found %q", line)
		}
		if before, ok := found[id]; ok || seen[fields[0]] {
			return fmt.Errorf("%s or its number %d is there twice (number %d is %s)", fields[0], id, id, before)
		}
		found[id], seen[fields[0]] = fields[0], true
		return nil
	})
	return found, err
}
