package ilsvrc

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"

	"github.com/seed-fb2c0fa6/inception/dataset"
)

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
