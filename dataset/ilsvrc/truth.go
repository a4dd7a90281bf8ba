package ilsvrc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// ReadGroundTruth reads the labels of a flat set's images, from 0: one line for each
// image, in the order of their names, with its ILSVRC2012_ID, as in the development
// kit's ILSVRC2012_validation_ground_truth.txt, or its synset. Synsets are those of
// ReadSynsets.
func ReadGroundTruth(path string, synsets []string) ([]int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the ground truth: %w", err)
	}
	at := make(map[string]int, len(synsets))
	for i, synset := range synsets {
		at[synset] = i
	}
	var labels []int
	err = eachLine(data, func(line string) error {
		label, ok := at[line]
		if !ok {
			id, err := strconv.Atoi(line)
			if err != nil || id < 1 || id > len(synsets) {
				return fmt.Errorf("expected an ILSVRC2012_ID from 1 to %d or one of the synsets, found %q", len(synsets), line)
			}
			label = id - 1
		}
		labels = append(labels, label)
		return nil
	})
	if err == nil && len(labels) == 0 {
		err = errors.New("the file is empty, expected one line for each image")
	}
	if err != nil {
		return nil, fmt.Errorf("the ground truth %s: %w", path, err)
	}
	return labels, nil
}
