package evaluate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/dataset"
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

// validationImages is how many images the validation split of ILSVRC-2012 has.
const validationImages = 50000

var validationName = regexp.MustCompile(`^ILSVRC2012_val_(\d{8})\.`)

// ReadBlacklist reads which images of a set are left out, one number a line, as in the
// development kit's ILSVRC2014_clsloc_validation_blacklist.txt, and returns their
// indexes. Where the files are called ILSVRC2012_val_00000001.JPEG and so on, the
// numbers are these, of 50,000, and a part of the images may be missing; otherwise they
// are places in the order of the names, from 1.
func ReadBlacklist(file string, set *dataset.Set) ([]int, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the blacklist: %w", err)
	}
	indexes, last := imageNumbers(set)
	var all []int
	err = eachLine(data, func(line string) error {
		number, err := strconv.Atoi(line)
		if err != nil || number < 1 || number > last {
			return fmt.Errorf("expected the number of an image from 1 to %d, found %q", last, line)
		}
		if index, ok := indexes[number]; ok {
			all = append(all, index)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the blacklist %s: %w", file, err)
	}
	return all, nil
}

// imageNumbers returns the indexes of the images by their number, and the last number
// that there may be.
func imageNumbers(set *dataset.Set) (indexes map[int]int, last int) {
	indexes = make(map[int]int, set.Len())
	for i := range set.Len() {
		m := validationName.FindStringSubmatch(path.Base(set.Name(i)))
		if m == nil {
			clear(indexes)
			for i := range set.Len() {
				indexes[i+1] = i
			}
			return indexes, set.Len()
		}
		number, _ := strconv.Atoi(m[1])
		indexes[number] = i
	}
	return indexes, validationImages
}

// WriteSubmission writes the predictions of the last row in the format of ILSVRC-2012's
// test server: for each image, in the order of the set, a line with the ILSVRC2012_ID of
// five classes, the most probable first. The set's classes are those of ReadSynsets.
// Every image must have a prediction.
func (r *Report) WriteSubmission(w io.Writer) error {
	if r.Excluded > 0 || len(r.Unreadable) > 0 || len(r.Predictions) != r.Of {
		return fmt.Errorf("a submission has a line for every image, but of %d images %d have a prediction; evaluate all", r.Of, len(r.Predictions))
	}
	b := bufio.NewWriter(w)
	for _, p := range r.Predictions {
		for i, c := range p.Top[len(p.Top)-1] {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(strconv.Itoa(c.Label + 1))
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// eachLine calls parse for the lines that are not empty; its errors name the line.
func eachLine(data []byte, parse func(line string) error) error {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		if err := parse(text); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}
