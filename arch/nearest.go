package arch

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// nearest sorts names by how near they are to one that is none of them: first those that it is
// a part of, or that are a part of it, then by edit distance. Case and what is neither letter
// nor digit do not count. Names that are as near stay in their order.
func nearest(name string, names []string) []string {
	name = bare(name)
	distance := func(other string) int {
		other = bare(other)
		d := editDistance(name, other)
		if !strings.Contains(other, name) && !strings.Contains(name, other) {
			d += len(name) + len(other) // more than any part is away
		}
		return d
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return names
}

func bare(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// editDistance is Levenshtein's distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
