package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A part is what a split is for, whatever it is called.
type part int

const (
	noPart part = iota
	trainingPart
	validationPart
	testPart
	unlabelledPart // of contests, in no class folders
)

// partNames are words in the names of splits, in lower case.
func partNames() map[string]part {
	return map[string]part{
		"train": trainingPart, "training": trainingPart,
		"val": validationPart, "valid": validationPart, "validation": validationPart, "validate": validationPart,
		"dev": validationPart, "eval": validationPart, "evaluation": validationPart,
		"test": testPart, "testing": testPart,
		"pred": unlabelledPart, "prediction": unlabelledPart, "unlabeled": unlabelledPart, "unlabelled": unlabelledPart,
	}
}

// setWords stand beside those in the names of folders: seg_train, training_set, Test Images.
func setWords() []string {
	return []string{"seg", "set", "data", "dataset", "split", "image", "images", "img", "imgs", "photos", "pictures", "ilsvrc"}
}

// words divides a name at what is no letter, and where a capital follows another letter's
// lower case.
func words(name string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		from := 0
		for i := 1; i < len(word); i++ {
			if isLower(word[i-1]) && isUpper(word[i]) {
				all = append(all, strings.ToLower(word[from:i]))
				from = i
			}
		}
		all = append(all, strings.ToLower(word[from:]))
	}
	return all
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// partOf returns what a folder or a value is for by its name: noPart unless its words name
// one part and beside it a set of images at most. A class such as steam_train has other
// words.
func partOf(name string) part {
	found := noPart
	for _, word := range words(name) {
		switch p := partNames()[word]; {
		case p != noPart && found == noPart:
			found = p
		case p != noPart && p != found, p == noPart && !slices.Contains(setWords(), word):
			return noPart
		}
	}
	return found
}

// partOfShards is partOf for what shards are called, among whose words is the name of
// the set: flowers_train, imagenet1k-validation.
func partOfShards(prefix string) part {
	found := noPart
	for _, word := range words(prefix) {
		if p := partNames()[word]; p != noPart {
			if found != noPart && p != found {
				return noPart
			}
			found = p
		}
	}
	return found
}

// errNoSplit says that none of the names is the split.
var errNoSplit = errors.New("no such split")

// resolve returns which of the names is meant by a split: the split itself, or one that
// differs in case, or the only one for the same part.
func resolve(split string, names []string, of func(string) part) (string, error) {
	if slices.Contains(names, split) {
		return split, nil
	}
	for _, same := range []func(string) bool{
		func(name string) bool { return strings.EqualFold(name, split) },
		func(name string) bool { return of(split) != noPart && of(name) == of(split) },
	} {
		var found []string
		for _, name := range names {
			if same(name) {
				found = append(found, name)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return "", fmt.Errorf("the split %q may be any of %s; name one of these", split, strings.Join(found, ", "))
		}
	}
	return "", errNoSplit
}

func noSplit(split string, found []string, kind string) error {
	if len(found) == 0 {
		return fmt.Errorf("expected a split %q, found no %s at all; name none to read all images, and hold a share of them out", split, kind)
	}
	return fmt.Errorf("there is no split %q; the %s there are: %s; name one of these, or none if they are classes", split, kind, some(found))
}

// mayBeIn tells whether a file lies in a folder that may be meant by the split.
func mayBeIn(split, name string) bool {
	folders := strings.Split(name, "/")
	return slices.ContainsFunc(folders[:len(folders)-1], func(folder string) bool {
		found, _ := resolve(split, []string{folder}, partOf)
		return found != ""
	})
}
