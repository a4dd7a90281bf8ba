package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-fb2c0fa6/inception/internal/textfile"
)

// A claim is what a source without class folders says of an image's class.
type claim struct {
	number   int64
	numbered bool   // otherwise class says it
	class    string // the name; empty where there is none beside the number
	where    string // for errors, such as "line 3"
}

// claimOf takes text for a number, or else for the name of a class.
func claimOf(text, where string) claim {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return claim{number: n, numbered: true, where: where}
	}
	return claim{class: text, where: where}
}

// settle makes labels of claims. Numbers, less the offset, are those of the classes: of the
// given ones, or else of the names of a list beside the data, or else of what claims call
// them. Where there are no numbers, the classes are the given ones, or else the names in
// their order.
func settle(claims []claim, listed []string, o Options) (classes []string, labels []int32, err error) {
	names := o.Classes
	if names == nil {
		names = listed
	}
	for _, c := range claims {
		if c.numbered != claims[0].numbered {
			return nil, nil, fmt.Errorf("%s says %s and %s says %s, expected numbers or names throughout", claims[0].where, claims[0], c.where, c)
		}
	}
	if len(claims) > 0 && !claims[0].numbered {
		return settleNames(claims, names, o)
	}
	top := int32(-1)
	called := map[int32]string{}
	labels = make([]int32, len(claims))
	for i, c := range claims {
		label := c.number - int64(o.LabelOffset)
		if label < 0 || label >= maxClasses || names != nil && label >= int64(len(names)) {
			return nil, nil, fmt.Errorf("%s has the label %d, less the offset %d: %d; %s; check the label offset and the list of classes",
				c.where, c.number, o.LabelOffset, label, expectedLabels(len(names)))
		}
		labels[i] = int32(label)
		top = max(top, labels[i])
		if c.class != "" {
			called[labels[i]] = c.class
		}
	}
	if names == nil {
		names = numberNames(int(top)+1, called)
	}
	return names, labels, enoughClasses(names)
}

// numberNames returns n names of classes: those that are known, and numbers.
func numberNames(n int, known map[int32]string) []string {
	names := make([]string, n)
	for label := range names {
		if names[label] = known[int32(label)]; names[label] == "" {
			names[label] = strconv.Itoa(label)
		}
	}
	return names
}

// captionWords is how many words a text has at least that is no name of a class.
const captionWords = 4

func settleNames(claims []claim, names []string, o Options) ([]string, []int32, error) {
	if o.LabelOffset != 0 {
		return nil, nil, fmt.Errorf("the label offset is %d, expected 0: %s says %s, which is no number", o.LabelOffset, claims[0].where, claims[0])
	}
	if names == nil {
		for _, c := range claims {
			names = append(names, normal(c.class))
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) == len(claims) && !slices.ContainsFunc(claims, func(c claim) bool { return len(strings.Fields(c.class)) < captionWords }) {
			return nil, nil, fmt.Errorf("each of the %d images has a label of its own of several words, such as %s, expected names of classes; are they captions?", len(claims), claims[0])
		}
	}
	at := labelsOf(names)
	labels := make([]int32, len(claims))
	for i, c := range claims {
		label, ok := at[normal(c.class)]
		if !ok {
			return nil, nil, fmt.Errorf("%s says %s, which is not one of the %d classes that were given (%s); give this class too, or correct it", c.where, c, len(names), some(names))
		}
		labels[i] = label
	}
	return names, labels, enoughClasses(names)
}

// String is the claim as it was written.
func (c claim) String() string {
	if c.numbered {
		return strconv.FormatInt(c.number, 10)
	}
	return strconv.Quote(c.class)
}

// labelsFiles are lists of the classes' names that lie beside data whose labels are
// numbers. The first is TF-slim's, with lines such as "0:daisy" (datasets/dataset_utils.py).
func labelsFiles() []string {
	return []string{"labels.txt", "classes.txt", "classnames.txt", "class_names.txt"}
}

// listedLabels reads the first list of names in a folder; nil where there is none.
func listedLabels(folder string, offset int) ([]string, error) {
	for _, name := range labelsFiles() {
		path := filepath.Join(folder, name)
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names, err := readLabels(data, offset)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return names, nil
	}
	return nil, nil
}

// readLabels reads the names of the labels offset, offset+1, ... from lines number:name, or
// from names alone, the first of which is that of the label offset.
func readLabels(data []byte, offset int) ([]string, error) {
	var names []string
	numbered := false
	begun := false
	next := 0
	for number, line := range textfile.Lines(data) {
		if line == "" {
			return nil, fmt.Errorf("line %d: expected the name of a class, found an empty line", number)
		}
		first, name, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(first)
		if !begun {
			begun, numbered, next = true, ok && err == nil, offset
			if numbered {
				next = min(n, offset)
			}
		}
		if !numbered {
			n, name = next, line
		} else if !ok || err != nil || n != next {
			return nil, fmt.Errorf("line %d: expected a line \"%d:name\", found %q; give the classes, or check the label offset", number, next, line)
		}
		next++
		if n >= offset { // otherwise a label below the offset, such as the background
			names = append(names, strings.TrimSpace(name))
		}
	}
	if begun && len(names) == 0 {
		return nil, errors.New("expected names of labels from the offset on, found only lower ones; check the label offset")
	}
	return names, nil
}
