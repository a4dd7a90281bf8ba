package score

import (
	"cmp"
	"slices"
)

// Five is how many classes count for a top-5 accuracy or error.
const Five = 5

// Top returns the indices of the k largest values, of all where there are fewer: the
// largest first, of equal ones the smaller index first. What is not a number comes last.
func Top[T float32 | float64](values []T, k int) []int {
	k = min(max(k, 0), len(values))
	top := make([]int, 0, k)
	for i, v := range values {
		// A later one comes before an earlier one only when it is larger.
		at, _ := slices.BinarySearchFunc(top, v, func(earlier int, v T) int {
			if cmp.Less(values[earlier], v) {
				return 1
			}
			return -1
		})
		if at == k {
			continue
		}
		if len(top) == k {
			top = top[:k-1]
		}
		top = slices.Insert(top, at, i)
	}
	return top
}

// Rank returns how many classes come before the label in the order of their logits; of
// equal ones the smaller index comes first. A logit that is not a number comes before
// all: a network that diverged is never right.
func Rank(logits []float32, label int) int {
	own := logits[label]
	before := 0
	for i, v := range logits {
		if !(v < own || v == own && i >= label) {
			before++
		}
	}
	return before
}
