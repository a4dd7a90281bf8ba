package weights

import (
	"fmt"
	"slices"
)

// alike adds to each of the first names the one of others that is spelt most alike.
func alike(names, others []string) []string {
	const most, pairs = 5, 2000
	names = slices.Clone(names)
	if len(others) > pairs {
		others = others[:pairs]
	}
	for i := range min(most, len(names)) {
		best, fewest := "", len(names[i])/2
		for _, other := range others {
			if d := distance(names[i], other, fewest); d < fewest {
				best, fewest = other, d
			}
		}
		if best != "" {
			names[i] = fmt.Sprintf("%s (nearest: %s)", names[i], best)
		}
	}
	return names
}

// distance is Levenshtein's in bytes, or any number from enough on where it is that large.
func distance(a, b string, enough int) int {
	if d := max(len(a)-len(b), len(b)-len(a)); d >= enough {
		return d
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, smallest := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
			smallest = min(smallest, cost)
		}
		if smallest >= enough {
			return smallest
		}
	}
	return row[len(b)]
}
