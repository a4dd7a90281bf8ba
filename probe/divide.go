package probe

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Divide holds a share of the rows of each class out, rounded, in (0,1), chosen by the seed: one
// at least, and not all, of classes of two rows or more. Both parts are in order.
func Divide(labels []int, share float64, seed uint64) (train, held []int) {
	byClass := map[int][]int{}
	classes := []int{}
	for row, label := range labels {
		if byClass[label] == nil {
			classes = append(classes, label)
		}
		byClass[label] = append(byClass[label], row)
	}
	slices.Sort(classes)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, class := range classes {
		rows := byClass[class]
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		n := 0
		if len(rows) > 1 {
			n = max(1, min(len(rows)-1, int(math.Round(share*float64(len(rows))))))
		}
		held, train = append(held, rows[:n]...), append(train, rows[n:]...)
	}
	slices.Sort(train)
	slices.Sort(held)
	return train, held
}
