package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mostPaths is how many files a pattern may name: more is a mistake in a range.
const mostPaths = 1 << 20

// isPattern tells a path that may stand for several files.
func isPattern(path string) bool { return strings.ContainsAny(path, "{*?[") }

// expand returns the files that a pattern names, in its order: {000..146} stands for
// numbers and {a,b} for words, as in a shell, then *, ? and [a-z] for what there is, in the
// order of the names.
func expand(pattern string) ([]string, error) {
	globs, err := braces(pattern)
	if err != nil {
		return nil, err
	}
	var paths []string
	seen := map[string]bool{}
	var missing []string
	for _, glob := range globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			return nil, fmt.Errorf("the pattern %s: %w", glob, err)
		}
		if len(found) == 0 {
			missing = append(missing, glob)
		}
		for _, path := range found {
			if !seen[path] {
				seen[path] = true
				paths = append(paths, path)
			}
		}
	}
	switch {
	case len(paths) == 0:
		return nil, fmt.Errorf("expected %s; the pattern names no file that is there", Sources())
	case len(missing) > 0:
		return nil, fmt.Errorf("%d of the %d files that the pattern names are not there, the first is %s; copy or download them, or name fewer", len(missing), len(globs), missing[0])
	}
	return paths, nil
}

// braces expands the first {...} of a pattern, and those behind and within it.
func braces(pattern string) ([]string, error) {
	from := strings.IndexByte(pattern, '{')
	if from < 0 {
		return []string{pattern}, nil
	}
	words, rest, ok := cutBraces(pattern[from:])
	if !ok {
		return []string{pattern}, nil
	}
	tails, err := braces(rest)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, word := range words {
		heads := []string{word}
		if len(words) > 1 {
			if heads, err = braces(word); err != nil {
				return nil, err
			}
		}
		for _, head := range heads {
			for _, tail := range tails {
				if len(all) == mostPaths {
					return nil, fmt.Errorf("expected a pattern of at most %d files", mostPaths)
				}
				all = append(all, pattern[:from]+head+tail)
			}
		}
	}
	return all, nil
}

// cutBraces returns the words of {a,b} or {1..3} at the beginning of text, and what stands
// behind; false where a brace is not closed, or has neither words nor a range.
func cutBraces(text string) (words []string, rest string, ok bool) {
	depth, from := 0, 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				words = append(words, text[from:i])
				from = i + 1
			}
		case '}':
			if depth--; depth > 0 {
				continue
			}
			if words == nil {
				words = numbersOf(text[1:i])
			} else {
				words = append(words, text[from:i])
			}
			return words, text[i+1:], words != nil
		}
	}
	return nil, "", false
}

// numbersOf returns those of a range such as 000..146, all as long as the longer end where
// one has a zero before it; nil for another text.
func numbersOf(text string) []string {
	first, last, ok := strings.Cut(text, "..")
	if !ok {
		return nil
	}
	from, err1 := strconv.ParseUint(first, 10, 31)
	to, err2 := strconv.ParseUint(last, 10, 31)
	if err1 != nil || err2 != nil || max(from, to)-min(from, to) >= mostPaths {
		return nil
	}
	width := 0
	if first[0] == '0' && len(first) > 1 || last[0] == '0' && len(last) > 1 {
		width = max(len(first), len(last))
	}
	var all []string
	for i := min(from, to); i <= max(from, to); i++ {
		all = append(all, fmt.Sprintf("%0*d", width, i))
	}
	if from > to {
		slices.Reverse(all)
	}
	return all
}
